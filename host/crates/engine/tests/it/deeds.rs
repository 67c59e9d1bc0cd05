//! What tasks did by their records: counted once whatever crashes, and in the way of whoever would
//! stand in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wforge_engine::{StartRun, WaitFor};
use wforge_model::agent::AgentCall;
use wforge_model::effect::Operation;
use wforge_model::head::RunStatus;
use wforge_model::{Failure, Problem, RunId, Usage};
use wforge_ports::EffectRequest;

use crate::harness::{Answer, World, admitted, request, tenant};

fn one(policy: &str) -> String {
    format!(
        "
state: {{ out: {{}} }}
input: []
output: [out]
nodes:
  a: {{ agent: t/a, in: {{}}, out: {{ out: result }}{policy} }}
edges: [{{ from: START, to: a }}]
"
    )
}

fn models(names: &[&str]) -> EffectRequest {
    let elements = names.iter().map(|name| json!({ "model": name })).collect();
    EffectRequest { operation: Operation::LlmComplete, elements }
}

fn deed(operation: Operation, element: Value) -> EffectRequest {
    EffectRequest { operation, elements: vec![element] }
}

fn trap() -> Failure {
    Failure::Trap(Problem::new("unreachable", "it broke"))
}

fn told(usage: &Usage) -> String {
    let model = |(name, used): (&String, &wforge_model::ModelUsage)| {
        format!("{name} {}: {}+{}", used.calls, used.input_tokens, used.output_tokens)
    };
    usage.models.iter().map(model).collect::<Vec<_>>().join(", ")
}

async fn settled(world: &World, wanted: StartRun) -> RunId {
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

/// The usage of the run's only task, which is that of the run.
async fn usage(world: &World, run: RunId) -> String {
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.tasks.len(), 1);
    assert_eq!(view.tasks[0].usage, view.head.usage);
    told(&view.head.usage)
}

#[tokio::test]
async fn a_task_and_its_run_show_what_they_used_of_each_model_also_after_a_restart() {
    let script =
        |_: &AgentCall| Answer::Perform(vec![models(&["fast", "deeper"]), models(&["fast"])]);
    let world = World::new(script);
    let run = settled(&world, request(&one(""))).await;
    assert_eq!(usage(&world, run).await, "deeper 1: 6+1, fast 2: 8+2");
    let world = world.restart(script).await;
    assert_eq!(usage(&world, run).await, "deeper 1: 6+1, fast 2: 8+2");
}

#[tokio::test]
async fn what_was_asked_before_a_crash_counts_once() {
    let calls = || vec![models(&["fast"]), models(&["fast"])];
    let world = World::new(move |_| Answer::PerformAndHang(calls()));
    let run = world.handle.start(&tenant(), request(&one(""))).await.unwrap().run;
    world.idle().await;
    assert_eq!(world.agents.running_now(), 1);
    let world = world.restart(move |_| Answer::Perform(calls())).await;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(usage(&world, run).await, "fast 2: 8+2");
}

#[tokio::test]
async fn a_task_that_fails_shows_what_all_its_attempts_used() {
    let world = World::new(|_| Answer::PerformAndFail(vec![models(&["fast"])], trap()));
    let retry = ", retry: [{ on: [trap], max_attempts: 3, initial: 1ms }]";
    let run = world.handle.start(&tenant(), request(&one(retry))).await.unwrap().run;
    for _ in 0..3 {
        world.idle().await;
        world.advance(1_000);
    }
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(usage(&world, run).await, "fast 3: 12+3");
}

#[tokio::test]
async fn a_receipt_adds_up_the_sandboxes_of_all_attempts_and_the_host_calls_of_each_node() {
    let world = World::new(|_| Answer::PerformAndFail(vec![models(&["fast", "deeper"])], trap()));
    world.agents.call_cpu_us.store(7, Ordering::SeqCst);
    let retry = ", retry: [{ on: [trap], max_attempts: 2, initial: 1ms }]";
    let run = world.handle.start(&tenant(), request(&one(retry))).await.unwrap().run;
    world.idle().await;
    world.advance(1_000);
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    let receipt = world.handle.receipt(&tenant(), run).await.unwrap();
    assert_eq!((receipt.total.cpu_us, receipt.total.attempts), (14, 2));
    assert_eq!(receipt.total.models.total.calls, 4);
    assert_eq!(receipt.nodes.len(), 1);
    let node = &receipt.nodes[0];
    assert_eq!((node.node.as_str(), &node.spent), ("a", &receipt.total));
    let calls = node.spent.host_calls.values().map(|calls| calls.calls).sum::<u64>();
    assert_eq!(calls, 4, "{:?}", node.spent.host_calls);
    assert_eq!(node.spent.sources.get("failed"), Some(&1));
}

fn plugins(tools: &[&str]) -> Vec<wforge_ports::plugins::Admitted> {
    let mut caller = admitted("t/a");
    let needs =
        tools.iter().map(|tool| json!({ "capability": format!("tool:{tool}"), "reason": "" }));
    caller.manifest.needs = serde_json::from_value(needs.collect()).unwrap();
    let mut tool = admitted("t/b");
    tool.component = wforge_model::Digest::from_bytes([8; 32]);
    vec![caller, tool]
}

