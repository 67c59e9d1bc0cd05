//! An expression that goes wrong while a run goes on is found in its file.

use crate::harness::everywhere;

const OUTER: &str = "apiVersion: workflowforge/v1
name: outer
version: 1.0.0
state: { list: { default: [] }, x: {} }
input: []
output: [x]
nodes:
  ask:
    workflow: inner
    in: { list: state.list }
    out: { x: result.x }
edges: [{ from: START, to: ask }]
";

const INNER: &str = "apiVersion: workflowforge/v1
name: inner
version: 1.0.0
state: { list: {}, x: {} }
input: [list]
output: [x]
nodes:
  third: { set: { x: 'state.list[2]' } }
edges: [{ from: START, to: third }]
";

#[test]
fn a_failed_expression_names_its_file_line_and_text() {
    everywhere(|cli| {
        let (outer, inner) = (cli.file("outer.yaml", OUTER), cli.file("inner.yaml", INNER));
        let (outer, inner) = (outer.to_str().expect("UTF-8"), inner.to_str().expect("UTF-8"));
        let ran = cli.run(["run", outer, "--with", inner]);
        ran.exits(1).says(&["inner.yaml:8:", ": state.list[2]"]);
    });
}

#[test]
fn a_registered_workflow_and_its_parts_name_their_files_as_well() {
    everywhere(|cli| {
        let (outer, inner) = (cli.file("outer.yaml", OUTER), cli.file("flows/inner.yaml", INNER));
        for file in [&inner, &outer] {
            cli.run(["workflow", "register", file.to_str().expect("UTF-8")]).exits(0);
        }
        let ran = cli.run(["run", "outer", "--output", "json"]);
        ran.exits(1).says(&["flows/inner.yaml:8:", ": state.list[2]"]);
        let run = ran.json()["run_id"].as_str().expect("an id").to_owned();
        cli.run(["runs", "show", &run]).exits(0).says(&["flows/inner.yaml:8:"]);
    });
}
