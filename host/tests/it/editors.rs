//! What editors are told about files is what the program takes.

use serde_json::{Value, json};

use crate::repo;

const PLUGIN_SCHEMA: &str = "docs/reference/plugin.schema.json";

fn schema() -> Value {
    serde_json::from_str(&repo::read(PLUGIN_SCHEMA)).expect("the schema is JSON")
}

/// What an editor would underline in a plugin.toml.
fn problems(text: &str) -> Vec<String> {
    let file: Value = toml::from_str(text).expect("it is TOML");
    wforge_spec::Schemas::new().check(&schema(), &file).err().unwrap_or_default()
}

#[test]
fn every_plugin_file_fits_the_schema() {
    let files = repo::files();
    let plugins: Vec<_> = files.iter().filter(|path| path.ends_with("/plugin.toml")).collect();
    assert!(plugins.len() > 10, "{plugins:?}");
    for path in plugins {
        // Of a template, what a project of it would have.
        let words = [("{{plugin}}", "me/thing"), ("{{language}}", "rust"), ("{{schemas}}", ".")];
        let text = repo::read(path);
        let text = words.iter().fold(text, |text, (word, value)| text.replace(word, value));
        assert_eq!(problems(&text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn what_the_build_refuses_is_underlined() {
    const GOOD: &str = "name = \"me/count\"\nversion = \"0.1.0\"\nagents = [{}]\n\
                        build.language = \"rust\"\n";
    assert_eq!(problems(GOOD), Vec::<String>::new());
    for (bad, words) in [
        ("colour = \"red\"", "colour"),
        ("needs = [{ capability = \"ask\" }]", "reason"),
        ("needs = [{ capability = \"ask\", reason = \" \" }]", "/needs/0/reason"),
        ("needs = [{ capability = \"everything\", reason = \"all\" }]", "/needs/0/capability"),
        ("build.uses = [\"kv\"]", "/build/uses/0"),
        ("build.entrance = \"src/x.rs\"", "entrance"),
        ("limits.memory_mib = 64", "memory_mib"),
        ("behaviour.deterministic = \"yes\"", "/behaviour/deterministic"),
    ] {
        let found = problems(&format!("{GOOD}{bad}\n"));
        assert!(found.iter().any(|problem| problem.contains(words)), "{bad}: {found:?}");
    }
    for (good, bad, words) in [
        ("me/count", "Me/Count", "/name"),
        ("0.1.0", "1.0", "/version"),
        ("[{}]", "[]", "/agents"),
        ("[{}]", "[{ exits = [\"1\"] }]", "/agents/0/exits/0"),
        ("\"rust\"", "\"cobol\"", "/build/language"),
    ] {
        let found = problems(&GOOD.replace(good, bad));
        assert!(found.iter().any(|problem| problem.contains(words)), "{bad}: {found:?}");
    }
}

/// What goes into a component stands in plugin.toml too, but for a schema as the path of a file.
#[test]
fn the_schema_has_every_field_of_a_manifest() {
    use wforge_model::manifest::{LimitHints, Manifest};

    let written = json!({
        "name": "me/count", "version": "0.1.0", "license": "MIT", "description": "Counts.",
        "repository": "https://example.com",
        "agents": [{ "name": "main", "description": "Counts.", "input": {}, "output": {},
                     "config": {}, "exits": ["again"] }],
        "needs": [{ "capability": "ask", "reason": "asks" }],
        "limits": { "memory_mib_max": 1, "timeout_ms": 1 },
        "behaviour": { "deterministic": true, "idempotent": true },
    });
    let read: Manifest = serde_json::from_value(written.clone()).expect("it is a manifest");
    assert_ne!(read.limits, LimitHints::default());
    let mut back = serde_json::to_value(&read).expect("it is JSON");
    assert_eq!(back, written, "a manifest has fields that this test does not know");
    back["build"] = json!({ "language": "rust" });
    assert_eq!(wforge_spec::Schemas::new().check(&schema(), &back), Ok(()));
}

#[test]
fn the_published_schema_of_workflows_is_the_one_that_the_program_has() {
    let path = "docs/reference/workflow.v1.json";
    assert_eq!(
        repo::read(path),
        wforge_spec::WORKFLOW_SCHEMA,
        "copy host/crates/spec/schema/workflow.v1.json to {path}"
    );
}

#[test]
fn every_example_tells_editors_its_schema() {
    let files = repo::files();
    let examples = files
        .iter()
        .filter(|path| path.starts_with("examples/") && path.ends_with("/workflow.yaml"));
    for path in examples {
        let text = repo::read(path);
        let first = text.lines().next().unwrap_or_default();
        let schema = first.strip_prefix("# yaml-language-server: $schema=");
        let schema = schema.unwrap_or_else(|| panic!("{path} does not begin with its schema"));
        let folder = repo::root().join(path);
        let at = folder.parent().expect("a folder").join(schema);
        assert!(at.is_file(), "{path}: no file {schema}");
    }
}