fn calls_b() -> EffectRequest {
    deed(Operation::ToolsCall, json!({ "name": "t__b", "input": {} }))
}

#[tokio::test]
async fn what_an_agent_used_that_was_called_as_a_tool_counts_at_its_caller() {
    let world = World::new(|call| match call.plugin.as_str() {
        "t/a" => Answer::Perform(vec![models(&["fast"]), calls_b()]),
        _ => Answer::Perform(vec![models(&["deep"]), models(&["deep"])]),
    });
    let wanted = StartRun { plugins: Some(plugins(&["t__b"])), ..request(&one("")) };
    let run = settled(&world, wanted).await;
    assert_eq!(usage(&world, run).await, "deep 2: 8+2, fast 1: 4+1");
}

#[tokio::test]
async fn a_replay_finds_no_difference_in_what_was_used() {
    let world = World::new(|_| Answer::Perform(vec![models(&["fast"])]));
    let run = settled(&world, request(&one(""))).await;
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    assert_eq!((report.calls, report.difference), (1, None));
}

/// How a run ends whose agent does that and breaks.
async fn after(deeds: &[(Operation, Value)], policy: &str) -> &'static str {
    let deeds: Vec<EffectRequest> =
        deeds.iter().map(|(operation, element)| deed(*operation, element.clone())).collect();
    let world = World::new(move |_| Answer::PerformAndFail(deeds.clone(), trap()));
    let policy = format!(", fallback: mock, mock: {{ output: mocked }}{policy}");
    let run = settled(&world, request(&one(&policy))).await;
    let head = world.handle.head(&tenant(), run).await.unwrap();
    match (head.status, head.degraded) {
        (RunStatus::Completed, true) => "stood in for",
        (RunStatus::Failed, false) => "failed",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rule_10_what_counts_as_a_write() {
    use Operation::{HttpFetch, KvCompareAndSwap, KvDelete, KvGet, KvSet, LlmComplete};
    let http = |method: &str| (HttpFetch, json!({ "method": method }));
    let kv = |operation, scope: &str| (operation, json!({ "scope": scope }));
    for (deed, expected) in [
        (http("GET"), "stood in for"),
        (http("HEAD"), "stood in for"),
        (http("OPTIONS"), "stood in for"),
        (http("POST"), "failed"),
        (http("DELETE"), "failed"),
        (kv(KvGet, "plugin"), "stood in for"),
        (kv(KvSet, "run"), "stood in for"),
        (kv(KvSet, "thread"), "failed"),
        (kv(KvDelete, "plugin"), "failed"),
        (kv(KvCompareAndSwap, "plugin"), "failed"),
        ((LlmComplete, json!({ "model": "fast" })), "stood in for"),
    ] {
        assert_eq!(after(std::slice::from_ref(&deed), "").await, expected, "{deed:?}");
        let named = after(&[deed], ", fallback_on: [after_write]").await;
        assert_eq!(named, "stood in for");
    }
}

#[tokio::test]
async fn rule_10_a_write_of_an_attempt_before_counts_too() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let world = World::new(move |_| {
        let first = attempts.fetch_add(1, Ordering::SeqCst) == 0;
        let post = deed(Operation::HttpFetch, json!({ "method": "POST" }));
        Answer::PerformAndFail(if first { vec![post] } else { Vec::new() }, trap())
    });
    let policy = ", fallback: mock, mock: { output: mocked }, \
                  retry: [{ on: [trap], max_attempts: 2, initial: 1ms }]";
    let run = world.handle.start(&tenant(), request(&one(policy))).await.unwrap().run;
    world.idle().await;
    world.advance(1_000);
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(world.handle.head(&tenant(), run).await.unwrap().status, RunStatus::Failed);
}

#[tokio::test]
async fn rule_10_an_agent_called_as_a_tool_writes_for_its_caller() {
    for (method, expected) in [("GET", RunStatus::Completed), ("POST", RunStatus::Failed)] {
        let world = World::new(move |call| match call.plugin.as_str() {
            "t/a" => Answer::PerformAndFail(vec![calls_b()], trap()),
            _ => Answer::Perform(vec![deed(Operation::HttpFetch, json!({ "method": method }))]),
        });
        let text = one(", fallback: mock, mock: { output: mocked }");
        let wanted = StartRun { plugins: Some(plugins(&["t__b"])), ..request(&text) };
        let run = settled(&world, wanted).await;
        let head = world.handle.head(&tenant(), run).await.unwrap();
        assert_eq!(head.status, expected, "{method}");
    }
}

#[tokio::test]
async fn rule_10_a_write_that_was_under_way_at_a_timeout_may_have_been_done() {
    for (method, expected) in [("GET", RunStatus::Completed), ("POST", RunStatus::Failed)] {
        let world = World::new(move |_| {
            let element = json!({ "method": method, "hangs": true });
            Answer::Perform(vec![deed(Operation::HttpFetch, element)])
        });
        let text = one(", timeout: { idle: 1s }, fallback: mock, mock: { output: mocked }");
        let run = world.handle.start(&tenant(), request(&text)).await.unwrap().run;
        world.idle().await;
        world.advance(2_000);
        world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
        let head = world.handle.head(&tenant(), run).await.unwrap();
        assert_eq!(head.status, expected, "{method}");
    }
}
