//! Secrets over the real program: set, held, revealed, and found nowhere.

mod canaries;
mod held;

use serde_json::Value;

use crate::harness::{Cli, everywhere, proof};

const VALUE: &str = "s3cr3t-of-the-operator";

/// A folder in which the proof's agents may do with secrets what they like.
pub(super) fn granted() -> Cli {
    granting(
        "[[grant]]\nplugin = \"wforge/effects-secrets\"\n\
         capabilities = [\"secret:*\", \"http:*\", \"kv:plugin\", \"ask\"]\n",
    )
}

/// A folder with the proof's agents and these grants.
pub(super) fn granting(grants: &str) -> Cli {
    let cli = Cli::new();
    let file = cli.file("grants.toml", grants);
    let cli = cli.with("WFORGE_PLUGINS__GRANTS_FILE", file.to_str().expect("UTF-8"));
    let component = proof("wforge/effects-secrets");
    cli.run(["plugin", "install", component.to_str().expect("UTF-8")]).exits(0);
    cli
}

/// A workflow of one node that calls an agent of the proof with this input, as CEL.
pub(super) fn workflow(agent: &str, input: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: {agent}
version: 1.0.0
state: {{ result: {{}} }}
input: []
output: [result]
nodes:
  it: {{ agent: wforge/effects-secrets.{agent}, in: {input}, out: {{ result: result }} }}
edges: [{{ from: START, to: it }}]
"
    )
}

#[test]
fn a_secret_is_set_listed_and_removed_and_no_command_shows_it() {
    everywhere(|cli| {
        let mut said = String::new();
        let mut run = |args: &[&str], stdin: &str| -> Value {
            let args: Vec<&str> = args.iter().chain(&["--output", "json"]).copied().collect();
            let ran = cli.run_with_stdin(&args, stdin);
            ran.exits(0);
            said.push_str(&ran.stdout);
            said.push_str(&ran.stderr);
            ran.json()
        };
        let set =
            run(&["secrets", "set", "token", "--host", "api.example.com"], &format!("{VALUE}\n"));
        assert_eq!((&set["version"], &set["hosts"][0]), (&1.into(), &"api.example.com".into()));
        let again = run(&["secrets", "set", "token", "-"], VALUE);
        assert_eq!((&again["version"], &again["hosts"]), (&2.into(), &set["hosts"]));
        let file = cli.file("value", format!("{VALUE}\r\n"));
        run(&["secrets", "set", "other", "--from-file", file.to_str().expect("UTF-8")], "");
        let listed = run(&["secrets", "list"], "");
        let names: Vec<&Value> =
            listed.as_array().expect("a list").iter().map(|one| &one["name"]).collect();
        assert_eq!(names, ["other", "token"]);
        assert_eq!(listed[1]["versions"].as_array().map(Vec::len), Some(2));
        run(&["secrets", "remove", "other"], "");
        assert_eq!(run(&["secrets", "list"], "").as_array().map(Vec::len), Some(1));
        // A version is never another value.
        assert_eq!(run(&["secrets", "set", "other"], VALUE)["version"], 2);
        let audit = run(&["audit", "list"], "").to_string();
        for entry in ["secret.put", "token version 2", "secret.remove"] {
            assert!(audit.contains(entry), "no {entry} in {audit}");
        }
        assert!(!said.contains(VALUE), "{said}");
    });
}

#[test]
fn what_cannot_be_a_secret_is_refused_and_not_repeated() {
    let cli = Cli::new()
        .with("WFORGE_LIMITS__SECRETS__COUNT_MAX", "2")
        .with("WFORGE_LIMITS__SECRETS__VALUE_BYTES_MAX", "32")
        .with("WFORGE_LIMITS__SECRETS__VERSIONS_MAX", "2")
        .with("WFORGE_LIMITS__SECRETS__HOSTS_MAX", "1");
    let long = "long-".repeat(7);
    for (args, value, words) in [
        (&["a"][..], "short77", "at least 8 bytes"),
        (&["a"], long.as_str(), "at most 32 bytes (limits.secrets.value_bytes_max)"),
        (&["a"], "two lines\nx: injected", "one line of printable ASCII"),
        (&["a"], "grün-grün-grün", "one line of printable ASCII"),
        (&["a"], "", "no secret on stdin"),
        (&["a:b"], VALUE, "a secret's name has 1 to 64"),
        (&[&"n".repeat(65)], VALUE, "a secret's name has 1 to 64"),
        (&["a", "--host", "*"], VALUE, "a secret names its hosts"),
        (&["a", "--host", "API.example.com"], VALUE, "small letters"),
        (&["a", "--host", "a.example", "--host", "b.example"], VALUE, "for at most 1 hosts"),
    ] {
        let args: Vec<&str> = ["secrets", "set"].iter().chain(args).copied().collect();
        let ran = cli.run_with_stdin(&args, value);
        assert_ne!(ran.code, 0, "{args:?}");
        ran.says(&[words]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(value.is_empty() || !said.contains(value), "{said}");
    }
    for name in ["a", "b", "a", "a"] {
        cli.run_with_stdin(&["secrets", "set", name], VALUE).exits(0);
    }
    cli.run_with_stdin(&["secrets", "set", "c"], VALUE).says(&["limits.secrets.count_max"]);
    let listed = cli.run(["secrets", "list", "--output", "json"]).json();
    let versions: Vec<&Value> = listed[0]["versions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(versions, [2, 3], "the oldest is not kept: {listed}");
}

#[test]
fn a_value_is_never_an_argument() {
    let cli = Cli::new();
    let ran = cli.run(["secrets", "set", "token", VALUE]);
    assert_ne!(ran.code, 0);
    cli.run(["secrets", "show", "token"]).says(&["unrecognized subcommand"]);
}

#[test]
fn what_is_kept_of_a_secret_is_sealed_and_no_export_has_it() {
    let cli = Cli::new();
    cli.run_with_stdin(&["secrets", "set", "token"], VALUE).exits(0);
    assert_eq!(crate::harness::files_holding(&cli.data(), VALUE.as_bytes()), Vec::<String>::new());
    let export = cli.run(["export"]);
    export.exits(0);
    assert!(export.stdout.contains("\"kind\":\"secret\""), "{}", export.stdout);
    assert!(!export.stdout.contains(VALUE), "{}", export.stdout);
}
