//! Bad input: each a clear error with place and fix, exit code 2, and nothing lost.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::harness::{Cli, component};
use crate::repo;

const BRIEF: &str = "examples/brief/workflow.yaml";

/// The head of a workflow with one key.
const HEAD: &str = "apiVersion: workflowforge/v1\nname: bad\nversion: 1.0.0\nstate:\n  text: {}\n\
                    input: [text]\noutput: [text]\n";

/// Validating this text ends with 2 and says all of that; so does running it, and no run is left.
fn check_workflow(text: &str, says: &[&str]) {
    let cli = Cli::new();
    let file = cli.file("bad.yaml", text);
    let file = file.to_str().expect("UTF-8");
    cli.run(["validate", file]).exits(2).says(&["bad.yaml"]).says(says);
    cli.run(["run", file, "--input", "text=x"]).exits(2).says(says);
    check_nothing_left(&cli);
}

/// Installing these bytes ends with 2 and says all of that, and what was installed stays.
fn check_component(bytes: &[u8], says: &[&str]) {
    let cli = Cli::new();
    let good = component("wforge/probe");
    cli.run([Path::new("plugin"), Path::new("install"), &good]).exits(0);
    let before = cli.run(["plugin", "list", "--output", "json"]).exits(0).stdout.clone();
    let kept = kept(&cli);
    let bad = cli.file("bad.wasm", bytes);
    cli.run([Path::new("plugin"), Path::new("install"), &bad]).exits(2).says(says);
    let after = cli.run(["plugin", "list", "--output", "json"]).exits(0).stdout.clone();
    assert_eq!(before, after);
    assert_eq!(self::kept(&cli), kept, "something of it was kept");
}

