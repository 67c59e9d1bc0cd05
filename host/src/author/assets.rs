//! What the program carries along, so that a project can be made and built without a network: the
//! contract, the SDKs and the templates.
//!
//! `include_dir` and not `rust-embed`: that one reads from the source tree in debug builds, where a
//! template that is missing from the program would go unseen. `build.rs` has new files noticed.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use fs_err as fs;
use include_dir::{Dir, File, include_dir};
use wforge_build::Language;

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../wit");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/templates");
static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/rust/src");
static RUST_WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/rust/wit");
static RUST_MACROS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/rust/macros");
static JAVASCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/src");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/python/src/workflowforge");

/// Folders that tools leave behind in a source tree. They are no part of it.
const LEFT_BEHIND: [&str; 3] = ["__pycache__", "node_modules", "target"];

/// A file that is carried along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asset {
    /// Where it goes, below a folder.
    pub(crate) path: PathBuf,
    pub(crate) bytes: Cow<'static, [u8]>,
}

impl Asset {
    fn new(path: impl Into<PathBuf>, bytes: &'static [u8]) -> Self {
        Self { path: path.into(), bytes: Cow::Borrowed(bytes) }
    }

    fn text(path: &str, text: &'static str) -> Self {
        Self::new(path, text.as_bytes())
    }
}

/// The contract's WIT.
pub(crate) fn wit() -> Vec<Asset> {
    let all = below(&WIT, "").into_iter();
    all.filter(|asset| asset.path.components().count() == 1).collect()
}

/// The SDK of a language, as a project vendors it.
pub(crate) fn sdk(language: Language) -> Vec<Asset> {
    match language {
        Language::Rust => {
            let manifest = include_str!("../../../sdk/rust/Cargo.toml");
            let mut files = vec![
                Asset::text("Cargo.toml", manifest),
                Asset::text("README.md", include_str!("../../../sdk/rust/README.md")),
                Asset::text("LICENSE", include_str!("../../../sdk/rust/LICENSE")),
            ];
            files.extend(below(&RUST, "src"));
            files.extend(below(&RUST_WIT, "wit"));
            files.extend(below(&RUST_MACROS, "macros"));
            files
        }
        Language::JavaScript | Language::TypeScript => {
            let manifest = without_tools(include_str!("../../../sdk/js/package.json"));
            let mut files = vec![
                Asset { path: PathBuf::from("package.json"), bytes: Cow::Owned(manifest) },
                Asset::text("README.md", include_str!("../../../sdk/js/README.md")),
                Asset::text("LICENSE", include_str!("../../../sdk/js/LICENSE")),
            ];
            files.extend(below(&JAVASCRIPT, "src"));
            files
        }
        Language::Python => below(&PYTHON, ""),
    }
}

/// The files of a folder of the templates; none where there is no such folder.
pub(crate) fn template(folder: &str) -> Vec<Asset> {
    TEMPLATES.get_dir(folder).map(|found| stripped(found, folder)).unwrap_or_default()
}

/// The manifest of the package without what only its own tests and its build need: whoever vendors
/// it installs it without a network.
fn without_tools(manifest: &str) -> Vec<u8> {
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_str(manifest) else {
        return manifest.as_bytes().to_vec();
    };
    fields.remove("devDependencies");
    fields.remove("scripts");
    let mut text = serde_json::to_vec_pretty(&fields).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Writes them below a folder.
pub(crate) fn write(assets: &[Asset], folder: &Path) -> std::io::Result<()> {
    for asset in assets {
        let path = folder.join(&asset.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, &asset.bytes)?;
    }
    Ok(())
}

/// Every file of a folder, below another name.
fn below(folder: &'static Dir<'static>, name: &str) -> Vec<Asset> {
    let asset = |file: &'static File<'static>| {
        Asset::new(Path::new(name).join(file.path()), file.contents())
    };
    every(folder).into_iter().map(asset).collect()
}

fn stripped(folder: &'static Dir<'static>, prefix: &str) -> Vec<Asset> {
    let asset = |file: &'static File<'static>| {
        Asset::new(file.path().strip_prefix(prefix).unwrap_or(file.path()), file.contents())
    };
    every(folder).into_iter().map(asset).collect()
}

fn every(folder: &'static Dir<'static>) -> Vec<&'static File<'static>> {
    let mut files: Vec<&File<'_>> = folder.files().collect();
    for inner in folder.dirs() {
        let name = inner.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !LEFT_BEHIND.contains(&name) {
            files.extend(every(inner));
        }
    }
    files.sort_by_key(|file| file.path());
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(assets: &[Asset]) -> Vec<String> {
        assets.iter().map(|asset| asset.path.display().to_string()).collect()
    }

    #[test]
    fn the_contract_and_every_sdk_are_on_board() {
        assert!(paths(&wit()).contains(&"world.wit".to_owned()));
        let rust = paths(&sdk(Language::Rust));
        for needed in ["Cargo.toml", "src/lib.rs", "wit/world.wit", "macros/src/lib.rs"] {
            assert!(rust.contains(&needed.to_owned()), "{needed} is not in {rust:?}");
        }
        assert!(paths(&sdk(Language::JavaScript)).contains(&"src/index.js".to_owned()));
        assert!(paths(&sdk(Language::Python)).contains(&"__init__.py".to_owned()));
    }

    #[test]
    fn what_is_on_board_can_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        write(&wit(), folder.path()).unwrap();
        let text = fs_err::read_to_string(folder.path().join("world.wit")).unwrap();
        assert!(text.contains("world plugin"), "{text}");
    }
}
