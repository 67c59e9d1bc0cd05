//! The library's steps for a shell, a command each.
//!
//! Never here: a decision. What is checked and written is the library's.

use std::path::Path;

use crate::{BuildError, Plugin, WORLD, entry_module, inspect, pack, write_world};

/// The commands, a line each.
pub const USAGE: &str = "  wforge-build describe PLUGIN_DIR            name, file, language, entry and world, a line each
  wforge-build world PLUGIN_DIR WIT_DIR OUT   writes the plugin's WIT world into the folder OUT
  wforge-build entry PLUGIN_DIR               the module that a component's code begins with
  wforge-build pack PLUGIN_DIR COMPONENT OUT  checks a component and embeds the manifest
  wforge-build inspect COMPONENT              shows a component's manifest and imports
";

/// What the command with these arguments answers; none where there is no such command.
///
/// # Errors
/// What the library refuses.
#[must_use]
pub fn run(arguments: &[&str]) -> Option<Result<String, BuildError>> {
    Some(match arguments {
        ["describe", plugin] => describe(Path::new(plugin)),
        ["world", plugin, wit, out] => world(Path::new(plugin), Path::new(wit), Path::new(out)),
        ["entry", plugin] => entry(Path::new(plugin)),
        ["pack", plugin, component, out] => {
            write_packed(Path::new(plugin), Path::new(component), Path::new(out))
        }
        ["inspect", component] => show(Path::new(component)),
        _ => return None,
    })
}

fn describe(folder: &Path) -> Result<String, BuildError> {
    let plugin = Plugin::read(folder)?;
    let (name, file) = (&plugin.manifest.name, plugin.component_file());
    let (language, entry) = (plugin.build.language.name(), plugin.build.entry().display());
    Ok(format!("name={name}\nfile={file}\nlanguage={language}\nentry={entry}\nworld={WORLD}\n"))
}

fn world(folder: &Path, wit: &Path, out: &Path) -> Result<String, BuildError> {
    write_world(&Plugin::read(folder)?, wit, out)?;
    Ok(String::new())
}

fn entry(folder: &Path) -> Result<String, BuildError> {
    entry_module(&Plugin::read(folder)?)
}

fn write_packed(folder: &Path, component: &Path, out: &Path) -> Result<String, BuildError> {
    let plugin = Plugin::read(folder)?;
    let packed = pack(&plugin, component)?;
    // A reader must never see half a component, so the file appears whole.
    let unfinished = out.with_extension("wasm.part");
    fs_err::write(&unfinished, &packed.bytes)?;
    fs_err::rename(&unfinished, out)?;
    let (name, version) = (&plugin.manifest.name, &plugin.manifest.version);
    let kib = packed.bytes.len().div_ceil(1024);
    Ok(format!("{name} {version}: {} ({kib} KiB)\n", out.display()))
}

fn show(component: &Path) -> Result<String, BuildError> {
    let (manifest, imports) = inspect(component)?;
    let shown = serde_json::json!({ "manifest": manifest, "imports": imports });
    Ok(format!("{shown:#}\n"))
}
