//! What the operator allows holds for every run, and a workflow may ask for less.

use crate::harness::{Cli, Ran, SPINS};

/// Counts to ten, a super-step for each.
fn counts(limits: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: counts
version: 1.0.0
state: {{ count: {{ default: 0 }} }}
input: []
output: [count]
nodes:
  add: {{ set: {{ count: state.count + 1 }} }}
edges:
  - {{ from: START, to: add }}
  - {{ from: add, branch: [{{ when: state.count < 10, to: add }}, {{ to: END }}] }}
limits: {limits}
"
    )
}

/// Runs a workflow on a host that allows four super-steps.
fn run(limits: &str) -> (Cli, Ran) {
    let cli = Cli::new().with("WFORGE_LIMITS__RUN__STEPS_MAX", "4");
    let file = cli.file("workflow.yaml", counts(limits));
    let ran = cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"]);
    (cli, ran)
}

#[test]
fn a_run_whose_workflow_says_nothing_stops_at_what_the_host_allows() {
    let (_cli, ran) = run("{}");
    ran.exits(1).says(&["step_limit", "the run took 4 super-steps"]);
}

#[test]
fn a_run_whose_workflow_asks_for_less_stops_there() {
    let (_cli, ran) = run("{ steps: 3 }");
    ran.exits(1).says(&["step_limit", "the run took 3 super-steps"]);
}

#[test]
fn a_workflow_that_asks_for_more_is_refused_with_both_numbers_and_the_key() {
    let (cli, ran) = run("{ steps: 20 }");
    let numbers = "limits.steps: 20 is more than 4";
    ran.exits(2).says(&["limit_not_allowed", numbers, "limits.run.steps_max"]);
    let listed = cli.run(["runs", "list", "--output", "json"]).exits(0).json();
    assert_eq!(listed, serde_json::json!([]), "a refused run left something");
}

#[test]
fn a_plugin_is_stopped_at_what_the_host_allows_one_call() {
    let cli = Cli::new()
        .with("WFORGE_LIMITS__SANDBOX__WALL_MS_MAX", "200")
        .with("WFORGE_LIMITS__MODELS__TIMEOUT_MS", "200");
    let file = cli.file("workflow.yaml", SPINS);
    let ran = cli.run(["run", file.to_str().expect("UTF-8")]);
    ran.exits(1).says(&["timeout", "200 ms"]);
}

/// Runs what spins, under the caps of that file.
fn spin_under(caps: &str) -> Ran {
    let cli = Cli::new();
    let grants = cli.file("grants.toml", caps);
    let cli = cli
        .with("WFORGE_PLUGINS__GRANTS_FILE", grants.to_str().expect("UTF-8"))
        .with("WFORGE_MOCK", "off");
    let file = cli.file("workflow.yaml", SPINS);
    cli.run(["run", file.to_str().expect("UTF-8")])
}

#[test]
fn a_cap_of_the_operator_stops_a_plugin_earlier() {
    let file = r#"
[[grant]]
plugin = "wforge/probe"
capabilities = ["ask", "llm:fast"]

[[cap]]
plugin = "wforge/*"
reason = "a test"
cpu_ms_max = 120
"#;
    spin_under(file).exits(1).says(&["cpu_limit", "120 ms"]);
}

#[test]
fn a_cap_above_the_configuration_is_refused_at_the_start_with_its_line() {
    let cap = "\n[[cap]]\nreason = \"a test\"\ncpu_ms_max = 10001\n";
    spin_under(cap).says(&["grants.toml", "line 2", "limits.sandbox.cpu_ms_max"]);
}

#[test]
fn what_holds_is_shown_with_where_it_was_written() {
    let cli = Cli::new().with("WFORGE_LIMITS__RUN__STEPS_MAX", "4");
    let shown = cli.run(["config", "show", "--output", "json"]).exits(0).json();
    let shown = shown.as_array().or_else(|| shown["keys"].as_array()).expect("a list");
    let of = |key: &str| {
        let found = shown.iter().find(|shown| shown["key"] == key);
        let found = found.unwrap_or_else(|| panic!("{key} is not shown"));
        format!("{} {}", found["value"].as_str().unwrap(), found["origin"].as_str().unwrap())
    };
    assert_eq!(of("limits.run.steps_max"), "4 environment variable WFORGE_LIMITS__RUN__STEPS_MAX");
    assert_eq!(of("limits.run.parallel_max"), "16 default");
    assert_eq!(of("runs.snapshot_steps"), "64 default");
}
