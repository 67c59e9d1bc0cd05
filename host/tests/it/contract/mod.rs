//! The contract: what was released never changes, and wit/ only adds to it.
//!
//! Why so strict: one more case of a variant, or one more field of a record, keeps every component
//! that was built before from linking.

mod items;

use std::path::PathBuf;

use semver::Version;
use sha2::{Digest as _, Sha256};
use wforge_model::manifest::API_VERSION;
use wit_parser::Resolve;

use crate::repo;
use items::{Items, items};

/// The versions that were released, the oldest first.
pub(crate) fn released() -> Vec<Version> {
    let mut versions: Vec<Version> = fs_err::read_dir(folder(""))
        .expect("wit/released is there")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .map(|name| Version::parse(&name).expect("folders of wit/released are versions"))
        .collect();
    versions.sort();
    versions
}

/// The folder of a released version.
pub(crate) fn folder(version: &str) -> PathBuf {
    repo::root().join("wit/released").join(version)
}

#[test]
fn what_was_released_never_changes() {
    for version in released() {
        let folder = folder(&version.to_string());
        let mut files: Vec<String> = fs_err::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().expect("UTF-8"))
            .filter(|name| name != "SHA256SUMS")
            .collect();
        files.sort();
        let sums = files.iter().map(|name| {
            let digest = Sha256::digest(fs_err::read(folder.join(name)).unwrap());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}  {name}\n")
        });
        let listed = fs_err::read_to_string(folder.join("SHA256SUMS")).unwrap();
        assert_eq!(sums.collect::<String>(), listed, "wit/released/{version} is frozen: undo it");
    }
}

#[test]
fn the_contract_is_the_newest_release_or_adds_to_it() {
    let newest = released().pop().expect("a release");
    let wit = repo::root().join("wit");
    let (version, now) = contract_in(&wit);
    let (frozen, then) = contract_in(&folder(&newest.to_string()));
    assert_eq!(frozen, newest, "the folder has the version of its package");
    assert_eq!(version.to_string(), API_VERSION, "wforge-model speaks the version of wit/");
    assert_eq!(then.lost_in(&now), Vec::<String>::new(), "wit/ may only add to {newest}");
    if version == newest {
        assert_eq!(now.added_to(&then), Vec::<String>::new(), "give wit/ a version of its own");
    } else {
        assert!(version > newest, "wit/ is {version}, older than the release {newest}");
    }
}

fn contract_in(folder: &std::path::Path) -> (Version, Items) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder).expect("the contract is WIT");
    let version = resolve.packages[package].name.version.clone().expect("it has a version");
    (version, items(&resolve, package))
}

const THEN: &str = "
package workflowforge:plugin@0.1.0;
interface log {
    enum level { info, error }
    record line { level: level, text: string }
    write: func(line: line) -> result<_, string>;
}
interface agent { invoke: func(input: string) -> string; }
world plugin { import log; export agent; }
";

/// What a component of `THEN` would miss after that replacement.
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(THEN.contains(from), "no {from}");
    let of = |text: &str| {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("contract.wit", text).expect("it is WIT");
        items(&resolve, package)
    };
    assert_eq!(of(THEN).lost_in(&of(&THEN.replace(from, to))), expected);
}

#[test]
fn what_only_adds_keeps_every_component_going() {
    check("write: func", "flush: func();\n write: func", &[]);
    check("interface agent", "interface kv { get: func() -> string; }\ninterface agent", &[]);
    check("world plugin {", "interface more { }\nworld plugin { import more;", &[]);
    check("record line", "record page { lines: list<string> }\n record line", &[]);
}

#[test]
fn a_changed_record_variant_or_function_is_named() {
    check(
        "text: string",
        "text: string, at: u64",
        &["log.line: was record { level: log.level, text: string }, \
           is record { level: log.level, text: string, at: u64 }"],
    );
    check(
        "error }",
        "error, fatal }",
        &["log.level: was enum { info, error }, \
                                          is enum { info, error, fatal }"],
    );
    check(
        "result<_, string>",
        "result<u32, string>",
        &["log.write: was func(line: log.line) -> result<_, string>, \
         is func(line: log.line) -> result<u32, string>"],
    );
}

#[test]
fn what_is_gone_is_named() {
    check(
        "write: func(line: line) -> result<_, string>;",
        "",
        &["log.write: was func(line: log.line) -> result<_, string>, is gone"],
    );
    check("import log; ", "", &["world plugin imports log: is gone"]);
}

#[test]
fn what_a_plugin_exports_may_not_even_grow() {
    check(
        "-> string; }",
        "-> string; describe: func() -> string; }",
        &["world plugin exports agent: was invoke, is describe invoke"],
    );
    check(
        "export agent;",
        "export agent; export log;",
        &["world plugin exports: was agent, is agent log"],
    );
}
