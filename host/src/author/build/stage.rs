//! A folder with the plugin and the SDK alone. The plugin's code runs once while its component is
//! made, so nothing else may be there to be found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fs_err as fs;
use wforge_build::{Language, Plugin};

use crate::author::assets;
use crate::cli::refusal::Refusal;

/// The entry module of JavaScript.
pub(super) const JAVASCRIPT_ENTRY: &str = "wforge_entry.js";
/// The entry module of Python, as it is imported.
pub(super) const PYTHON_ENTRY: &str = "wforge_entry";
/// The SDK's package in npm.
const SDK_PACKAGE: &str = "@workflowforge/sdk";
/// The most files of a plugin.
const FILES_MAX: usize = 10_000;
/// All of them, in bytes.
const BYTES_MAX: u64 = 64 << 20;
/// What lies beside the sources of a script.
const NO_SCRIPTS: [&str; 6] = [".git", ".wforge", "node_modules", "target", "test", "tests"];
/// What lies beside those of a plugin in Python; what it vendors is staged as packages.
const NO_PYTHON: [&str; 7] =
    [".git", ".wforge", "node_modules", "target", "test", "tests", "vendor"];
/// What Python leaves behind in every folder.
pub(crate) const PYTHON_CACHE: &str = "__pycache__";

/// What a compiler gets.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    /// The folder.
    pub(super) folder: PathBuf,
    /// Where the author's modules are.
    pub(super) modules: PathBuf,
    /// Where the entry module belongs.
    pub(super) entry: PathBuf,
    /// Python: where packages are.
    pub(super) packages: Option<PathBuf>,
    /// Python: the environment that has them.
    pub(super) environment: Option<PathBuf>,
}

/// Fills the folder anew.
pub(super) fn stage(plugin: &Plugin, folder: &Path) -> anyhow::Result<Staged> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let modules = folder.join("plugin");
    if plugin.build.language == Language::Python {
        Room::default().copy(&plugin.folder, &modules, &NO_PYTHON)?;
        return python(plugin, folder, &modules);
    }
    Room::default().copy(&plugin.folder, &modules, &NO_SCRIPTS)?;
    javascript(plugin, modules)
}

fn javascript(plugin: &Plugin, modules: PathBuf) -> anyhow::Result<Staged> {
    let packages = Path::new("node_modules");
    let sdk = modules.join(packages).join(SDK_PACKAGE);
    let own = [plugin.folder.join("vendor/sdk"), plugin.folder.join(packages).join(SDK_PACKAGE)];
    match own.iter().find(|folder| folder.is_dir()) {
        Some(own) => Room::default().copy(own, &sdk, &["node_modules"])?,
        None => assets::write(&assets::sdk(Language::JavaScript), &sdk)?,
    }
    packages_of(&plugin.folder, &modules)?;
    let entry = modules.join(JAVASCRIPT_ENTRY);
    Ok(Staged { folder: modules.clone(), modules, entry, packages: None, environment: None })
}

/// The installed packages that the plugin depends on, and those that they depend on. What only
/// its tests need stays out.
fn packages_of(project: &Path, modules: &Path) -> anyhow::Result<()> {
    let mut wanted: Vec<String> = dependencies(project)?;
    let mut seen = BTreeSet::from([SDK_PACKAGE.to_owned()]);
    let mut room = Room::default();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let from = project.join("node_modules").join(&name);
        if !from.is_dir() {
            let message = format!("the package {name} of package.json is not installed");
            return Err(Refusal::user("missing_package", message).help("npm install").into());
        }
        room.copy(&from, &modules.join("node_modules").join(&name), &[])?;
        wanted.extend(dependencies(&from)?);
    }
    Ok(())
}

/// The packages under `dependencies` of a `package.json`; none where there is no such file.
fn dependencies(folder: &Path) -> anyhow::Result<Vec<String>> {
    let path = folder.join("package.json");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path)?)
        .with_context(|| format!("reading {}", path.display()))?;
    let named = manifest.get("dependencies").and_then(|found| found.as_object());
    Ok(named.map(|named| named.keys().cloned().collect()).unwrap_or_default())
}

/// An environment as `python3 -m venv` lays it out, with what the project vendors and no more.
fn python(plugin: &Plugin, folder: &Path, modules: &Path) -> anyhow::Result<Staged> {
    let environment = folder.join("environment");
    let packages = environment.join("lib/site-packages");
    let vendored = plugin.folder.join("vendor");
    if vendored.is_dir() {
        Room::default().copy(&vendored, &packages, &[])?;
    }
    let sdk = packages.join("workflowforge");
    if !sdk.is_dir() {
        assets::write(&assets::sdk(Language::Python), &sdk)?;
    }
    let below = plugin.build.entry().parent().unwrap_or(Path::new(""));
    Ok(Staged {
        folder: folder.to_owned(),
        modules: modules.join(below),
        entry: packages.join(PYTHON_ENTRY).with_extension("py"),
        packages: Some(packages),
        environment: Some(environment),
    })
}

