//! Which component and which cases a command means: those of a project's folder, or a file.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use wforge_build::PLUGIN_FILE;
use wforge_model::PluginName;

use super::build::{PYTHON_CACHE, TARGET};
use super::oci::artifact::file_name;
use crate::cli::refusal::Refusal;
use crate::compose::read_component;

/// The largest `plugin.toml` that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Where its cases are.
const CASES: &str = "tests";
/// Folders of a project that no component is made of.
const NO_SOURCES: [&str; 4] = [TARGET, CASES, "test", "node_modules"];

/// A component and the folder of its cases.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) component: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// May not exist.
    pub(crate) cases: PathBuf,
}

/// Where a component is, or will be once its project is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    component: PathBuf,
    cases: PathBuf,
    /// The project to build, where its component is missing or older than its sources: what is told
    /// of it would be told of something else than what stands in the folder.
    pub(crate) to_build: Option<PathBuf>,
}

impl Found {
    /// Reads the component, which is there by now.
    pub(crate) fn read(self) -> anyhow::Result<Subject> {
        let bytes = read_component(&self.component)?.bytes;
        Ok(Subject { component: self.component, bytes, cases: self.cases })
    }
}

/// What was named on a command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// A project's folder, or a component.
    pub(crate) path: &'a Path,
    /// A component in the place of the project's own.
    pub(crate) component: Option<&'a Path>,
    /// A folder of cases in the place of the project's own.
    pub(crate) cases: Option<&'a Path>,
}

/// Finds it.
pub(crate) fn find(named: Named<'_>) -> anyhow::Result<Found> {
    let Named { path, component, cases } = named;
    let is_folder = path.is_dir();
    let folder = if is_folder { path } else { project_of(path) };
    let cases = cases.map_or_else(|| folder.join(CASES), Path::to_owned);
    if let Some(component) = component.or((!is_folder).then_some(path)) {
        return Ok(Found { component: component.to_owned(), cases, to_build: None });
    }
    let component = component_of(folder)?;
    let to_build = (!is_fresh(folder, &component)?).then(|| folder.to_owned());
    Ok(Found { component, cases, to_build })
}

/// The folder of the project whose component that is: the one around `target`, else its own.
fn project_of(component: &Path) -> &Path {
    let own = component.parent().unwrap_or(Path::new("."));
    let is_target = own.file_name().is_some_and(|name| name == TARGET);
    let around = own.parent().filter(|around| is_target && around.join(PLUGIN_FILE).is_file());
    around.unwrap_or(own)
}

/// Where the build puts the component of a project.
pub(crate) fn component_of(folder: &Path) -> anyhow::Result<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Head {
        name: PluginName,
    }
    let path = folder.join(PLUGIN_FILE);
    let shown = path.display();
    if !path.is_file() {
        let message = format!("{} is no plugin: it has no {PLUGIN_FILE}", folder.display());
        let help = "name a project's folder or a .wasm file; wforge new makes a project";
        return Err(Refusal::user("no_plugin", message).help(help).into());
    }
    if fs_err::metadata(&path)?.len() > MANIFEST_BYTES_MAX {
        let message = format!("{shown} has more than {MANIFEST_BYTES_MAX} bytes");
        return Err(Refusal::user("bad_plugin", message).into());
    }
    let text = fs_err::read_to_string(&path)?;
    let head: Head = toml::from_str(&text)
        .map_err(|error| Refusal::user("bad_plugin", format!("{shown}: {}", error.message())))?;
    Ok(folder.join(TARGET).join(file_name(&head.name)))
}

/// Whether a component is there that was made after every change of its sources.
fn is_fresh(folder: &Path, component: &Path) -> anyhow::Result<bool> {
    if !component.is_file() {
        return Ok(false);
    }
    let made = fs_err::metadata(component)?.modified()?;
    let is_source = |name: &str| !name.starts_with('.') && !NO_SOURCES.contains(&name);
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        .filter_entry(move |entry| {
            let name = entry.file_name();
            name != PYTHON_CACHE && (entry.depth() != 1 || name.to_str().is_some_and(is_source))
        })
        .build();
    for entry in walk.filter_map(Result::ok) {
        let path = entry.path();
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        let is_read = path.extension().is_none_or(|ending| ending != "md" && ending != "yaml");
        if is_file && is_read && fs_err::metadata(path)?.modified()? > made {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join(PLUGIN_FILE), "name = \"me/it\"\n").unwrap();
        fs_err::create_dir(folder.path().join(TARGET)).unwrap();
        folder
    }

    fn found(folder: &Path) -> Found {
        find(Named { path: folder, component: None, cases: None }).unwrap()
    }

    #[test]
    fn a_component_that_is_not_there_is_built() {
        let folder = project();
        let found = found(folder.path());
        assert_eq!(found.component, folder.path().join("target/me-it.wasm"));
        assert_eq!(found.to_build.as_deref(), Some(folder.path()));
    }

    #[test]
    fn a_component_that_is_older_than_its_sources_is_built_anew() {
        let folder = project();
        let component = folder.path().join("target/me-it.wasm");
        fs_err::write(&component, "").unwrap();
        let made = fs_err::metadata(&component).unwrap().modified().unwrap();
        let touch = |path: &Path| {
            let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            file.set_modified(made + std::time::Duration::from_secs(1)).unwrap();
        };
        let cache = folder.path().join("src").join(PYTHON_CACHE);
        fs_err::create_dir_all(&cache).unwrap();
        fs_err::write(cache.join("agent.pyc"), "").unwrap();
        touch(&cache.join("agent.pyc"));
        assert_eq!(found(folder.path()).to_build, None, "unit tests in Python change no source");
        touch(&folder.path().join(PLUGIN_FILE));
        assert_eq!(found(folder.path()).to_build.as_deref(), Some(folder.path()));
    }

    #[test]
    fn a_folder_without_a_plugin_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let named = Named { path: folder.path(), component: None, cases: None };
        let refused = find(named).unwrap_err().to_string();
        assert!(refused.contains("it has no plugin.toml"), "{refused}");
    }

    #[test]
    fn the_project_of_a_component_is_around_its_target_folder() {
        let folder = project();
        assert_eq!(project_of(&folder.path().join("target/me-it.wasm")), folder.path());
        let elsewhere = folder.path().join("it.wasm");
        assert_eq!(project_of(&elsewhere), folder.path());
    }
}
