//! Microseconds for a super-step of mock nodes over the store in memory, and the bytes that a long
//! conversation leaves. Given the figures of LangGraph for the same work as JSON on stdin, it puts
//! them beside ours and says whether the target is met.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints its figures and reads the clock"
)]

mod world;

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use wforge_engine::{StartRun, WaitFor, WorkflowChoice};
use wforge_model::head::RunStatus;
use wforge_model::{Object, RunId, TenantId, ThreadId};

use crate::world::World;

type Measured<T> = Result<T, Box<dyn std::error::Error>>;

const NODES: usize = 10;
const RUNS: usize = 500;
const WARM_UP: usize = 50;
const TURNS: usize = 500;
/// Ours takes at most so small a part of the faster of the other's.
const TARGET_PART: f64 = 20.0;

fn main() -> Measured<()> {
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    threads.block_on(measure())
}

async fn measure() -> Measured<()> {
    let peer: Option<Value> = serde_json::from_reader(std::io::stdin()).ok();
    let tenant: TenantId = "default".parse()?;
    let ours = chain(&tenant).await?;
    println!("a chain of {NODES} mock nodes, {RUNS} runs, microseconds a super-step (median):\n");
    println!("{:<42} {ours:>9.1}", "ours, store in memory");
    let Some(peer) = peer else {
        println!("(no figures of LangGraph on stdin)");
        return talk(&tenant, &json!({})).await;
    };
    let of = |name: &str| peer.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let version = peer.get("version").and_then(Value::as_str).unwrap_or("?");
    for (label, name) in [("no checkpointer", "plain_us"), ("InMemorySaver", "saver_us")] {
        println!("{:<42} {:>9.1}", format!("LangGraph {version}, {label}"), of(name));
    }
    let target = of("plain_us").min(of("saver_us")) / TARGET_PART;
    let verdict = if ours <= target { "met" } else { "missed" };
    println!("\ntarget of {target:.1} µs, a twentieth of the faster: {verdict}\n");
    talk(&tenant, peer.get("stored_bytes").unwrap_or(&Value::Null)).await
}

/// The median time of a super-step.
async fn chain(tenant: &TenantId) -> Measured<f64> {
    let world = World::new();
    let request = StartRun::of(draft(&chain_text())?, "bench");
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..RUNS + WARM_UP {
        let begun = Instant::now();
        let started = world.handle.start(tenant, request.clone()).await?;
        let head = world.handle.wait(tenant, started.run, WaitFor::Settled).await?;
        let took = begun.elapsed();
        if head.status != RunStatus::Completed {
            return Err(format!("the chain is {}: {:?}", head.status.as_str(), head.error).into());
        }
        if run >= WARM_UP {
            times.push(took.as_secs_f64() * 1e6 / NODES as f64);
        }
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}

fn chain_text() -> String {
    let nodes: String = (0..NODES)
        .map(|node| {
            format!("  n{node:02}: {{ agent: mock, mock: {{ output: n{node:02} }}, out: {{ log: [result] }} }}\n")
        })
        .collect();
    let edges: String = (1..NODES)
        .map(|node| format!("  - {{ from: n{:02}, to: n{node:02} }}\n", node - 1))
        .collect();
    format!(
        "state: {{ log: {{ reducer: append }} }}\ninput: []\noutput: [log]\nnodes:\n{nodes}edges:\n  \
         - {{ from: START, to: n00 }}\n{edges}"
    )
}

fn draft(text: &str) -> Measured<WorkflowChoice> {
    let header = "apiVersion: workflowforge/v1\nname: bench\nversion: 1.0.0\n";
    let parsed = wforge_spec::parse("bench.yaml", &format!("{header}{text}"));
    let parsed = parsed.map_err(|reports| format!("{reports:?}"))?;
    Ok(WorkflowChoice::Draft(Arc::new(parsed.draft)))
}

const TALK: &str = "
state: { messages: { reducer: messages } }
input: [messages]
output: [messages]
nodes:
  answer: { agent: mock, mock: { output: yes }, out: { messages: [{ role: \"'ai'\", content: context.answer }] } }
edges: [{ from: START, to: answer }]
";

/// The bytes that turns of one kilobyte on one thread leave, ours and the other's.
async fn talk(tenant: &TenantId, peer: &Value) -> Measured<()> {
    println!("a conversation of {TURNS} turns, a message of 1 kB and its answer; stored bytes:\n");
    println!("{:<8} {:>14} {:>14}", "turns", "ours", "LangGraph");
    let world = World::new();
    let mut runs: Vec<RunId> = Vec::new();
    for turn in 1..=TURNS {
        let message = json!({ "role": "user", "content": "x".repeat(1_000) });
        let request = StartRun {
            input: Object::from_iter([("messages".to_owned(), json!([message]))]),
            context: json!({ "answer": "y".repeat(1_000) }),
            thread: Some(ThreadId::from_bytes([1; 16])),
            ..StartRun::of(draft(TALK)?, "bench")
        };
        let run = world.handle.start(tenant, request).await?.run;
        world.handle.wait(tenant, run, WaitFor::Settled).await?;
        runs.push(run);
        if turn == TURNS / 5 || turn == TURNS / 2 || turn == TURNS {
            let ours = world.stored_bytes(tenant, &runs).await?;
            let theirs = peer.get(turn.to_string()).and_then(Value::as_u64);
            let theirs = theirs.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
            println!("{turn:<8} {ours:>14} {theirs:>14}");
        }
    }
    Ok(())
}
