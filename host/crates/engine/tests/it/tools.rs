//! Agents as tools of others: which a run has, what they may do, and what becomes of their records.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wforge_engine::{
    AnswerGiven, AnswerTo, EngineError, ForkPoint, KeepBorders, StartRun, WaitFor,
};
use wforge_model::agent::AgentCall;
use wforge_model::effect::{Operation, child_register, child_task};
use wforge_model::head::RunStatus;
use wforge_model::manifest::Manifest;
use wforge_model::{Digest, RunId, TaskId};
use wforge_ports::EffectRequest;
use wforge_ports::plugins::Admitted;

use crate::harness::{Answer, World, admitted, request, tenant};
use crate::thread_world;

const ONE: &str = "
state: { out: {} }
input: []
output: [out]
nodes:
  a: { agent: t/caller, in: {}, out: { out: result } }
edges: [{ from: START, to: a }]
";

/// A plugin with one agent whose input and output must be objects with a number.
fn plugin(name: &str, version: &str, byte: u8, needs: &[&str]) -> Admitted {
    let needs = needs.iter().map(|need| json!({ "capability": need, "reason": "" }));
    let number = json!({
        "type": "object", "properties": { "n": { "type": "number" } }, "required": ["n"]
    });
    let manifest: Manifest = serde_json::from_value(json!({
        "name": name,
        "version": version,
        "agents": [{ "description": "Counts.", "input": number, "output": number }],
        "needs": needs.collect::<Vec<_>>(),
    }))
    .unwrap();
    Admitted { component: Digest::from_bytes([byte; 32]), manifest, ..admitted(name) }
}

fn caller(needs: &[&str]) -> Admitted {
    let mut caller = plugin("t/caller", "1.0.0", 1, needs);
    caller.manifest.agents[0].input = json!({});
    caller.manifest.agents[0].output = json!({});
    caller
}

fn with(plugins: Vec<Admitted>) -> StartRun {
    StartRun { plugins: Some(plugins), ..request(ONE) }
}

fn tool(name: &str, n: i64) -> EffectRequest {
    let element = json!({ "name": name, "input": { "n": n } });
    EffectRequest { operation: Operation::ToolsCall, elements: vec![element] }
}

fn ask(prompt: &str) -> EffectRequest {
    EffectRequest { operation: Operation::HumanAsk, elements: vec![json!(prompt)] }
}

fn write() -> EffectRequest {
    EffectRequest { operation: Operation::KvSet, elements: vec![json!({})] }
}

async fn settled(world: &World, wanted: StartRun) -> RunId {
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

async fn output(world: &World, run: RunId) -> Value {
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.head.status, RunStatus::Completed, "{:?}", view.head.error);
    view.output.unwrap().get("out").unwrap().clone()
}

#[tokio::test]
async fn a_tool_is_the_newest_granted_version_and_may_do_what_both_may() {
    let seen = Arc::new(Mutex::new(Vec::<AgentCall>::new()));
    let calls = seen.clone();
    let world = World::new(move |call| {
        calls.lock().unwrap().push(call.clone());
        match call.plugin.as_str() {
            "t/caller" => Answer::Perform(vec![tool("t__count", 1), tool("t__count", 2)]),
            _ => Answer::Reply(json!({ "n": call.input["n"] })),
        }
    });
    let needs = ["http:one", "http:two", "ask"];
    let plugins = vec![
        caller(&["tool:t__count", "http:one", "ask"]),
        plugin("t/count", "1.0.0", 2, &needs),
        plugin("t/count", "1.5.0", 3, &needs),
        plugin("t/count", "2.0.0", 4, &["secret:token:hold"]),
        plugin("t/other", "1.0.0", 5, &[]),
    ];
    let run = settled(&world, with(plugins)).await;
    assert_eq!(output(&world, run).await, json!([{ "n": 1 }, { "n": 2 }]));
    let calls = seen.lock().unwrap().clone();
    let [of_caller, first, second] = calls.as_slice() else { panic!("{}", calls.len()) };
    let tools: Vec<&str> = of_caller.tools.keys().map(String::as_str).collect();
    assert_eq!(tools, ["t__count"], "only what somebody may call is a tool of the run");
    assert_eq!(first.component, Digest::from_bytes([3; 32]));
    assert_eq!(first.task, child_task(of_caller.task, 0));
    assert_eq!(second.task, child_task(of_caller.task, 1));
    let grants: Vec<String> = first.grants.iter().map(ToString::to_string).collect();
    assert_eq!(grants, ["ask", "http:one"]);
    assert_eq!((first.depth, &first.context, first.attempt), (1, &Value::Null, 1));
}

