//! What it costs that a call is recorded: a Rust plugin asks a model that answers at once, with the
//! record on sled and without any, one run at a time and 64 at once.
//!
//! What a call takes is the time of runs with calls less that of runs without, for each call.

#![expect(clippy::print_stdout, reason = "a program whose output is its report")]

#[path = "../../src/clock.rs"]
mod clock;
#[path = "../shared/engine.rs"]
mod engine;
mod world;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wforge_engine::Lanes;
use wforge_model::Object;
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::Clock;
use wforge_ports::store::StoreFigures;

use clock::{SystemClock, SystemEntropy};
use engine::{Base, Layers, Running, draft};
use world::{AtOnce, Unrecorded};

/// Calls that a run makes.
const CALLS: u64 = 100;
/// Rounds, of which the median counts.
const ROUNDS: usize = 11;
const AT_ONCE: [u64; 2] = [1, 64];
const WORKFLOW: &str = "apiVersion: workflowforge/v1\nname: calls\nversion: 1.0.0\n\
    state: { n: {} }\ninput: [n]\noutput: [n]\nnodes:\n  \
    calls: { agent: wforge/probe.calls, in: { n: state.n }, out: { n: result.n } }\n\
    edges:\n  - { from: START, to: calls }\n";

fn main() -> Result<()> {
    let bench = lane("bench", 1)?;
    println!(
        "{CALLS} calls a run of wforge/probe.calls, median of {ROUNDS} rounds, microseconds:\n"
    );
    println!("{:<16} {:>14} {:>14} {:>14}", "runs at once", "recorded", "without", "the record");
    for at_once in AT_ONCE {
        let recorded = bench.block_on(measured(true, at_once))?;
        let without = bench.block_on(measured(false, at_once))?;
        let record = recorded.call_us - without.call_us;
        let (call, bare) = (recorded.call_us, without.call_us);
        println!("{at_once:<16} {call:>14.1} {bare:>14.1} {record:>14.1}");
        println!(
            "{:<16} {} calls to one fdatasync of {} µs",
            "", recorded.shared, recorded.sync_us
        );
    }
    Ok(())
}

fn lane(name: &str, threads: usize) -> Result<Runtime> {
    let mut lane = Builder::new_multi_thread();
    lane.worker_threads(threads).thread_name(name).enable_all();
    lane.build().with_context(|| format!("starting the thread {name}"))
}

/// What one way of calling takes.
struct Measured {
    call_us: f64,
    /// Calls that shared one fdatasync, to a tenth.
    shared: String,
    sync_us: u64,
}

async fn measured(is_recorded: bool, at_once: u64) -> Result<Measured> {
    let lanes = [lane("engine", 1)?, lane("plugins", 1)?];
    let [engine, plugins] = &lanes;
    let handles = Lanes { engine: engine.handle().clone(), plugins: plugins.handle().clone() };
    let measured = measure(handles, is_recorded, at_once).await;
    for lane in lanes {
        lane.shutdown_background();
    }
    measured
}

async fn measure(lanes: Lanes, is_recorded: bool, at_once: u64) -> Result<Measured> {
    let folder = tempfile::Builder::new().prefix("bench").tempdir_in(disk())?;
    let path = disk().join("plugins/wforge-probe.wasm");
    let component = fs_err::read(path).context("`make build` makes it")?;
    let base =
        Base::open(folder.path(), Arc::new(SystemClock), Arc::new(SystemEntropy::open()?), lanes)?;
    let (store, sandbox) = (base.sled.clone(), base.sandbox.clone());
    let effects =
        if is_recorded { base.recorded(Arc::new(AtOnce)) } else { Arc::new(Unrecorded) as Arc<_> };
    let layers =
        Layers { store: store.clone(), runtime: sandbox.clone(), admission: sandbox, effects };
    let running = base.start(layers, component).await?;
    let draft = draft(WORKFLOW)?;
    let bench = Bench { running, draft, at_once };
    bench.round(CALLS).await?;
    let mut calls_ns = Vec::with_capacity(ROUNDS);
    let before = wforge_ports::Store::figures(store.as_ref());
    for _ in 0..ROUNDS {
        let idle = bench.round(0).await?;
        calls_ns.push(bench.round(CALLS).await?.saturating_sub(idle));
    }
    let after = wforge_ports::Store::figures(store.as_ref());
    bench.running.close().await?;
    calls_ns.sort_unstable();
    let median = calls_ns.get(ROUNDS / 2).copied().unwrap_or_default();
    let made = at_once * CALLS;
    let rounds = u64::try_from(ROUNDS)?;
    Ok(report(median, made, made * rounds, [before, after]))
}

#[expect(clippy::cast_precision_loss, reason = "figures of a report, far below 2^52")]
fn report(median_ns: u64, made: u64, made_in_all: u64, figures: [StoreFigures; 2]) -> Measured {
    let [before, after] = figures;
    let syncs = (after.commits - before.commits).max(1);
    Measured {
        call_us: median_ns as f64 / made as f64 / 1_000.0,
        shared: format!("{:.1}", made_in_all as f64 / syncs as f64),
        sync_us: (after.fsync.sum_ns - before.fsync.sum_ns) / syncs / 1_000,
    }
}

/// An engine and the runs that are started on it together.
struct Bench {
    running: Running,
    draft: Arc<WorkflowDraft>,
    at_once: u64,
}

impl Bench {
    /// How long that many runs together took, in nanoseconds.
    async fn round(&self, calls: u64) -> Result<u64> {
        let begun = SystemClock.monotonic_ns();
        let input = Object::from_iter([("n".to_owned(), json!(calls))]);
        let runs = (0..self.at_once).map(|_| self.running.run(&self.draft, input.clone()));
        futures::future::try_join_all(runs).await?;
        Ok(SystemClock.monotonic_ns() - begun)
    }
}

/// The build's folder: a real disk, where /tmp may be memory.
fn disk() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")
}
