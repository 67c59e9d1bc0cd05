//! Workflows that are parts of others: which are found, what is pinned, and what is refused.

use serde_json::json;
use wforge_engine::{EngineError, StartRun, WaitFor, WorkflowChoice};
use wforge_model::head::RunStatus;
use wforge_model::workflow::WorkflowDraft;

use crate::harness::{Answer, World, draft, draft_of, ok, request, tenant};

/// Asks an agent and writes what it answered.
fn inner(version: &str, word: &str) -> WorkflowDraft {
    let text = format!(
        "
state: {{ x: {{}}, y: {{}} }}
input: [x]
output: [y]
nodes:
  a: {{ agent: t/a, in: {{ x: state.x }}, out: {{ y: \"'{word}'\" }} }}
edges: [{{ from: START, to: a }}]
"
    );
    draft_of("inner", version, &text)
}

fn outer(reference: &str) -> String {
    format!(
        "
state: {{ x: {{ default: 1 }}, y: {{}} }}
input: []
output: [y]
nodes:
  sub: {{ workflow: {reference}, in: {{ x: state.x }}, out: {{ y: result.y }} }}
edges: [{{ from: START, to: sub }}]
"
    )
}

async fn output(world: &World, wanted: StartRun) -> serde_json::Value {
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed, "{:?}", head.error);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    view.output.unwrap().get("y").unwrap().clone()
}

async fn refused(world: &World, wanted: StartRun) -> String {
    match world.handle.start(&tenant(), wanted).await {
        Err(EngineError::Invalid { code, details, .. }) => format!("{code}: {details:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_newest_registered_version_in_range_is_run() {
    let world = World::new(ok);
    for (version, word) in [("1.0.0", "one"), ("1.2.0", "newer"), ("2.0.0", "two")] {
        let draft = inner(version, word);
        world.handle.register_workflow(&tenant(), draft, "ada").await.unwrap();
    }
    assert_eq!(output(&world, request(&outer("inner@^1"))).await, json!("newer"));
    assert_eq!(output(&world, request(&outer("inner"))).await, json!("two"));
    assert_eq!(output(&world, request(&outer("inner@=1.0.0"))).await, json!("one"));
    let with_draft =
        StartRun { workflows: vec![inner("0.1.0", "mine")], ..request(&outer("inner")) };
    assert_eq!(output(&world, with_draft).await, json!("mine"));
}

#[tokio::test]
async fn whatever_is_missing_in_any_part_is_named_before_the_first_step() {
    let world = World::new(ok);
    let nothing = refused(&world, request(&outer("inner"))).await;
    assert_eq!(
        nothing,
        "missing_workflows: [\"test@1.0.0: nodes.sub.workflow: no workflow inner is registered; \
         register it: wforge workflow register FILE\"]"
    );
    let other = refused(
        &world,
        StartRun { workflows: vec![inner("1.0.0", "x")], ..request(&outer("inner@^2")) },
    );
    assert!(other.await.starts_with("missing_workflows"));
    let mut without_agents =
        StartRun { workflows: vec![inner("1.0.0", "x")], ..request(&outer("inner")) };
    without_agents.plugins = Some(Vec::new());
    let refusal = refused(&world, without_agents).await;
    assert!(
        refusal.starts_with("missing_agents: [\"inner@1.0.0: nodes.a.agent: t/a is not installed"),
        "{refusal}"
    );
    let registered = world.handle.register_workflow(&tenant(), draft(&outer("inner")), "ada").await;
    assert!(matches!(registered, Err(EngineError::Invalid { code: "missing_workflows", .. })));
    assert_eq!(world.handle.heads(&tenant(), None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_run_keeps_the_parts_that_it_was_started_with_over_a_restart() {
    let world = World::new(|_| Answer::Hang);
    let wanted = StartRun { workflows: vec![inner("1.0.0", "old")], ..request(&outer("inner")) };
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.until(|world| world.calls() == ["a"]).await;
    let world = world.restart(ok).await;
    let newer = inner("1.0.1", "new");
    world.handle.register_workflow(&tenant(), newer, "ada").await.unwrap();
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.output.unwrap()["y"], json!("old"));
    let tasks: Vec<String> = view
        .tasks
        .iter()
        .map(|t| format!("{} {} {:?}", t.node, t.within.is_some(), t.agent))
        .collect();
    assert_eq!(tasks, ["a true Some(\"t/a@1.0.0\")", "sub false None"]);
}

#[tokio::test]
async fn a_workflow_may_run_itself() {
    let text = "
state: { n: { default: 2 }, y: { default: done } }
input: [n]
output: [y]
nodes:
  again: { workflow: test, in: { n: state.n - 1 }, out: { y: result.y } }
edges: [{ from: START, branch: [{ when: state.n > 0, to: again }, { to: END }] }]
";
    let world = World::new(ok);
    assert_eq!(output(&world, request(text)).await, json!("done"));
    world.handle.register_workflow(&tenant(), draft(text), "ada").await.unwrap();
    let by_name = WorkflowChoice::Registered { name: "test".into(), version: None };
    assert_eq!(output(&world, StartRun::of(by_name, "ada")).await, json!("done"));
}

#[tokio::test]
async fn whoever_handles_failures_must_take_them() {
    let world = World::new(ok);
    let text = format!("{}on_failure: inner\n", outer("inner"));
    let wanted = StartRun { workflows: vec![inner("1.0.0", "x")], ..request(&text) };
    assert!(refused(&world, wanted).await.starts_with("on_failure_input"));
}

#[tokio::test]
async fn another_agent_makes_a_further_attempt_where_a_node_names_one() {
    let text = "
state: { y: {} }
input: []
output: [y]
nodes:
  a: { agent: t/a, in: {}, out: { y: result.by }, fallback: t/b }
edges: [{ from: START, to: a }]
";
    let by = |call: &wforge_model::agent::AgentCall| match call.plugin.as_str() {
        "t/a" => crate::harness::upstream(),
        other => Answer::Reply(json!({ "by": other })),
    };
    let world = World::new(by);
    assert_eq!(output(&world, request(text)).await, json!("t/b"));
    let mut without = request(&text.replace("t/a", "gone/a"));
    without.plugins = Some(vec![crate::harness::admitted("t/b")]);
    assert_eq!(output(&world, without).await, json!("t/b"));
}
