//! What an author does before there is a component: makes a project, builds it, asks what the
//! machine lacks.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::effects::text;
use crate::harness::{Cli, Ran};

const TEMPLATES: [&str; 6] = ["hello", "tool", "llm", "react", "http", "human"];
const LANGS: [&str; 4] = ["rust", "js", "ts", "python"];

/// A person with a home, and no program in PATH.
fn cli() -> Cli {
    Cli::at_home().with("PATH", "/nowhere")
}

fn home(cli: &Cli) -> PathBuf {
    cli.data().parent().expect("a folder").to_owned()
}

fn make(cli: &Cli, lang: &str, template: &str, dir: &str) -> Ran {
    let flags = ["--lang", lang, "--template", template, "--dir", dir];
    cli.run([&["new", "agent", "acme/greeter"], &flags[..]].concat())
}

#[test]
fn a_project_has_everything_and_its_workflow_is_one() {
    let cli = cli();
    for lang in LANGS {
        for template in TEMPLATES {
            let dir = format!("{lang}-{template}");
            make(&cli, lang, template, &dir).exits(0).says(&["acme/greeter", "wforge build"]);
            let folder = home(&cli).join(&dir);
            for file in ["plugin.toml", "README.md", ".gitignore", "vendor", "tests/agent.yaml"] {
                assert!(folder.join(file).exists(), "{dir} has no {file}");
            }
            cli.run(["validate", &text(&folder.join("workflow.yaml"))]).exits(0);
        }
    }
}

#[test]
fn a_workflow_is_made_that_runs_without_a_plugin() {
    let cli = cli();
    cli.run(["new", "workflow", "review"]).exits(0).says(&["made review: the workflow review"]);
    let file = text(&home(&cli).join("review/workflow.yaml"));
    let ran = cli.run(["run", &file, "--answer", "review=yes", "--output", "json"]);
    assert_eq!(ran.exits(0).json()["output"]["published"], json!(true));
}

#[test]
fn nothing_is_ever_overwritten() {
    let cli = cli();
    let mine = cli.file("greeter/notes.txt", "mine");
    let refused = cli.run(["new", "agent", "acme/greeter", "--lang", "js"]);
    refused.exits(2).says(&["[taken]", "greeter is taken: it is not empty", "--dir"]);
    assert_eq!(fs_err::read_to_string(&mine).unwrap(), "mine");
    assert!(!home(&cli).join("greeter/plugin.toml").exists());
    let file = cli.file("other", "a file");
    make(&cli, "js", "hello", &text(&file)).exits(2).says(&["is taken: it is a file"]);
}

#[test]
fn what_is_not_said_is_asked_for_by_its_flag_where_nobody_sits_at_a_terminal() {
    let cli = cli();
    cli.run(["new", "agent"]).exits(2).says(&["[missing_flag]", "NAME is missing"]);
    cli.run(["new", "agent", "me/greeter"]).exits(2).says(&["--lang is missing"]);
    cli.run(["new", "agent", "Me/Greeter", "--lang", "js"]).exits(2).says(&["is no plugin name"]);
    cli.run(["new", "workflow", "a b"]).exits(2).says(&["is no name of a workflow"]);
    let unknown = cli.run(["new", "agent", "me/greeter", "--lang", "cobol"]);
    unknown.exits(2).says(&["rust, js, ts, python"]);
    assert!(!home(&cli).join("greeter").exists());
}

#[test]
fn a_name_alone_gets_a_publisher_to_change() {
    let cli = cli();
    let made = cli.run(["new", "agent", "greeter", "--lang", "python"]);
    made.exits(0).says(&["me/greeter in Python, from the template hello", "before you publish"]);
    let json = ["new", "agent", "other", "--lang", "python", "--output", "json"];
    let made = cli.run(json).exits(0).json();
    assert_eq!((&made["folder"], &made["git"]), (&json!("other"), &json!("none")));
    let files = made["files"].as_array().expect("a list");
    assert!(files.contains(&json!("src/agent.py")), "{files:?}");
}

