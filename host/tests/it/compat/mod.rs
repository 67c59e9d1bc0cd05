//! Components of released versions of the contract run for ever; those of others are told why not.
//!
//! `<version>.wat` is a whole component as text, made when that version was released. `agent.wat`
//! is what it is made from; UPDATE_EXPECT=1 makes the text of a release that has none yet, and
//! never changes one that is there.

use serde_json::{Value, json};
use wforge_testkit::guests::with_sections;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::harness::{Cli, Ran};
use crate::{contract, repo};

const PLUGIN: &str = "compat/agent";
/// What it asks for: something of each interface that needs a grant.
const NEEDS: [&str; 7] = [
    "ask",
    "kv:run",
    "llm:mock",
    "http:http://127.0.0.1:9",
    "tool:compat__other",
    "secret:token:hold",
    "secret:token:reveal",
];

/// The component of a version, as text.
fn text_of(version: &str) -> String {
    repo::read(&format!("host/tests/it/compat/{version}.wat"))
}

/// A component against the contract of a release, made by the tools of today.
fn made(version: &str) -> String {
    let core = repo::read("host/tests/it/compat/agent.wat").replace("VERSION", version);
    let mut module = wat::parse_str(core).expect("agent.wat is a module");
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(contract::folder(version)).expect("a release is WIT");
    let world = resolve.select_world(&[package], Some("plugin")).expect("it has a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().module(&module).expect("it fits the contract");
    let component = encoder.validate(true).encode().expect("it is a component");
    let needs = NEEDS.map(|need| json!({ "capability": need, "reason": "a test" }));
    let manifest = json!({
        "name": PLUGIN, "version": "1.0.0", "agents": [{ "name": "main" }], "needs": needs,
    });
    let component = with_sections(component, &manifest.to_string(), version);
    wasmprinter::print_bytes(component).expect("a component can be printed")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE_EXPECT is how expectations are written")]
fn each_release_has_a_component_of_its_time() {
    for version in contract::released() {
        let version = version.to_string();
        let path = repo::root().join(format!("host/tests/it/compat/{version}.wat"));
        if !path.exists() && std::env::var_os("UPDATE_EXPECT").is_some() {
            fs_err::write(&path, made(&version)).unwrap();
        }
        assert!(path.exists(), "no {}: UPDATE_EXPECT=1 makes it, once", path.display());
        let imports = |interface| format!("\"workflowforge:plugin/{interface}@{version}\"");
        let text = text_of(&version);
        let all = ["log", "events", "blobs", "kv", "llm", "secrets", "http", "tools", "human"];
        for interface in all.iter().chain(&["timer", "agent"]) {
            assert!(text.contains(&imports(interface)), "{version}.wat is without {interface}");
        }
    }
}

fn workflow(more: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: compat
version: 1.0.0
state: {{ result: {{}} }}
input: []
output: [result]
nodes:
  it: {{ agent: {PLUGIN}, in: {{}}, out: {{ result: result }}{more} }}
edges: [{{ from: START, to: it }}]
"
    )
}

/// Commands with the component of that text in a file.
fn with_component(text: &str) -> (Cli, Ran) {
    let cli = Cli::new().with("WFORGE_MOCK", "off");
    let file = cli.file("agent.wasm", wat::parse_str(text).expect("it is a component"));
    let ran = cli.run(["plugin", "install", file.to_str().expect("UTF-8")]);
    (cli, ran)
}

/// What each call of a released component came to at a node with these words; a person says yes.
fn result_of(version: &str, more: &str) -> Value {
    let (cli, installed) = with_component(&text_of(version));
    installed.exits(0);
    cli.run(["grants", "approve", PLUGIN, "--all"]).exits(0);
    cli.run_with_stdin(&["secrets", "set", "token", "--host", "api.example.com"], "s3cr3t-t0k3n")
        .exits(0);
    let file = cli.file("workflow.yaml", workflow(more));
    let mut ran = cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"]);
    if ran.code == 3 {
        let run = ran.json()["run_id"].as_str().expect("an id").to_owned();
        ran = cli.run(["runs", "resume", &run, "--answer", "it=yes", "--output", "json"]);
    }
    ran.exits(0).json()["output"]["result"].clone()
}

/// The component of each release comes to this at a node with these words.
fn each_release_comes_to(more: &str, expected: &Value) {
    for version in contract::released() {
        assert_eq!(result_of(&version.to_string(), more), *expected, "{version}");
    }
}

#[test]
fn a_component_of_each_release_runs_with_everything_that_it_was_granted() {
    let expected = json!({
        "emit": "o", "create": "o", "append": "o", "finish": "o", "read": "o",
        "set": "o", "get": "o", "list": "o", "swap": "o", "delete": "o",
        "complete": "o", "hold": "o", "reveal": "o",
        "fetch": "1",
        "tools": "o", "call": "5", "ask": "o", "sleep": "o",
    });
    each_release_comes_to("", &expected);
}

#[test]
fn a_component_of_each_release_reads_a_denial_as_the_value_that_it_was() {
    let expected = json!({
        "emit": "o", "create": "o", "append": "o", "finish": "o", "read": "o",
        "set": "1", "get": "1", "list": "1", "swap": "1", "delete": "1",
        "complete": "1", "hold": "1", "reveal": "_",
        "fetch": "1",
        "tools": "1", "call": "1", "ask": "1", "sleep": "o",
    });
    each_release_comes_to(", allow: []", &expected);
}

#[test]
fn a_component_of_another_version_is_refused_with_what_to_do() {
    let of = |version: &str| text_of("0.1.0").replace("0.1.0", version);
    let page = repo::read("docs/reference/compatibility.md");
    let check = |version, expected: &str| {
        let (_, ran) = with_component(&of(version));
        ran.exits(2).says(&["unsupported_api", expected]);
        let quoted = expected.replace(PLUGIN, "me/count");
        assert!(page.contains(&quoted), "docs/reference/compatibility.md lacks: {quoted}");
    };
    check(
        "0.0.9",
        "compat/agent is built against contract 0.0.9, which is older than what this host serves, \
         0.1; rebuild with sdk 0.1",
    );
    check(
        "0.2.0",
        "compat/agent is built against contract 0.2.0, which is newer than what this host serves, \
         0.1; upgrade the host, or rebuild with sdk 0.1",
    );
}

#[test]
fn a_later_patch_of_the_contract_is_served_as_far_as_it_only_adds() {
    let (_, ran) = with_component(&text_of("0.1.0").replace("0.1.0", "0.1.7"));
    ran.exits(0);
}
