//! Recorded runs that are run again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use wforge_engine::{EngineOptions, StartRun, WaitFor};
use wforge_model::Failure;
use wforge_model::agent::AgentCall;
use wforge_model::effect::{Operation, child_task};
use wforge_ports::EffectRequest;

use crate::harness::{Answer, CHAIN, World, request, tenant};

/// A run of the chain, whose agents can be told to change.
async fn recorded() -> (World, wforge_model::RunId, Arc<AtomicBool>) {
    let changed = Arc::new(AtomicBool::new(false));
    let has_changed = changed.clone();
    let agents = move |call: &AgentCall| {
        if has_changed.load(Ordering::SeqCst) && call.node.as_str() == "b" {
            let problem = wforge_model::Problem::new("changed", "another version");
            return Answer::Fail(Failure::Failed(problem));
        }
        Answer::Reply(json!({}))
    };
    let world = World::with(EngineOptions::default(), agents);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    (world, run, changed)
}

#[tokio::test]
async fn a_run_that_is_replayed_comes_to_the_same_and_writes_nothing() {
    let (world, run, _) = recorded().await;
    let before = world.handle.head(&tenant(), run).await.unwrap();
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    assert_eq!((report.calls, report.skipped, report.difference), (3, 0, None));
    assert_eq!(world.handle.head(&tenant(), run).await.unwrap(), before);
}

#[tokio::test]
async fn the_first_call_that_comes_to_something_else_is_named() {
    let (world, run, changed) = recorded().await;
    changed.store(true, Ordering::SeqCst);
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    let difference = report.difference.unwrap();
    assert_eq!((report.calls, difference.node.as_str()), (2, "b"));
    assert!(difference.recorded.contains("task_finished"), "{}", difference.recorded);
    assert!(difference.now.contains("another version"), "{}", difference.now);
}

#[tokio::test]
async fn another_tenants_run_is_not_there() {
    let (world, run, _) = recorded().await;
    let other = "other".parse().unwrap();
    assert!(world.handle.replay(&other, run, &[]).await.is_err());
    assert!(world.handle.cassette(&other, run).await.is_err());
}

const CALLS: &str = "
state: { out: {} }
input: []
output: [out]
nodes:
  a: { agent: t/a, in: {}, out: { out: result } }
edges: [{ from: START, to: a }]
";

fn call(name: &str, n: u64) -> EffectRequest {
    let element = json!({ "name": name, "input": { "n": n } });
    EffectRequest { operation: Operation::ToolsCall, elements: vec![element] }
}

fn write(key: &str) -> EffectRequest {
    EffectRequest { operation: Operation::KvSet, elements: vec![json!({ "key": key })] }
}

/// An agent that calls another, which calls a third; how the second and the third behave can be
/// changed.
async fn with_tools() -> (World, wforge_model::RunId, Arc<Mutex<&'static str>>) {
    let how = Arc::new(Mutex::new("as before"));
    let changes = how.clone();
    let agents = move |call_of: &AgentCall| {
        let how = *changes.lock().unwrap();
        match (call_of.plugin.as_str(), how) {
            ("t/a", _) => Answer::Perform(vec![write("own"), call("t__b", 1), call("t__c", 2)]),
            ("t/b", "b asks otherwise") => Answer::Perform(vec![write("other"), call("t__c", 3)]),
            ("t/b", _) => Answer::Perform(vec![write("k"), call("t__c", 3)]),
            (_, "c answers otherwise") => Answer::Reply(json!("other")),
            (_, _) => Answer::Reply(json!("pure")),
        }
    };
    let world = World::new(agents);
    let plugins = ["t/a", "t/b", "t/c"].map(|name| {
        let mut plugin = crate::harness::admitted(name);
        plugin.component = wforge_model::Digest::from_bytes([name.as_bytes()[2]; 32]);
        plugin.manifest.needs =
            serde_json::from_value(json!([{ "capability": "tool:*", "reason": "" }])).unwrap();
        plugin
    });
    let wanted = StartRun { plugins: Some(plugins.into()), ..request(CALLS) };
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(world.calls().len(), 4);
    (world, run, how)
}

#[tokio::test]
async fn agents_that_were_called_as_tools_are_called_again_too() {
    let (world, run, _) = with_tools().await;
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    assert_eq!((report.calls, report.difference), (4, None));
}

#[tokio::test]
async fn a_tool_that_asks_otherwise_is_named_with_its_caller_and_its_place() {
    let (world, run, how) = with_tools().await;
    *how.lock().unwrap() = "b asks otherwise";
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    let difference = report.difference.unwrap();
    let task = world.handle.view(&tenant(), run).await.unwrap().tasks[0].task;
    assert_eq!((difference.tool.as_deref(), difference.caller), (Some("t__b"), Some(task)));
    assert_eq!((difference.task, difference.position), (child_task(task, 1), Some(0)));
    assert_eq!((difference.node.as_str(), report.calls), ("a", 2));
}

#[tokio::test]
async fn a_tool_of_a_tool_that_answers_otherwise_is_named_with_what_it_said() {
    let (world, run, how) = with_tools().await;
    *how.lock().unwrap() = "c answers otherwise";
    let difference = world.handle.replay(&tenant(), run, &[]).await.unwrap().difference.unwrap();
    let task = world.handle.view(&tenant(), run).await.unwrap().tasks[0].task;
    let of_b = child_task(task, 1);
    assert_eq!((difference.tool.as_deref(), difference.caller), (Some("t__c"), Some(of_b)));
    assert_eq!(difference.task, child_task(of_b, 1));
    assert_eq!(
        (difference.recorded.as_str(), difference.now.as_str()),
        (r#""pure""#, r#""other""#)
    );
}

#[tokio::test]
async fn a_cassette_has_the_answers_of_tools_after_those_of_their_callers() {
    let (world, run, _) = with_tools().await;
    let entries = world.handle.cassette(&tenant(), run).await.unwrap();
    let told: Vec<String> = entries
        .iter()
        .map(|it| format!("{} {} {}", it.tool.as_deref().unwrap_or("-"), it.position, it.summary))
        .collect();
    assert_eq!(
        told,
        ["- 0 kv.set", "- 1 tools.call", "- 2 tools.call", "t__b 0 kv.set", "t__b 1 tools.call",]
    );
    assert_eq!(entries[3].caller, Some(entries[0].task));
    assert!(entries.iter().all(|it| it.node.as_str() == "a"));
}
