//! Where JavaScript modules come from while a component is made: files below one folder, found by
//! Node's rules, TypeScript without its types.

use std::path::{Component, Path, PathBuf};

use fs_err as fs;
use oxc_resolver::{ResolveOptions, Resolver};

use crate::error::CompileError;
use crate::typescript;

/// Files that hold TypeScript.
const TYPESCRIPT: [&str; 2] = ["ts", "mts"];

/// The modules of a plugin. Inside, a file's name is its path below the root, with a slash in
/// front.
pub(crate) struct Modules {
    root: PathBuf,
    entry: String,
    resolver: Resolver,
}

/// Why a module is not there. The runtime puts it into the exception of the import.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModuleError {
    #[error("\"{specifier}\" is not found from {referrer}: {source}")]
    NotFound { specifier: String, referrer: String, source: Box<oxc_resolver::ResolveError> },
    #[error("\"{0}\" leads out of the module root: only what lies there goes into the component")]
    Outside(String),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    TypeScript(CompileError),
}

impl Modules {
    /// The modules below `root`, with that entry.
    pub(crate) fn open(root: &Path, entry: &Path) -> Result<Self, CompileError> {
        let root = fs::canonicalize(root)?;
        let file = fs::canonicalize(if entry.is_absolute() {
            entry.to_owned()
        } else {
            root.join(entry)
        })?;
        let outside = || CompileError::Outside { entry: entry.to_owned(), root: root.clone() };
        let entry = inside(&root, &file).ok_or_else(outside)?;
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let resolver = Resolver::new(ResolveOptions {
            condition_names: strings(&["import", "default"]),
            extensions: strings(&[".mjs", ".js", ".mts", ".ts"]),
            // TypeScript's own habit: the name of what the file will be, not of what it is.
            extension_alias: vec![
                (".js".to_owned(), strings(&[".js", ".ts"])),
                (".mjs".to_owned(), strings(&[".mjs", ".mts"])),
            ],
            main_fields: strings(&["module", "main"]),
            node_path: false,
            symlinks: false,
            ..ResolveOptions::default()
        });
        Ok(Self { root, entry, resolver })
    }

    /// The entry's name inside.
    pub(crate) fn entry(&self) -> &str {
        &self.entry
    }

    /// The name of what `referrer` imports as `specifier`.
    pub(crate) fn resolve(&self, referrer: &str, specifier: &str) -> Result<String, ModuleError> {
        let from = self.file(referrer)?;
        let found = self.resolver.resolve_file(&from, specifier).map_err(|error| {
            let source = Box::new(error);
            let (specifier, referrer) = (specifier.to_owned(), referrer.to_owned());
            ModuleError::NotFound { specifier, referrer, source }
        })?;
        let file = fs::canonicalize(found.path())?;
        inside(&self.root, &file).ok_or_else(|| ModuleError::Outside(specifier.to_owned()))
    }

    /// The text of a module, as JavaScript.
    pub(crate) fn load(&self, name: &str) -> Result<String, ModuleError> {
        let file = self.file(name)?;
        let text = fs::read_to_string(&file)?;
        let extension = file.extension().and_then(|extension| extension.to_str());
        if !extension.is_some_and(|extension| TYPESCRIPT.contains(&extension)) {
            return Ok(text);
        }
        let shown = name.trim_start_matches('/');
        typescript::strip(shown, &text).map_err(ModuleError::TypeScript)
    }

    fn file(&self, name: &str) -> Result<PathBuf, ModuleError> {
        let outside = || ModuleError::Outside(name.to_owned());
        let file = fs::canonicalize(self.root.join(name.strip_prefix('/').ok_or_else(outside)?))?;
        if file.starts_with(&self.root) { Ok(file) } else { Err(outside()) }
    }
}

/// The name inside of a file below the root.
fn inside(root: &Path, file: &Path) -> Option<String> {
    let mut name = String::new();
    for part in file.strip_prefix(root).ok()?.components() {
        let Component::Normal(part) = part else { return None };
        name.push('/');
        name.push_str(part.to_str()?);
    }
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, and the modules of the first.
    fn modules(files: &[(&str, &str)]) -> (tempfile::TempDir, Modules) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let entry = files.first().unwrap().0;
        let modules = Modules::open(folder.path(), Path::new(entry)).unwrap();
        (folder, modules)
    }

    #[test]
    fn a_module_is_found_as_node_finds_it_and_typescript_under_the_name_that_it_will_have() {
        let (_folder, modules) = modules(&[
            ("src/agent.js", ""),
            ("src/help.ts", "export const a: number = 1;\n"),
            ("node_modules/dep/package.json", r#"{"exports": "./it.js", "type": "module"}"#),
            ("node_modules/dep/it.js", "export {};"),
        ]);
        let resolve = |specifier| modules.resolve("/src/agent.js", specifier).unwrap();
        assert_eq!(resolve("./help.js"), "/src/help.ts");
        assert_eq!(resolve("./help.ts"), "/src/help.ts");
        assert_eq!(resolve("dep"), "/node_modules/dep/it.js");
        assert_eq!(modules.load("/src/help.ts").unwrap(), "export const a         = 1;\n");
    }

    #[test]
    fn nothing_outside_of_the_root_is_read() {
        let (folder, modules) = modules(&[("root/agent.js", "")]);
        fs::write(folder.path().join("secret.js"), "").unwrap();
        let narrow = Modules::open(&folder.path().join("root"), Path::new("agent.js")).unwrap();
        let error = narrow.resolve("/agent.js", "../secret.js").unwrap_err();
        assert!(error.to_string().contains("out of the module root"), "{error}");
        assert!(modules.resolve("/root/agent.js", "../secret.js").is_ok());
        assert!(narrow.load("/../secret.js").is_err());
    }

    #[test]
    fn a_module_that_is_missing_is_named_with_who_wants_it() {
        let (_folder, modules) = modules(&[("agent.js", "")]);
        let error = modules.resolve("/agent.js", "left-pad").unwrap_err().to_string();
        assert!(error.contains("\"left-pad\" is not found from /agent.js"), "{error}");
    }
}
