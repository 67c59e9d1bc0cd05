//! A plugin's folder and a component in, what the build says out.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own file has to fail")]
#![expect(clippy::needless_pass_by_value, reason = "an expectation is written where it is used")]

mod world;

use std::path::Path;

use expect_test::{Expect, expect};
use fs_err as fs;
use tempfile::TempDir;
use wforge_build::{BuildError, Plugin, inspect, pack};

const HEAD: &str = "name = \"me/thing\"\nversion = \"1.2.3\"\n";
const RUST: &str = "build.language = \"rust\"\nagents = [{}]\n";
const ASK: &str = "needs = [{ capability = \"ask\", reason = \"asks\" }]\n";
/// The export that every plugin has.
const AGENT: &str = "(component $c) (instance $i (instantiate $c)) \
                     (export \"workflowforge:plugin/agent@0.1.0\" (instance $i))";

fn folder(plugin_toml: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("plugin.toml"), plugin_toml).unwrap();
    folder
}

/// The error's text in short lines, without the folder's name, which differs each time.
fn text(folder: &Path, error: &BuildError) -> String {
    let text = error.to_string().replace(&folder.display().to_string(), "DIR");
    text.lines().map(wrapped).collect()
}

fn wrapped(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in line.split_inclusive(' ') {
        if column + word.len() > 80 {
            out = out.trim_end().to_owned() + "\n";
            column = 0;
        }
        out += word;
        column += word.len();
    }
    out.trim_end().to_owned() + "\n"
}

fn refuses(plugin_toml: &str, expected: Expect) {
    let folder = folder(plugin_toml);
    let error = Plugin::read(folder.path()).unwrap_err();
    expected.assert_eq(&text(folder.path(), &error));
}

/// Packs a component written as WAT; what came of it, in words.
fn packs(plugin_toml: &str, wat: &str, expected: Expect) {
    let folder = folder(plugin_toml);
    let path = folder.path().join("raw.wasm");
    fs::write(&path, wat::parse_str(wat).unwrap()).unwrap();
    let plugin = Plugin::read(folder.path()).unwrap();
    let said = match pack(&plugin, &path) {
        Err(error) => text(folder.path(), &error),
        Ok(packed) => {
            fs::write(&path, packed.bytes).unwrap();
            let (manifest, imports) = inspect(&path).unwrap();
            assert_eq!(manifest, plugin.manifest);
            format!("{} {}\nimports {imports:?}\n", manifest.name, manifest.version)
        }
    };
    expected.assert_eq(&said);
}

/// A component that exports an agent.
fn component(inside: &str) -> String {
    format!("(component {inside} {AGENT})")
}

fn importing(name: &str) -> String {
    component(&format!("(import \"{name}\" (instance))"))
}

