//! Holds what no compiler holds: sizes of files, copies that must be equal, codes with pages.

use std::collections::BTreeSet;
use std::path::Path;

use wit_parser::PackageName;

use crate::repo;

const LINES_LISTED: usize = 500;
const LINES_MAX: usize = 800;
const COLUMNS_MAX: usize = 100;

#[test]
fn no_file_is_longer_than_800_lines_without_its_tests() {
    let mut lengths: Vec<_> = repo::rust_files()
        .into_iter()
        .filter(|path| !path.contains("/tests/"))
        .map(|path| (code_lines(&repo::read(&path)), path))
        .collect();
    lengths.sort();
    for (lines, path) in lengths.iter().filter(|(lines, _)| *lines > LINES_LISTED) {
        eprintln!("long: {path} has {lines} lines without its tests, look for a second idea in it");
    }
    let too_long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > LINES_MAX).collect();
    assert!(too_long.is_empty(), "split these: {too_long:?}");
}

#[test]
fn tests_do_not_count_as_code() {
    assert_eq!(code_lines("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n"), 2);
    assert_eq!(code_lines("#[cfg(test)]\nmod tests;\nfn a() {}\n"), 3);
}

/// Formatters break code, not comments; a text that they cannot break is its author's choice.
#[test]
fn no_comment_is_longer_than_100_columns() {
    let mut wrong = Vec::new();
    for path in repo::files().iter().filter(|path| is_code(path)) {
        let text = repo::read(path);
        let long = text.lines().zip(1..).filter(|(line, _)| is_too_long(line));
        wrong.extend(long.map(|(_, number)| format!("{path}:{number}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_crate_has_at_most_one_integration_test_binary() {
    let mut wrong = Vec::new();
    for path in repo::rust_files() {
        let Some((package, inside)) = path.rsplit_once("/tests/") else {
            continue;
        };
        let is_crate = repo::root().join(package).join("Cargo.toml").is_file();
        if is_crate && !inside.contains('/') {
            wrong.push(format!("{path}: a second test binary; make it a module of tests/it"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_test_file_is_forgotten() {
    let mut wrong = Vec::new();
    for path in repo::rust_files() {
        let Some((package, module)) = path.rsplit_once("/tests/it/") else {
            continue;
        };
        if module == "main.rs" {
            continue;
        }
        let (parent, name) = declared_in(package, module);
        if !repo::read(&parent).lines().any(|line| {
            let line = line.trim();
            line.strip_prefix("pub(crate) ").unwrap_or(line) == format!("mod {name};")
        }) {
            wrong.push(format!("{path}: {parent} does not say `mod {name};`"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_component_is_tracked() {
    let built = [".wasm", ".cwasm"];
    let tracked: Vec<_> = repo::files()
        .into_iter()
        .filter(|path| built.iter().any(|ending| path.ends_with(ending)))
        .collect();
    assert_eq!(tracked, Vec::<String>::new());
}

#[test]
fn every_copy_of_the_contract_equals_the_one_in_wit() {
    let mut wrong = Vec::new();
    for path in repo::files().iter().filter(|path| path.ends_with(".wit")) {
        if path.starts_with("wit/") {
            continue;
        }
        let name = Path::new(path).file_name().expect("a name").to_string_lossy().into_owned();
        let original = repo::root().join("wit").join(&name);
        if !original.is_file() {
            continue;
        }
        if fs_err::read_to_string(original).unwrap() != repo::read(path) {
            wrong.push(format!("{path} differs from wit/{name}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_served_version_of_the_contract_is_bound_once() {
    // A component of 0.1.0 links against any 0.1 that only adds to it, so these share one.
    let released = crate::contract::released();
    let lines = released.iter().map(PackageName::version_compat_track_string);
    let served: BTreeSet<String> = lines.collect();
    let bound: usize = repo::rust_files()
        .iter()
        .filter(|path| path.starts_with("host/") && !path.contains("/tests/"))
        .map(|path| repo::read(path).matches("\nwasmtime::component::bindgen!(").count())
        .sum();
    assert_eq!(bound, served.len(), "one for each of {served:?}");
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let said: BTreeSet<String> = repo::rust_files()
        .iter()
        .filter(|path| path.starts_with("host/") && !path.contains("/tests/"))
        .flat_map(|path| codes(&repo::read(path)))
        .collect();
    let pages = repo::files();
    let pages = pages.iter().filter_map(|path| path.strip_prefix("docs/errors/WF"));
    let explained: BTreeSet<String> =
        pages.filter_map(|name| name.strip_suffix(".md")).map(|n| format!("WF{n}")).collect();
    assert_eq!(said, explained, "codes in host/ on the left, pages in docs/errors/ on the right");
}

#[test]
fn a_code_is_wf_and_four_digits() {
    let found = codes("\"WF0404\" WF12 XWF0001 WF00001 (WF1234)");
    assert_eq!(found, ["WF0404", "WF1234"]);
}

/// Lines before the first inline test module.
fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

fn is_code(path: &str) -> bool {
    let endings = [".rs", ".js", ".mjs", ".py", ".sh", ".wit"];
    endings.iter().any(|ending| path.ends_with(ending))
}

/// Who meets a code looks for it there first.
#[test]
fn every_error_code_is_in_the_guide_to_troubleshooting_with_a_link_to_its_page() {
    let guide = repo::read("docs/guides/troubleshooting.md");
    let pages = repo::files().into_iter().filter_map(|path| {
        let name = path.strip_prefix("docs/errors/")?.strip_suffix(".md")?.to_owned();
        name.starts_with("WF").then_some(name)
    });
    let missing: Vec<_> =
        pages.filter(|code| !guide.contains(&format!("[{code}](../errors/{code}.md)"))).collect();
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "docs/guides/troubleshooting.md says nothing of them"
    );
}

fn is_too_long(line: &str) -> bool {
    let is_comment = ["//", "# ", "* "].iter().any(|mark| line.trim_start().starts_with(mark));
    is_comment && line.chars().count() > COLUMNS_MAX
}

/// The file that must declare a module below `tests/it`, and the module's name.
fn declared_in(package: &str, module: &str) -> (String, String) {
    let module = module.strip_suffix(".rs").expect("a Rust file");
    let module = module.strip_suffix("/mod").unwrap_or(module);
    match module.rsplit_once('/') {
        None => (format!("{package}/tests/it/main.rs"), module.to_owned()),
        Some((folder, name)) => {
            let beside = format!("{package}/tests/it/{folder}.rs");
            let inside = format!("{package}/tests/it/{folder}/mod.rs");
            let parent = if repo::root().join(&beside).is_file() { beside } else { inside };
            (parent, name.to_owned())
        }
    }
}

fn codes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let digits = word.strip_prefix("WF").unwrap_or_default();
        if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(word.to_owned());
        }
    }
    found
}