#[test]
fn a_build_says_what_is_wrong_with_the_plugin() {
    let cli = cli();
    let build = |folder: &Path| cli.run(["build", &text(folder)]);
    build(&home(&cli)).exits(2).says(&["[no_plugin]", "it has no plugin.toml", "wforge new agent"]);
    let head = "name = \"me/x\"\nversion = \"0.1.0\"\n";
    let with = |rest: &str| {
        let file = cli.file("x/plugin.toml", format!("{head}{rest}"));
        file.parent().expect("a folder").to_owned()
    };
    let unknown = with("agents = [{}]\nneed = []\nbuild.language = \"rust\"\n");
    build(&unknown).exits(2).says(&["[bad_plugin]", "unknown field `need`"]);
    let unreasoned = "agents = [{}]\nneeds = [{ capability = \"ask\", reason = \"\" }]\n\
                      build.language = \"rust\"\n";
    build(&with(unreasoned)).exits(2).says(&["the need \"ask\" has no reason"]);
    let no_schema = "agents = [{ input = \"gone.json\" }]\nbuild.language = \"rust\"\n";
    build(&with(no_schema)).exits(2).says(&["[bad_schema]", "agent \"main\", input schema"]);
}

#[test]
fn a_tool_that_is_missing_is_named_with_what_mends_it() {
    let cli = cli().with("WFORGE_GUEST_ROUTE", "rustup");
    make(&cli, "rust", "hello", "greeter").exits(0);
    let built = cli.run(["build", &text(&home(&cli).join("greeter"))]);
    built.exits(1).says(&["[missing_tool]", "cargo", "https://rustup.rs"]);
}

#[test]
fn the_doctor_says_what_is_there_and_what_is_not() {
    let cli = cli();
    let ran = cli.run(["doctor", "--lang", "rust", "--output", "json"]);
    let checks = ran.json();
    let named = |name: &str| -> Value {
        let checks = checks.as_array().expect("a list");
        checks.iter().find(|check| check["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(named("wforge")["state"], "ok");
    assert_eq!(named("git")["state"], "warning");
    assert!(named("cache")["found"].as_str().expect("a text").contains(".cache/wforge"));
    assert!(named("rust")["found"].is_string() && named("python").is_null());
}

#[test]
fn the_doctor_looks_at_a_broken_configuration_and_goes_on() {
    let cli = cli();
    cli.file("wforge.toml", "[plugin]\n");
    let ran = cli.run(["doctor", "--lang", "rust"]);
    ran.says(&["configuration", "wforge config check"]);
    cli.run(["new", "workflow", "review"]).exits(0);
}

/// The one build of these tests, as it takes seconds: JavaScript, with what `make build` installed.
#[test]
fn a_build_puts_the_schemas_of_the_code_into_the_component() {
    let cli = Cli::at_home().with("PATH", env!("PATH"));
    make(&cli, "js", "hello", "greeter").exits(0);
    let folder = home(&cli).join("greeter");
    let build = || cli.run(["build", &text(&folder), "--output", "json"]);
    let built = build().exits(0).json();
    assert_eq!((&built["name"], &built["needs"]), (&json!("acme/greeter"), &json!([])));
    assert_eq!(built["agents"][0]["input"]["required"], json!(["name"]));
    assert!(folder.join("target/acme-greeter.wasm").is_file());
    assert_eq!(build().exits(0).json()["digest"], built["digest"], "the same bytes again");
    let (workflow, plugins) = (text(&folder.join("workflow.yaml")), text(&folder.join("target")));
    let run = ["run", &workflow, "--output", "json", "--plugins", &plugins];
    assert_eq!(cli.run(run).exits(0).json()["output"]["greeting"], "Hello, world!");

    let manifest = folder.join("plugin.toml");
    let toml = fs_err::read_to_string(&manifest).unwrap();
    fs_err::write(&manifest, format!("{toml}input = {{ type = \"string\" }}\n")).unwrap();
    let place = ["schemas_differ", "plugin.toml", "agent \\\"main\\\"", "at /type"];
    build().exits(2).says(&place);
}
