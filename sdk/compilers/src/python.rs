//! Python to a component, by the crate componentize-py: CPython, the author's modules imported into
//! it once, and a snapshot of that.
//!
//! Its library takes paths as text and writes the file itself. Nothing of this machine's Python is
//! asked: what can be imported is the standard library inside the crate and the folders that are
//! named.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use componentize_py::ComponentGenerator;
use fs_err as fs;

use crate::error::CompileError;

/// What to compile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    /// The folder with the world.
    pub(crate) wit: &'a Path,
    /// The world.
    pub(crate) world: &'a str,
    /// The folder with the entry module.
    pub(crate) module_root: &'a Path,
    /// The first module.
    pub(crate) entry: &'a Path,
    /// Further folders with modules.
    pub(crate) paths: &'a [PathBuf],
}

/// The component.
pub(crate) fn componentize(job: Job<'_>) -> Result<Vec<u8>, CompileError> {
    let folders: Vec<&Path> =
        [job.module_root].into_iter().chain(job.paths.iter().map(PathBuf::as_path)).collect();
    let module = module_of(&folders, job.entry)?;
    let folders = folders.into_iter().map(text_of).collect::<Result<Vec<_>, _>>()?;
    let made = tempfile::tempdir()?;
    let output = made.path().join("made.wasm");
    let nothing = HashMap::new();
    let generator = ComponentGenerator {
        wit_paths: &[job.wit],
        worlds: &[job.world],
        features: &[],
        all_features: false,
        world_module: None,
        python_path: &folders,
        module_worlds: &[],
        app_name: &module,
        output_path: &output,
        add_to_linker: None,
        // Stubs would trap at the first look at the clock; the host links WASI, without any power.
        stub_wasi: false,
        import_interface_names: &nothing,
        export_interface_names: &nothing,
        full_names: false,
        intersect_world: None,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(generator.generate()).map_err(|error| CompileError::Code(error.into()))?;
    Ok(fs::read(output)?)
}

fn text_of(path: &Path) -> Result<&str, CompileError> {
    path.to_str().filter(|_| path.is_dir()).ok_or_else(|| {
        CompileError::Arguments(format!("{} is no folder with modules", path.display()))
    })
}

/// The name by which Python imports the entry: its path below one of the folders, with dots.
fn module_of(folders: &[&Path], entry: &Path) -> Result<String, CompileError> {
    let first = folders.first().copied().unwrap_or(Path::new("."));
    let file = if entry.is_absolute() { entry.to_owned() } else { first.join(entry) };
    let file = fs::canonicalize(file)?;
    let mut inside = None;
    for folder in folders {
        if let Ok(found) = file.strip_prefix(fs::canonicalize(folder)?) {
            inside = Some(found.with_extension(""));
            break;
        }
    }
    let outside = || CompileError::Outside { entry: entry.to_owned(), root: first.to_owned() };
    let names: Option<Vec<String>> = inside
        .ok_or_else(outside)?
        .iter()
        .map(|name| name.to_str().map(ToOwned::to_owned))
        .collect();
    match names {
        Some(names) if file.extension().is_some_and(|extension| extension == "py") => {
            Ok(names.join("."))
        }
        _ => Err(CompileError::Arguments(format!(
            "{} is no Python module: write the path of a file such as agent.py",
            entry.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_imported_by_its_path_below_the_folder_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for name in ["own/pack/agent.py", "own/agent.js", "more/entry.py", "elsewhere.py"] {
            fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            fs::write(folder.join(name), "").unwrap();
        }
        let (own, more) = (folder.join("own"), folder.join("more"));
        let module = |name: &str| module_of(&[&own, &more], Path::new(name));
        assert_eq!(module("pack/agent.py").unwrap(), "pack.agent");
        let absolute = |name: &str| module_of(&[&own, &more], &folder.join(name));
        assert_eq!(absolute("more/entry.py").unwrap(), "entry");
        assert!(matches!(absolute("elsewhere.py"), Err(CompileError::Outside { .. })));
        assert!(module("agent.js").unwrap_err().to_string().contains("no Python module"));
    }
}