/// What may still be copied.
#[derive(Debug)]
struct Room {
    files: usize,
    bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self { files: FILES_MAX, bytes: BYTES_MAX }
    }
}

impl Room {
    /// Copies a folder, without what is called as one of `without` at its top. A link is followed,
    /// since what npm installs from a folder is one.
    fn copy(
        &mut self,
        from: &Path,
        to: &Path,
        without: &'static [&'static str],
    ) -> anyhow::Result<()> {
        let mut walk = ignore::WalkBuilder::new(from);
        walk.standard_filters(false).follow_links(true);
        walk.filter_entry(move |entry| {
            let is_left_out =
                entry.depth() == 1 && without.iter().any(|it| entry.file_name() == *it);
            !is_left_out && entry.file_name() != PYTHON_CACHE
        });
        fs::create_dir_all(to)?;
        for entry in walk.build() {
            let entry = entry.with_context(|| format!("reading {}", from.display()))?;
            let target = to.join(entry.path().strip_prefix(from)?);
            if entry.path().is_dir() {
                fs::create_dir_all(&target)?;
            } else {
                self.take(entry.metadata()?.len(), from)?;
                fs::copy(entry.path(), &target)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: u64, from: &Path) -> anyhow::Result<()> {
        let left = self.files.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let Some((files, bytes)) = left else {
            let most = BYTES_MAX >> 20;
            let message =
                format!("{} has more than {FILES_MAX} files or {most} MiB", from.display());
            let help = "move what is no source of the plugin out of its folder";
            return Err(Refusal::user("too_large", message).help(help).into());
        };
        (self.files, self.bytes) = (files, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "name = \"me/x\"\nversion = \"0.1.0\"\nagents = [{}]\n\
                            build.language = \"javascript\"\n";

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn only_sources_and_what_they_depend_on_are_staged() {
        let folder = project(&[
            ("plugin.toml", MANIFEST),
            ("src/agent.js", ""),
            ("package.json", r#"{"dependencies":{"a":"1"},"devDependencies":{"c":"1"}}"#),
            ("node_modules/a/package.json", r#"{"dependencies":{"b":"1"}}"#),
            ("node_modules/b/index.js", ""),
            ("node_modules/c/index.js", ""),
            ("target/old.wasm", ""),
            (".wforge/aot/old.cwasm", ""),
        ]);
        let plugin = Plugin::read(folder.path()).unwrap();
        let staged = stage(&plugin, &folder.path().join("target/wforge/stage")).unwrap();
        let is_there = |path: &str| staged.folder.join(path).is_file();
        assert!(is_there("src/agent.js") && is_there("node_modules/b/index.js"));
        assert!(is_there("node_modules/@workflowforge/sdk/src/index.js"));
        assert!(!is_there("node_modules/c/index.js") && !is_there("target/old.wasm"));
        assert!(!is_there(".wforge/aot/old.cwasm"), "what a run left here is no source");
    }

    #[test]
    fn the_sdk_is_the_vendored_one_then_the_installed_one_then_ours() {
        let check = |files: &[(&str, &str)], wanted: &str| {
            let mut all = vec![("plugin.toml", MANIFEST), ("src/agent.js", "")];
            all.extend_from_slice(files);
            let folder = project(&all);
            let plugin = Plugin::read(folder.path()).unwrap();
            let staged = stage(&plugin, &folder.path().join("target/wforge/stage")).unwrap();
            let sdk = staged.folder.join("node_modules/@workflowforge/sdk/src/index.js");
            let text = fs::read_to_string(sdk).unwrap();
            assert!(text.starts_with(wanted), "{text}");
        };
        let vendored = ("vendor/sdk/src/index.js", "// vendored");
        let installed = ("node_modules/@workflowforge/sdk/src/index.js", "// installed");
        check(&[installed, vendored], "// vendored");
        check(&[installed], "// installed");
        check(&[], include_str!("../../../../sdk/js/src/index.js"));
    }

    #[test]
    fn a_package_that_is_not_installed_is_named() {
        let folder = project(&[("package.json", r#"{"dependencies":{"zod":"4"}}"#)]);
        let error = packages_of(folder.path(), &folder.path().join("out")).unwrap_err();
        assert_eq!(error.to_string(), "the package zod of package.json is not installed");
    }
}
