//! Which component and which cases a command means: those of a project's folder, or a file.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use wforge_model::PluginName;

use crate::cli::refusal::Refusal;
use crate::compose::read_component;

/// What a project says of itself.
const MANIFEST: &str = "plugin.toml";
/// Where a project's component lands.
const TARGET: &str = "target";
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

/// Finds and reads it. A component that is older than its sources is refused: what is told of it
/// would be told of something else than what stands in the folder.
pub(crate) fn find(named: Named<'_>) -> anyhow::Result<Subject> {
    let Named { path, component, cases } = named;
    let is_folder = path.is_dir();
    let folder = if is_folder { path } else { project_of(path) };
    let component = match component {
        Some(component) => component.to_owned(),
        None if is_folder => fresh(folder)?,
        None => path.to_owned(),
    };
    let bytes = read_component(&component)?.bytes;
    let cases = cases.map_or_else(|| folder.join(CASES), Path::to_owned);
    Ok(Subject { component, bytes, cases })
}

/// The folder of the project whose component that is: the one around `target`, else its own.
fn project_of(component: &Path) -> &Path {
    let own = component.parent().unwrap_or(Path::new("."));
    let is_target = own.file_name().is_some_and(|name| name == TARGET);
    let around = own.parent().filter(|around| is_target && around.join(MANIFEST).is_file());
    around.unwrap_or(own)
}

/// The component of a project, where it is as new as its sources.
fn fresh(folder: &Path) -> anyhow::Result<PathBuf> {
    let component = component_of(folder)?;
    let build = format!("wforge build {}", folder.display());
    if !component.is_file() {
        let message = format!("{} is not built yet", component.display());
        return Err(Refusal::user("not_built", message).help(build).into());
    }
    if let Some(newer) = newer_source(folder, &component)? {
        let message = format!("{} is older than {}", component.display(), newer.display());
        return Err(Refusal::user("not_built", message).help(build).into());
    }
    Ok(component)
}

/// Where the build puts the component of a project.
pub(crate) fn component_of(folder: &Path) -> anyhow::Result<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Head {
        name: PluginName,
    }
    let path = folder.join(MANIFEST);
    let shown = path.display();
    if !path.is_file() {
        let message = format!("{} is no plugin: it has no {MANIFEST}", folder.display());
        let help = "name a project's folder or a .wasm file; wforge new makes a project";
        return Err(Refusal::user("no_plugin", message).help(help).into());
    }
    let text = fs_err::read_to_string(&path)?;
    let head: Head = toml::from_str(&text)
        .map_err(|error| Refusal::user("bad_manifest", format!("{shown}: {}", error.message())))?;
    let name = head.name.as_str().replace('/', "-");
    Ok(folder.join(TARGET).join(format!("{name}.wasm")))
}

/// A source that was changed after the component was made.
fn newer_source(folder: &Path, component: &Path) -> anyhow::Result<Option<PathBuf>> {
    let made = fs_err::metadata(component)?.modified()?;
    let is_source = |name: &str| !name.starts_with('.') && !NO_SOURCES.contains(&name);
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        .filter_entry(move |entry| {
            entry.depth() != 1 || entry.file_name().to_str().is_some_and(is_source)
        })
        .build();
    for entry in walk.filter_map(Result::ok) {
        let path = entry.path();
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        let is_read = path.extension().is_none_or(|ending| ending != "md" && ending != "yaml");
        if is_file && is_read && fs_err::metadata(path)?.modified()? > made {
            return Ok(Some(path.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join(MANIFEST), "name = \"me/it\"\n").unwrap();
        fs_err::create_dir(folder.path().join(TARGET)).unwrap();
        folder
    }

    #[test]
    fn a_component_is_found_by_the_name_of_its_plugin() {
        let folder = project();
        let component = folder.path().join("target/me-it.wasm");
        let refused = fresh(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("is not built yet"), "{refused}");
        fs_err::write(&component, "").unwrap();
        assert_eq!(fresh(folder.path()).unwrap(), component);
    }

    #[test]
    fn a_component_that_is_older_than_its_sources_is_refused() {
        let folder = project();
        let component = folder.path().join("target/me-it.wasm");
        fs_err::write(&component, "").unwrap();
        let made = fs_err::metadata(&component).unwrap().modified().unwrap();
        let file = fs_err::File::open(folder.path().join(MANIFEST)).unwrap();
        file.set_modified(made + std::time::Duration::from_secs(1)).unwrap();
        let refused = fresh(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("is older than") && refused.contains(MANIFEST), "{refused}");
    }

    #[test]
    fn the_project_of_a_component_is_around_its_target_folder() {
        let folder = project();
        assert_eq!(project_of(&folder.path().join("target/me-it.wasm")), folder.path());
        let elsewhere = folder.path().join("it.wasm");
        assert_eq!(project_of(&elsewhere), folder.path());
    }
}