#[test]
fn a_component_that_imports_its_needs_is_packed() {
    packs(
        &format!("{HEAD}{RUST}{ASK}"),
        &importing("workflowforge:plugin/human@0.1.0"),
        expect![[r#"
            me/thing 1.2.3
            imports ["workflowforge:plugin/human@0.1.0"]
        "#]],
    );
    packs(
        &format!("{HEAD}{RUST}"),
        &importing("wasi:cli/stderr@0.2.9"),
        expect![[r#"
            me/thing 1.2.3
            imports ["wasi:cli/stderr@0.2.9"]
        "#]],
    );
}

#[test]
fn an_import_that_is_not_needed_is_refused_with_the_fix() {
    let none = format!("{HEAD}{RUST}");
    packs(
        &none,
        &importing("workflowforge:plugin/kv@0.1.0"),
        expect![[r#"
            DIR/raw.wasm: the component imports workflowforge:plugin/kv@0.1.0: add
            [[needs]] with capability = "kv:run" or the like, and a reason, to plugin.toml
        "#]],
    );
    packs(
        &none,
        &importing("wasi:http/outgoing-handler@0.2.9"),
        expect![[r#"
            DIR/raw.wasm: the component imports wasi:http/outgoing-handler@0.2.9: add
            [[needs]] with capability = "http.raw:<rule>" to plugin.toml, or use the
            interface http, which is recorded
        "#]],
    );
    packs(
        &none,
        &importing("workflowforge:plugin/human@0.9.0"),
        expect![[r#"
        DIR/raw.wasm: the component imports workflowforge:plugin/human@0.9.0: no host
        serves it; the contract is workflowforge:plugin@0.1.0
    "#]],
    );
    let js = format!("{HEAD}agents = [{{}}]\nbuild.language = \"javascript\"\n");
    packs(
        &js,
        &importing("workflowforge:plugin/timer@0.1.0"),
        expect![[r#"
        DIR/raw.wasm: the component imports workflowforge:plugin/timer@0.1.0: add
        "timer" to build.uses in plugin.toml
    "#]],
    );
}

#[test]
fn what_is_no_agents_component_is_refused() {
    let plugin = format!("{HEAD}{RUST}");
    packs(
        &plugin,
        "(module)",
        expect![[r#"
        DIR/raw.wasm: this is a core module, not a component: build for the target
        wasm32-wasip2
    "#]],
    );
    packs(
        &plugin,
        "(component)",
        expect![[r#"
        DIR/raw.wasm: the component does not export workflowforge:plugin/agent@0.1.0:
        put #[agent] (Rust) or @agent (Python) on a function, or `export const agent =
        defineAgent(…)` in the entry module
    "#]],
    );
}

#[test]
fn agents_in_code_and_manifest_are_the_same() {
    let named = "(core module (@custom \"workflowforge:agents\" \"one\\0atwo\\0a\"))";
    let inside = component(named);
    packs(
        &format!("{HEAD}{RUST}"),
        &inside,
        expect![[r#"
        DIR/raw.wasm: the code has the agents [one, two], plugin.toml has [main]: make
        them the same
    "#]],
    );
    let both = "build.language = \"rust\"\nagents = [{ name = \"two\" }, { name = \"one\" }]\n";
    packs(
        &format!("{HEAD}{both}"),
        &inside,
        expect![[r#"
        me/thing 1.2.3
        imports []
    "#]],
    );
}

#[test]
fn debug_sections_go_and_names_stay() {
    let inside = "(core module (@custom \".debug_info\" \"secret path\") \
                  (@custom \"name\" \"\\00\\02\\01m\"))";
    let folder = folder(&format!("{HEAD}{RUST}"));
    let path = folder.path().join("raw.wasm");
    fs::write(&path, wat::parse_str(component(inside)).unwrap()).unwrap();
    let packed = pack(&Plugin::read(folder.path()).unwrap(), &path).unwrap();
    let holds = |text: &[u8]| packed.bytes.windows(text.len()).any(|window| window == text);
    assert!(!holds(b"secret path"));
    assert!(holds(b"\x04name"));
}

#[test]
fn packing_twice_is_packing_once() {
    let folder = folder(&format!("{HEAD}{RUST}"));
    let plugin = Plugin::read(folder.path()).unwrap();
    let path = folder.path().join("raw.wasm");
    fs::write(&path, wat::parse_str(importing("wasi:cli/exit@0.2.0")).unwrap()).unwrap();
    let once = pack(&plugin, &path).unwrap().bytes;
    fs::write(&path, &once).unwrap();
    assert_eq!(pack(&plugin, &path).unwrap().bytes, once);
}

#[test]
fn a_truncated_component_is_refused() {
    let folder = folder(&format!("{HEAD}{RUST}"));
    let path = folder.path().join("raw.wasm");
    let whole = wat::parse_str(importing("wasi:cli/exit@0.2.0")).unwrap();
    for length in [0, 4, 8, 9, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = pack(&Plugin::read(folder.path()).unwrap(), &path).unwrap_err();
        let refused = matches!(error, BuildError::NoComponent { .. } | BuildError::NoAgent { .. });
        assert!(refused, "{length}: {error}");
    }
}

#[test]
fn a_plugin_file_is_refused_with_its_line() {
    refuses(
        "name = \"Me/Thing\"\n",
        expect![[r#"
            DIR/plugin.toml: TOML parse error at line 1, column 8
              |
            1 | name = "Me/Thing"
              |        ^^^^^^^^^^
            "Me/Thing" is no plugin name: write publisher/name in small letters, digits and
            -, each part beginning with a letter and at most 64 long
        "#]],
    );
    refuses(
        &format!("{HEAD}{RUST}licence = \"MIT\"\n"),
        expect![[r#"
            DIR/plugin.toml: TOML parse error at line 5, column 1
              |
            5 | licence = "MIT"
              | ^^^^^^^
            unknown field `licence`, expected one of `name`, `version`, `license`,
            `description`, `repository`, `agents`, `needs`, `limits`, `behaviour`, `build`
        "#]],
    );
}

#[test]
fn needs_agents_and_uses_are_checked() {
    refuses(
        &format!("{HEAD}{RUST}needs = [{{ capability = \"files\", reason = \"x\" }}]\n"),
        expect![[r#"
            DIR/plugin.toml: TOML parse error at line 5, column 25
              |
            5 | needs = [{ capability = "files", reason = "x" }]
              |                         ^^^^^^^
            "files" is no capability: write one of ask, kv:<scope>[:ro], llm:<model>,
            http:<rule>, http.raw:<rule>, tool:<name>, secret:<name>:hold,
            secret:<name>:reveal
        "#]],
    );
    refuses(
        &format!("{HEAD}{RUST}needs = [{{ capability = \"ask\", reason = \" \" }}]\n"),
        expect![[r#"
            DIR/plugin.toml: the need "ask" has no reason: say in a sentence what it is
            for, whoever grants it reads that
        "#]],
    );
    refuses(
        &format!("{HEAD}agents = []\nbuild.language = \"rust\"\n"),
        expect![[r#"
            DIR/plugin.toml: the manifest names 0 agents; write 1 to 64
        "#]],
    );
    refuses(
        &format!("{HEAD}agents = [{{ name = \"a b\" }}]\nbuild.language = \"rust\"\n"),
        expect![[r#"
            DIR/plugin.toml: the manifest names the agent "a b": write letters, digits, _
            and -, beginning with a letter, at most 64
        "#]],
    );
    refuses(
        &format!("{HEAD}agents = [{{}}]\nbuild = {{ language = \"rust\", uses = [\"kv\"] }}\n"),
        expect![[r#"
            DIR/plugin.toml: build.uses has "kv", which needs a grant: ask for it under
            [[needs]]
        "#]],
    );
}

#[test]
fn a_schema_that_is_none_is_refused() {
    let with = |input: &str| {
        format!("{HEAD}build.language = \"rust\"\nagents = [{{ input = {input} }}]\n")
    };
    refuses(
        &with("\"gone.json\""),
        expect![[r#"
            DIR/plugin.toml: agent "main", input schema: failed to open file
            `DIR/gone.json`: No such file or directory (os error 2)
        "#]],
    );
    refuses(
        &with("7"),
        expect![[r#"
            DIR/plugin.toml: agent "main", input schema: write an object, or the path of a
            JSON file that holds one
        "#]],
    );
    refuses(
        &with("{ \"$ref\" = \"https://evil.example/s.json\" }"),
        expect![[r##"
            DIR/plugin.toml: agent "main", input schema: "$ref":
            "https://evil.example/s.json" leaves the file: put it under $defs and write
            "#/$defs/…"
        "##]],
    );
}
