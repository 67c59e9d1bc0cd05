//! Holds the direction of dependencies between our crates, as cargo itself sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::repo;

/// Who may use whom. What is not here must not be: a new crate begins with a line.
const MAY_USE: &[(&str, &[&str])] = &[
    ("wforge-model", &[]),
    ("wforge-graph", &["wforge-model"]),
    ("wforge-ports", &["wforge-model"]),
    ("wforge-spec", &["wforge-model", "wforge-graph"]),
    ("wforge-store", &["wforge-model", "wforge-ports"]),
    ("wforge-runtime", &["wforge-model", "wforge-ports"]),
    ("wforge-effects", &["wforge-model", "wforge-ports"]),
    ("wforge-engine", &["wforge-model", "wforge-graph", "wforge-ports"]),
    ("wforge-view", &["wforge-model", "wforge-graph", "wforge-engine"]),
    ("wforge-api", &["wforge-model", "wforge-ports", "wforge-engine", "wforge-view"]),
    ("wforge-telemetry", &[]),
    ("wforge-testkit", &["wforge-model", "wforge-ports"]),
    (
        "wforge",
        &[
            "wforge-model",
            "wforge-graph",
            "wforge-ports",
            "wforge-spec",
            "wforge-store",
            "wforge-runtime",
            "wforge-effects",
            "wforge-engine",
            "wforge-api",
            "wforge-view",
            "wforge-telemetry",
            // A library outside this workspace: how a plugin's folder becomes a component.
            "wforge-build",
        ],
    ),
];

/// What tests may use beyond that.
const TESTS_MAY_ALSO_USE: &[(&str, &[&str])] = &[
    ("wforge-graph", &["wforge-spec"]),
    ("wforge-effects", &["wforge-spec", "wforge-store"]),
    ("wforge-engine", &["wforge-store", "wforge-spec"]),
    ("wforge-view", &["wforge-spec"]),
    ("wforge-api", &["wforge-store", "wforge-spec"]),
];

/// The one crate that may name a library, for those whose types must not leak.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("wasmtime", &["wforge-runtime"]),
    ("wasmtime-wasi", &["wforge-runtime"]),
    ("wasmtime-wasi-io", &["wforge-runtime"]),
    ("sled", &["wforge-store"]),
    ("cel", &["wforge-spec"]),
    ("jsonschema", &["wforge-spec"]),
    ("saphyr-parser", &["wforge-spec"]),
    ("axum", &["wforge-api", "wforge"]),
    ("anyhow", &["wforge"]),
    ("clap", &["wforge"]),
    ("rmcp", &["wforge-effects"]),
    ("figment", &["wforge"]),
    ("dotenvy", &["wforge"]),
    ("tracing-subscriber", &["wforge-telemetry"]),
    ("tracing-opentelemetry", &["wforge-telemetry"]),
    ("opentelemetry", &["wforge-telemetry"]),
    ("opentelemetry_sdk", &["wforge-telemetry"]),
];

#[test]
fn our_crates_use_only_what_the_design_lets_them() {
    let used = ours(&metadata(), Kind::Normal);
    let mut wrong = Vec::new();
    for (name, uses) in &used {
        match lookup(MAY_USE, name) {
            None => wrong.push(format!("{name}: add it to MAY_USE in host/tests/it/direction.rs")),
            Some(may) => wrong.extend(beyond(name, uses, may)),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn tests_of_our_crates_use_only_what_the_design_lets_them() {
    let used = ours(&metadata(), Kind::Dev);
    let mut wrong = Vec::new();
    for (name, uses) in &used {
        let mut may = lookup(MAY_USE, name).unwrap_or_default().to_vec();
        may.push("wforge-testkit");
        may.extend(lookup(TESTS_MAY_ALSO_USE, name).unwrap_or_default());
        wrong.extend(beyond(name, uses, &may));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_crate_of_the_table_exists() {
    let metadata = metadata();
    let there: BTreeSet<&str> = packages(&metadata).map(|(name, _)| name).collect();
    let planned: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    assert_eq!(there, planned);
}

#[test]
fn a_library_whose_types_must_not_leak_is_named_by_one_crate() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (name, package) in packages(&metadata) {
        for used in dependencies(package, Kind::Normal) {
            let may = lookup(ONLY_IN, used);
            if may.is_some_and(|may| !may.contains(&name)) {
                wrong.push(format!("{name} must not use {used}: that is {may:?}'s"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn store_runtime_effects_and_api_never_name_each_other() {
    let apart = ["wforge-store", "wforge-runtime", "wforge-effects", "wforge-api"];
    for (name, may) in MAY_USE.iter().filter(|(name, _)| apart.contains(name)) {
        let named: Vec<_> = may.iter().filter(|used| apart.contains(used)).collect();
        assert!(named.is_empty(), "{name} may use {named:?}");
    }
}

/// Which of a package's dependencies.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    Dev,
}

fn beyond(name: &str, uses: &BTreeSet<String>, may: &[&str]) -> Vec<String> {
    let wrong = uses.iter().filter(|used| !may.contains(&used.as_str()));
    wrong.map(|used| format!("{name} must not use {used}")).collect()
}

fn lookup<'t>(table: &'t [(&str, &'t [&'t str])], name: &str) -> Option<&'t [&'t str]> {
    table.iter().find(|(entry, _)| *entry == name).map(|(_, value)| *value)
}

fn ours(metadata: &Value, kind: Kind) -> BTreeMap<String, BTreeSet<String>> {
    let of = |package| dependencies(package, kind).filter(|used| used.starts_with("wforge"));
    let each = packages(metadata);
    each.map(|(name, package)| (name.to_owned(), of(package).map(str::to_owned).collect()))
        .collect()
}

fn packages(metadata: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(|package| (package["name"].as_str().expect("a name"), package))
}

fn dependencies(package: &Value, kind: Kind) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().expect("a list of dependencies");
    // A build dependency is code that runs, so it counts as a normal one.
    let wanted = move |dependency: &&Value| (dependency["kind"] == "dev") == (kind == Kind::Dev);
    all.iter().filter(wanted).map(|dependency| dependency["name"].as_str().expect("a name"))
}

fn metadata() -> Value {
    let cargo = env!("CARGO");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--locked"])
        .current_dir(repo::root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