#[tokio::test]
async fn what_does_not_fit_a_tools_schemas_is_a_typed_failure() {
    let world = World::new(|call| match (call.plugin.as_str(), call.input["n"].as_i64()) {
        ("t/caller", _) => {
            let mut calls = vec![tool("t__count", 1), tool("t__count", 2), tool("t__gone", 3)];
            calls[0].elements[0]["input"] = json!({ "n": "one" });
            Answer::Perform(calls)
        }
        _ => Answer::Reply(json!({ "n": "two" })),
    });
    let plugins = vec![caller(&["tool:*"]), plugin("t/count", "1.0.0", 2, &[])];
    let run = settled(&world, with(plugins)).await;
    let told = output(&world, run).await;
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    assert!(told[0].starts_with("invalid-input (input_schema): the input of t__count"), "{told:?}");
    assert!(told[1].starts_with("bad_output (output_schema): the result of t__count"), "{told:?}");
    assert!(told[2].starts_with("missing (unknown_tool)"), "{told:?}");
    assert_eq!(world.calls().len(), 2, "what is called with a wrong input is not called");
}

#[tokio::test]
async fn rule_11_a_tool_that_asks_suspends_its_caller() {
    let script = |call: &AgentCall| match (call.plugin.as_str(), call.answers.len()) {
        ("t/caller", _) => Answer::Perform(vec![tool("t__count", 1)]),
        (_, 0) => Answer::Perform(vec![ask("how many?")]),
        _ => Answer::Reply(json!({ "n": call.answers[0].answer.clone().unwrap() })),
    };
    let world = World::new(script);
    let plugins = vec![caller(&["tool:t__count", "ask"]), plugin("t/count", "1.0.0", 2, &["ask"])];
    let run = settled(&world, with(plugins)).await;
    let head = world.handle.head(&tenant(), run).await.unwrap();
    assert_eq!((head.status, head.questions().count()), (RunStatus::Waiting, 1));
    // Another process knows the tools by what the run was begun with.
    let world = world.restart(script).await;
    let answers = vec![AnswerGiven { to: AnswerTo::Only, answer: json!(7) }];
    world.handle.resume(&tenant(), run, answers, "ada").await.unwrap();
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(output(&world, run).await, json!([{ "n": 7 }]));
}

#[tokio::test]
async fn a_caller_lets_its_sandbox_go_where_there_is_none_for_its_tool() {
    let is_full = Arc::new(AtomicBool::new(true));
    let full = is_full.clone();
    let world = World::new(move |call| match call.plugin.as_str() {
        "t/caller" => Answer::Perform(vec![tool("t__count", 1)]),
        _ if full.load(Ordering::SeqCst) => Answer::Busy,
        _ => Answer::Reply(json!({ "n": 1 })),
    });
    let plugins = vec![caller(&["tool:*"]), plugin("t/count", "1.0.0", 2, &[])];
    let run = world.handle.start(&tenant(), with(plugins)).await.unwrap().run;
    let status = async || world.handle.head(&tenant(), run).await.unwrap().status;
    while status().await == RunStatus::Running {
        world.advance(20);
        world.idle().await;
    }
    assert_eq!((status().await, world.agents.running_now()), (RunStatus::Waiting, 0));
    is_full.store(false, Ordering::SeqCst);
    world.advance(1_000);
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(output(&world, run).await, json!([{ "n": 1 }]));
}