/// The files of components and of their code.
fn kept(cli: &Cli) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![cli.data().join("components"), cli.data().join("aot")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

/// Running the brief on this document ends with 2 and says all of that, and no run is left.
fn check_document(bytes: &[u8], says: &[&str]) {
    let cli = Cli::new();
    let document = cli.file("document.md", bytes);
    let input = format!("document=@{}", document.display());
    cli.run(["run", BRIEF, "--input", &input]).exits(2).says(says);
    check_nothing_left(&cli);
}

fn check_nothing_left(cli: &Cli) {
    let listed = cli.run(["runs", "list", "--output", "json"]).exits(0).json();
    let items = listed.as_array().or_else(|| listed["items"].as_array()).expect("a list");
    assert!(items.is_empty(), "a refused run left {items:?}");
}

fn built(name: &str) -> Vec<u8> {
    fs_err::read(component(name)).unwrap()
}

/// The same bytes with each `from` made `to`, of the same length.
fn renamed(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut found = 0;
    for place in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[place..].starts_with(from) {
            bytes[place..place + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "the component names it");
    bytes
}

#[test]
fn malformed_yaml_names_its_line() {
    let text = format!("{HEAD}nodes:\n  a: {{ set: {{ text: \"'x'\" }}\nedges: []\n");
    check_workflow(&text, &["bad.yaml:"]);
}

#[test]
fn malformed_json_names_its_line() {
    let cli = Cli::new();
    let file =
        cli.file("bad.json", "{\n  \"apiVersion\": \"workflowforge/v1\",\n  \"name\" \"x\"\n}");
    cli.run(["validate", file.to_str().expect("UTF-8")]).exits(2).says(&["bad.json:3"]);
}

#[test]
fn an_unknown_field_is_named_with_its_line_and_the_one_that_was_meant() {
    let text = format!(
        "{HEAD}nodes:\n  a: {{ sett: {{ text: \"'x'\" }} }}\nedges:\n  - {{ from: START, to: a }}\n"
    );
    check_workflow(&text, &["bad.yaml:9", "sett", "set"]);
}

#[test]
fn an_unknown_node_is_named_with_its_line_and_the_one_that_was_meant() {
    let text = format!(
        "{HEAD}nodes:\n  write: {{ set: {{ text: \"'x'\" }} }}\n\
         edges:\n  - {{ from: START, to: wriet }}\n"
    );
    check_workflow(&text, &["bad.yaml:11", "wriet", "write"]);
}

#[test]
fn an_unreachable_node_is_named_with_its_line() {
    let text = format!(
        "{HEAD}nodes:\n  a: {{ set: {{ text: \"'x'\" }} }}\n  alone: {{ set: {{ text: \"'y'\" }} }}\n\
         edges:\n  - {{ from: START, to: a }}\n"
    );
    check_workflow(&text, &["bad.yaml:10", "alone"]);
}

#[test]
fn every_problem_of_the_writing_is_told_at_once() {
    let text = format!(
        "{HEAD}nodes:\n  a: {{ sett: {{}} }}\n  b: {{ set: {{ text: \"'x'\" }}, defer: 3 }}\n\
         edges:\n  - {{ from: START, too: [a, b] }}\n"
    );
    check_workflow(&text, &["bad.yaml:9", "bad.yaml:10", "bad.yaml:12"]);
}

#[test]
fn every_problem_of_the_graph_is_told_at_once() {
    let text = format!(
        "{HEAD}nodes:\n  a: {{ set: {{ txt: \"'x'\" }} }}\n  b: {{ set: {{ text: state.tetx }} }}\n\
         edges:\n  - {{ from: START, to: [a, c] }}\n"
    );
    check_workflow(&text, &["bad.yaml:9", "bad.yaml:10", "bad.yaml:12", "txt", "tetx", "node c"]);
}

#[test]
fn mistakes_of_writing_and_problems_of_the_graph_are_told_together() {
    let text = format!(
        "{HEAD}nodes:\n  a: {{ ask: {{ prompt: Go?, deadlin: 1h }}, out: {{ text: result }} }}\n  \
         b: {{ agent: x/y, timeout: {{ run: soon }} }}\n  alone: {{ set: {{ text: \"'y'\" }} }}\n\
         edges:\n  - {{ from: START, to: [a, bb] }}\n  - {{ from: a, to: b }}\n"
    );
    check_workflow(
        &text,
        &["bad.yaml:9", "bad.yaml:10", "bad.yaml:11", "alone", "bad.yaml:13", "bb"],
    );
}

#[test]
fn what_is_not_supported_yet_says_so() {
    let text = format!(
        "{HEAD}nodes:\n  a: {{ agent: mock, limits: {{}} }}\nedges:\n  - {{ from: START, to: a }}\n"
    );
    check_workflow(&text, &["bad.yaml:9", "not supported yet"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    Cli::new().run(["validate", "no/such.yaml"]).exits(2).says(&["no/such.yaml"]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let ten = [before.as_str(); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{ten}]").unwrap();
    }
    check_workflow(&text, &["alias"]);
}

#[test]
fn a_core_module_is_no_component() {
    check_component(b"\0asm\x01\0\0\0", &["core_module", "component"]);
}

#[test]
fn a_truncated_component_is_refused() {
    let mut bytes = built("wforge/outline");
    bytes.truncate(bytes.len() / 2);
    check_component(&bytes, &["truncated"]);
}

#[test]
fn native_code_is_refused_whoever_made_it() {
    let mut bytes = b"\x7fELF\x02\x01\x01\xc8\0\0\0\0\0\0\0\0".to_vec();
    bytes.resize(4096, 0);
    check_component(&bytes, &["precompiled"]);
}

#[test]
fn something_else_is_refused() {
    check_component(b"#!/bin/sh\necho hello\n", &["not_wasm"]);
    check_component(b"", &["not_wasm"]);
}

#[test]
fn a_component_for_the_wrong_world_is_refused() {
    let bytes = renamed(
        built("wforge/outline"),
        b"workflowforge:plugin/agent@0.1.0",
        b"workflowforge:plugin/agxnt@0.1.0",
    );
    check_component(&bytes, &["wrong_world", "workflowforge:plugin/agent@0.1"]);
}

#[test]
fn a_component_without_a_manifest_is_refused() {
    check_component(b"\0asm\x0d\0\x01\0", &["no_manifest"]);
}

#[test]
fn a_component_with_a_schema_that_is_none_is_refused() {
    let bytes = renamed(built("wforge/probe"), br#""type":"object""#, br#""type":"objekt""#);
    check_component(&bytes, &["bad_schema", "the schema of the input of agent"]);
}

#[test]
fn a_plugin_that_is_not_there_is_named() {
    Cli::new().run(["plugin", "install", "no/such.wasm"]).exits(2).says(&["no/such.wasm"]);
    Cli::new().run(["plugin", "inspect", "acme/nothing"]).exits(2).says(&["acme/nothing"]);
}

#[test]
fn an_input_that_misses_the_schema_is_named_with_its_key() {
    check_document(b"", &["document"]);
}

#[test]
fn an_input_that_is_no_text_is_refused() {
    check_document(b"\xff\xfe\0\x01", &["document", "UTF-8"]);
}

#[test]
fn a_document_of_100_megabytes_is_refused_before_the_first_step() {
    check_document(&vec![b'a'; 100 << 20], &["document"]);
}

#[test]
fn an_unknown_input_key_is_named() {
    let cli = Cli::new();
    cli.run(["run", BRIEF, "--input", "documnet=x"]).exits(2).says(&["documnet", "document"]);
}

#[test]
fn a_missing_input_key_is_named() {
    Cli::new().run(["run", BRIEF]).exits(2).says(&["document"]);
}

#[test]
fn an_answer_or_mock_for_a_node_that_is_not_there_is_named() {
    let cli = Cli::new();
    let document = cli.file("document.md", "# A\n\nText.\n");
    let input = format!("document=@{}", document.display());
    let start = ["run", BRIEF, "--input", input.as_str()];
    cli.run(start.iter().chain(&["--answer", "aprove=yes"])).exits(2).says(&["aprove"]);
    cli.run(start.iter().chain(&["--mock", "digset"])).exits(2).says(&["digset"]);
    check_nothing_left(&cli);
}

#[test]
fn an_unknown_run_is_named() {
    let cli = Cli::new();
    let run = "run_0123456789abcdef0123456789abcdef";
    for command in ["show", "resume", "cancel"] {
        cli.run(["runs", command, run]).exits(2).says(&[run]);
        cli.run(["runs", command, "nonsense"]).exits(2).says(&["nonsense"]);
    }
}

#[test]
fn a_configuration_with_an_unknown_key_names_file_and_key() {
    let cli = Cli::new();
    let file = cli.file("wforge.toml", "[store]\nknid = \"sled\"\n");
    let file = file.to_str().expect("UTF-8");
    cli.run(["config", "check", "--config", file]).exits(2).says(&[
        "wforge.toml",
        "store.knid",
        "store.kind",
    ]);
}

#[test]
fn the_examples_are_valid() {
    for path in repo::files() {
        if path.starts_with("examples/") && path.ends_with("/workflow.yaml") {
            Cli::new().run(["validate", path.as_str()]).exits(0);
        }
    }
}
