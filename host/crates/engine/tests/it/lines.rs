//! Expressions that go wrong are found in their files: also those of workflows that are registered,
//! and of parts.

use wforge_engine::{EngineError, StartRun, WaitFor, WorkflowChoice};
use wforge_model::workflow::WorkflowDraft;

use crate::harness::{World, ok, request, tenant};

const INNER: &str = "apiVersion: workflowforge/v1
name: inner
version: 1.0.0
state: { list: { default: [] }, x: {} }
input: []
output: [x]
nodes:
  third: { set: { x: 'state.list[2]' } }
edges: [{ from: START, to: third }]
";

const OUTER: &str = "apiVersion: workflowforge/v1
name: outer
version: 1.0.0
state: { x: {} }
input: []
output: [x]
nodes:
  sub: { workflow: inner, in: {}, out: { x: result.x } }
edges: [{ from: START, to: sub }]
";

fn file(name: &str, text: &str) -> WorkflowDraft {
    let parsed = wforge_spec::parse(name, text).unwrap();
    let lines = Some(Box::new(parsed.lines(name)));
    WorkflowDraft { lines, ..parsed.draft }
}

fn named(name: &str) -> StartRun {
    let workflow = WorkflowChoice::Registered { name: name.into(), version: None };
    StartRun { workflow, ..request(crate::harness::CHAIN) }
}

/// Where the expression stands for which a run failed.
async fn failed_at(world: &World, wanted: StartRun) -> String {
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    let failure = head.error.unwrap().failure.unwrap();
    let details = &failure.problem().unwrap().details;
    assert_eq!(details["expression"], "state.list[2]");
    details["at"].as_str().unwrap_or("nowhere").to_owned()
}

async fn register(world: &World, draft: WorkflowDraft) {
    world.handle.register_workflow(&tenant(), draft, "ada").await.unwrap();
}

#[tokio::test]
async fn a_registered_workflow_names_the_line_of_its_newest_file_also_after_a_restart() {
    let world = World::new(ok);
    register(&world, file("flows/inner.yaml", INNER)).await;
    register(&world, file("outer.yaml", OUTER)).await;
    assert_eq!(failed_at(&world, named("inner")).await, "flows/inner.yaml:8:22");
    assert_eq!(failed_at(&world, named("outer")).await, "flows/inner.yaml:8:22");
    let world = world.restart(ok).await;
    world.advance(1_000);
    assert_eq!(failed_at(&world, named("outer")).await, "flows/inner.yaml:8:22");
    let moved = format!("# A comment says nothing about what the workflow is.\n{INNER}");
    register(&world, file("moved.yaml", &moved)).await;
    assert_eq!(failed_at(&world, named("outer")).await, "moved.yaml:9:22");
    let world = world.restart(ok).await;
    world.advance(1_000);
    assert_eq!(failed_at(&world, named("inner")).await, "moved.yaml:9:22");
    let infos = world.handle.workflows(&tenant()).await.unwrap();
    assert_eq!(infos.len(), 2, "the same workflow, wherever it stands");
    let bare = WorkflowDraft { lines: None, ..file("inner.yaml", INNER) };
    register(&world, bare).await;
    assert_eq!(failed_at(&world, named("inner")).await, "moved.yaml:9:22", "the last file holds");
}

#[tokio::test]
async fn a_run_that_cannot_begin_names_the_line_as_well() {
    let world = World::new(ok);
    let text = INNER.replace(
        "{ from: START, to: third }",
        "{ from: START, branch: [{ when: 'state.list[2] == 1', to: third }, { to: END }] }",
    );
    register(&world, file("inner.yaml", &text)).await;
    match world.handle.start(&tenant(), named("inner")).await {
        Err(EngineError::Invalid { details, .. }) => {
            assert!(details[0].starts_with("inner.yaml:9:"), "{details:?}");
        }
        other => panic!("{other:?}"),
    }
}