#[tokio::test]
async fn the_tools_of_a_tool_are_those_of_its_caller() {
    let depths = Arc::new(Mutex::new(Vec::new()));
    let seen = depths.clone();
    let world = World::new(move |call| {
        seen.lock().unwrap().push(call.depth);
        match call.depth {
            0 => Answer::Perform(vec![tool("t__count", 0)]),
            1 => Answer::Reply(json!({ "n": call.usable_tools().count() })),
            _ => Answer::Hang,
        }
    });
    let plugins = vec![
        caller(&["tool:t__count", "tool:t__other"]),
        plugin("t/count", "1.0.0", 2, &["tool:*"]),
        plugin("t/other", "1.0.0", 3, &[]),
        plugin("t/third", "1.0.0", 4, &[]),
    ];
    let run = settled(&world, with(plugins)).await;
    assert_eq!(output(&world, run).await, json!([{ "n": 2 }]), "itself, and the other");
    assert_eq!(*depths.lock().unwrap(), [0, 1]);
}

#[tokio::test]
async fn a_run_has_so_many_tools_and_no_more() {
    let world = World::new(crate::harness::ok);
    let many = (0..257).map(|n| plugin(&format!("t/p{n}"), "1.0.0", 9, &[]));
    let plugins: Vec<Admitted> = many.chain([caller(&["tool:*"])]).collect();
    match world.handle.start(&tenant(), with(plugins)).await {
        Err(EngineError::Invalid { code, .. }) => assert_eq!(code, "too_many_tools"),
        other => panic!("{other:?}"),
    }
}

async fn records(world: &World, task: TaskId) -> usize {
    wforge_ports::Store::records(world.store(), &tenant(), task).await.unwrap().len()
}

#[tokio::test]
async fn the_records_of_tools_go_with_their_run() {
    let tasks = Arc::new(Mutex::new(Vec::new()));
    let seen = tasks.clone();
    let world = World::new(move |call| {
        let mut seen = seen.lock().unwrap();
        seen.push(call.task);
        match (call.plugin.as_str(), call.input["n"].as_i64()) {
            ("t/caller", _) if seen.len() == 1 => Answer::Reply(json!({})),
            ("t/caller", _) => {
                Answer::Perform(vec![write(), tool("t__count", 1), tool("t__count", 3)])
            }
            (_, Some(1)) => Answer::Perform(vec![tool("t__count", 2)]),
            (_, Some(2)) => Answer::Perform(vec![write(), write()]),
            _ => Answer::Reply(json!({ "n": 1 })),
        }
    });
    let mut count = plugin("t/count", "1.0.0", 2, &["tool:t__count"]);
    count.manifest.agents[0].output = json!({});
    let plugins = vec![caller(&["tool:t__count"]), count];
    thread_world::run(&world, with(plugins.clone())).await;
    let first = thread_world::checkpoint(&world, 0).await;
    thread_world::run(&world, with(plugins)).await;
    let tasks = tasks.lock().unwrap().clone();
    let [_, task, child, grandchild, pure] = tasks[..] else { panic!("{tasks:?}") };
    assert_eq!((child, pure), (child_task(task, 1), child_task(task, 2)));
    assert_eq!(grandchild, child_task(child, 0));
    let written = [task, child_register(task), child_register(child), grandchild];
    for written in written {
        assert!(records(&world, written).await > 0, "{written}");
    }
    assert_eq!(records(&world, child_register(task)).await, 1, "a tool without effects has none");
    // Nothing goes on from the second run, so it is not needed.
    thread_world::go_on(&world, ForkPoint::Checkpoint(first)).await;
    let keep = KeepBorders::Newest(NonZeroU32::new(1).unwrap());
    let thread = thread_world::thread(1);
    let pruned = world.handle.prune_thread(&tenant(), thread, keep, "ada").await.unwrap();
    assert_eq!((pruned.runs_removed, pruned.runs_needed), (1, 1));
    for gone in written {
        assert_eq!(records(&world, gone).await, 0, "{gone}");
    }
}
