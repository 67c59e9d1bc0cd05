//! Copies that lie in this folder, so that it stands alone, are those of the project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, read(path))
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "fs_err would be one more dependency of authors")]
fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

/// Whether this is the project, and not a copy of the folder somewhere else.
fn is_project() -> bool {
    here("../../wit/world.wit").is_file() && here("../toolchain.sh").is_file()
}

#[test]
fn the_contract_is_the_projects() {
    if is_project() {
        let help = "run: cp wit/*.wit sdk/rust/wit/";
        assert!(files(&here("wit")) == files(&here("../../wit")), "{help}");
    }
}

#[test]
fn each_package_has_the_projects_license() {
    let own = read(here("LICENSE"));
    assert_eq!(own, read(here("macros/LICENSE")));
    if is_project() {
        assert_eq!(own, read(here("../../LICENSE")));
    }
}

#[test]
fn both_packages_have_the_same_version_and_the_one_asks_for_the_other() {
    let [sdk, macros] = ["Cargo.toml", "macros/Cargo.toml"].map(here);
    let [sdk, macros] = [sdk, macros].map(read);
    let version = sdk.lines().find(|line| line.starts_with("version = ")).unwrap();
    assert!(macros.lines().any(|line| line == version));
    let wanted = format!("workflowforge-sdk-macros = {{ path = \"macros\", {version} }}");
    assert!(sdk.lines().any(|line| line == wanted), "no line: {wanted}");
}
