//! The WIT world of one plugin: it imports what the manifest needs, and nothing else.
//!
//! Components in JavaScript and Python import every interface of the world they are built against,
//! used or not; with a world of its own a plugin's imports equal its needs in every language.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::interface::qualified;
use crate::{BuildError, Interface, Language, Plugin};

/// The world's name in the file that [`write_world`] writes.
pub const WORLD: &str = "plugin";

/// Where scripts have their randomness from, as QuickJS would freeze its own into the component.
/// Hosts link it inert: bytes that follow from the task, and are the same when it runs again.
pub(crate) const RANDOM: &str = "wasi:random/random@0.2.0";
const RANDOM_WIT: &str = "package wasi:random@0.2.0;\n\n\
    interface random {\n    get-random-bytes: func(len: u64) -> list<u8>;\n}\n";

impl Plugin {
    /// The interfaces of the contract that the plugin may import.
    ///
    /// # Errors
    /// A need that this language cannot have yet.
    pub fn interfaces(&self) -> Result<BTreeSet<Interface>, BuildError> {
        let needs = || self.manifest.needs.iter().map(|need| &need.capability);
        let raw = needs().find(|need| need.kind() == "http.raw");
        if let Some(need) = raw.filter(|_| self.build.language != Language::Rust) {
            return Err(BuildError::Unsupported {
                path: self.file(),
                need: need.to_string(),
                language: self.build.language.name(),
            });
        }
        let needed = needs().flat_map(Interface::needed_for).copied();
        Ok(needed.chain(self.build.free_interfaces()).collect())
    }
}

/// Writes the plugin's world and a copy of the contract into `folder`, and checks that both fit.
/// What the folder held before is gone.
///
/// # Errors
/// The contract cannot be read, or a file not be written.
pub fn write_world(plugin: &Plugin, wit: &Path, folder: &Path) -> Result<(), BuildError> {
    let world = world_text(plugin)?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let deps = folder.join("deps").join("workflowforge-plugin");
    fs::create_dir_all(&deps)?;
    for file in wit_files(wit)? {
        if let Some(name) = file.file_name() {
            fs::copy(&file, deps.join(name))?;
        }
    }
    if plugin.build.language.is_script() {
        let random = folder.join("deps").join("wasi-random");
        fs::create_dir_all(&random)?;
        fs::write(random.join("random.wit"), RANDOM_WIT)?;
    }
    fs::write(folder.join("world.wit"), world)?;
    let mut resolve = wit_parser::Resolve::default();
    resolve.push_dir(folder).map(drop).map_err(|error| BuildError::Wit {
        path: wit.to_owned(),
        message: format!("the contract does not fit the plugin's world: {error:#}"),
    })
}

fn world_text(plugin: &Plugin) -> Result<String, BuildError> {
    let imports: String = plugin
        .interfaces()?
        .into_iter()
        .map(|interface| format!("    import {};\n", qualified(interface.name())))
        .collect();
    let random = match plugin.build.language.is_script() {
        true => format!("    import {RANDOM};\n"),
        false => String::new(),
    };
    let (name, version) = (&plugin.manifest.name, &plugin.manifest.version);
    let agent = qualified("agent");
    Ok(format!(
        "package workflowforge:built;\n\n\
         /// The world of {name} {version}, written by the build from the needs in plugin.toml.\n\
         world {WORLD} {{\n{imports}{random}    export {agent};\n}}\n"
    ))
}

/// The contract's files; a released copy in a folder below is not one of them.
fn wit_files(wit: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(wit)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            files.push(path);
        }
    }
    if files.is_empty() {
        let message = "no .wit file is here: name the folder of the contract".to_owned();
        return Err(BuildError::Wit { path: wit.to_owned(), message });
    }
    files.sort();
    Ok(files)
}
