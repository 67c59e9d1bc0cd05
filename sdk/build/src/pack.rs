//! From what a compiler made to what a host admits: checked, stripped, with its manifest inside.

use std::path::Path;

use fs_err as fs;
use wforge_model::manifest::{API_SECTION, API_VERSION, MANIFEST_SECTION, Manifest};

use crate::component::{ComponentError, Sections, prepend, strip};
use crate::interface::qualified;
use crate::{BuildError, Interface, Plugin};

/// WASI p2 packages that a host links inert. Standard libraries import them unasked.
const WASI_INERT: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// A component that is ready to be installed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The component.
    pub bytes: Vec<u8>,
    /// Its size before stripping.
    pub bytes_before: usize,
}

/// Checks the component at `path` against the plugin and embeds the manifest.
///
/// # Errors
/// The first thing that a host would refuse.
pub fn pack(plugin: &Plugin, path: &Path) -> Result<Packed, BuildError> {
    let before = fs::read(path)?;
    let malformed = |error: ComponentError| no_component(path, &error);
    let sections = Sections::read(&before).map_err(malformed)?;
    check_imports(plugin, path, &sections)?;
    check_export(path, &sections)?;
    let stripped = strip(&before, &[MANIFEST_SECTION, API_SECTION])
        .map_err(|error| malformed(error.into()))?;
    check_agents(plugin, path, &stripped.agents)?;
    let manifest = serde_jcs::to_vec(&plugin.manifest).map_err(std::io::Error::from)?;
    // What the host would refuse to read is refused here, where the author can see it.
    Manifest::from_section(&manifest)
        .map_err(|source| BuildError::Manifest { path: plugin.file(), source })?;
    let bytes = prepend(
        &stripped.bytes,
        &[(API_SECTION, API_VERSION.as_bytes()), (MANIFEST_SECTION, &manifest)],
    );
    Ok(Packed { bytes, bytes_before: before.len() })
}

/// The manifest inside the component at `path`, and what the component imports.
///
/// # Errors
/// It is no component, or has no manifest that can be read.
pub fn inspect(path: &Path) -> Result<(Manifest, Vec<String>), BuildError> {
    let bytes = fs::read(path)?;
    let sections = Sections::read(&bytes).map_err(|error| no_component(path, &error))?;
    let section = sections.custom.iter().find(|(name, _)| name == MANIFEST_SECTION);
    let (_, content) = section.ok_or_else(|| BuildError::NoComponent {
        path: path.to_owned(),
        message: format!("the component has no section {MANIFEST_SECTION}: pack it first"),
    })?;
    let manifest = Manifest::from_section(content)
        .map_err(|source| BuildError::Manifest { path: path.to_owned(), source })?;
    Ok((manifest, sections.imports))
}

fn check_imports(plugin: &Plugin, path: &Path, sections: &Sections) -> Result<(), BuildError> {
    let allowed = plugin.interfaces()?;
    for import in &sections.imports {
        let fix = match Interface::imported_as(import) {
            Some(interface) if allowed.contains(&interface) => continue,
            Some(interface) => how_to_allow(interface),
            // Types alone give no power.
            None if *import == qualified("types") => continue,
            None if WASI_INERT.iter().any(|package| import.starts_with(package)) => continue,
            None if import.starts_with("wasi:http/") && needs_raw_http(plugin) => continue,
            None if import.starts_with("wasi:http/") => {
                "add [[needs]] with capability = \"http.raw:<rule>\" to plugin.toml, or use the \
                 interface http, which is recorded"
                    .to_owned()
            }
            None => {
                format!("no host serves it; the contract is workflowforge:plugin@{API_VERSION}")
            }
        };
        return Err(BuildError::Undeclared { path: path.to_owned(), import: import.clone(), fix });
    }
    Ok(())
}

fn needs_raw_http(plugin: &Plugin) -> bool {
    plugin.manifest.needs.iter().any(|need| need.capability.kind() == "http.raw")
}

fn how_to_allow(interface: Interface) -> String {
    match interface.example_need() {
        Some(need) => format!(
            "add [[needs]] with capability = \"{need}\" or the like, and a reason, to plugin.toml"
        ),
        None => format!("add \"{}\" to build.uses in plugin.toml", interface.name()),
    }
}

fn check_export(path: &Path, sections: &Sections) -> Result<(), BuildError> {
    let export = qualified("agent");
    if sections.exports.contains(&export) {
        return Ok(());
    }
    Err(BuildError::NoAgent { path: path.to_owned(), export })
}

/// Only the Rust SDK tells its agents' names; without them there is nothing to compare.
fn check_agents(plugin: &Plugin, path: &Path, code: &[String]) -> Result<(), BuildError> {
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(", ")
    };
    let manifest = sorted(plugin.manifest.agents.iter().map(|agent| &*agent.name).collect());
    let code = sorted(code.iter().map(|name| &**name).collect());
    if code.is_empty() || code == manifest {
        return Ok(());
    }
    Err(BuildError::Agents { path: path.to_owned(), code, manifest })
}

fn no_component(path: &Path, error: &ComponentError) -> BuildError {
    BuildError::NoComponent { path: path.to_owned(), message: error.to_string() }
}
