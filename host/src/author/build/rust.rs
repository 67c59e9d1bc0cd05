//! Rust: cargo compiles the crate in the plugin's folder and says where the component is.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wforge_build::Plugin;

use super::refused::not_compiled;
use super::{Event, Options, Progress};
use crate::author::machine::COMPILE_TIME_MAX;
use crate::author::toolchain::rust::Rust;
use crate::cli::refusal::Refusal;

/// Compiles the crate; the component as the compiler made it.
pub(super) async fn compile(
    rust: &Rust,
    plugin: &Plugin,
    options: &Options,
    progress: Progress<'_>,
) -> anyhow::Result<PathBuf> {
    let manifest = plugin.folder.join("Cargo.toml");
    if !manifest.is_file() {
        let message = format!("{} is missing: a Rust plugin is a crate", manifest.display());
        return Err(Refusal::user("bad_plugin", message).into());
    }
    let call = rust.build(&options.machine, &plugin.folder).within(COMPILE_TIME_MAX);
    let ended = options.machine.run(call).await?;
    if !ended.is_success {
        // What cargo tells programs is no text for people.
        let told = super::super::machine::Ended { stdout: String::new(), ..ended };
        return Err(not_compiled(plugin.manifest.name.as_str(), "cargo", &told).into());
    }
    let warnings = ended.stderr.trim();
    if !warnings.is_empty() {
        progress(Event::Said(warnings));
    }
    component_in(&ended.stdout, &manifest).ok_or_else(|| {
        let message = format!("{} makes no component", manifest.display());
        Refusal::user("bad_plugin", message)
            .help("write crate-type = [\"cdylib\", \"rlib\"] under [lib]")
            .into()
    })
}

/// A line of what cargo tells programs.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The component of the crate with that manifest.
fn component_in(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let mut artefacts = messages.filter(|message| {
        message.reason == "compiler-artifact" && message.manifest_path == manifest
    });
    artefacts.find_map(|artefact| {
        artefact.filenames.into_iter().find(|file| file.extension().is_some_and(|it| it == "wasm"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_one_of_the_crate_itself() {
        let messages = r#"
            {"reason":"compiler-artifact","manifest_path":"/sdk/Cargo.toml","filenames":["/t/sdk.wasm"]}
            {"reason":"build-script-executed","package_id":"x"}
            {"reason":"compiler-artifact","manifest_path":"/me/Cargo.toml","filenames":["/t/me.rlib","/t/me.wasm"]}
            {"reason":"build-finished","success":true}"#;
        let component = component_in(messages, Path::new("/me/Cargo.toml"));
        assert_eq!(component, Some(PathBuf::from("/t/me.wasm")));
        assert_eq!(component_in(messages, Path::new("/other/Cargo.toml")), None);
    }
}
