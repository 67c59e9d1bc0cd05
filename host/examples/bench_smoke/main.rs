//! What a durable step costs, and where the time goes: a chain of ten nodes of a Rust plugin on
//! sled, beside bare wasmtime and a bare fdatasync in the same run.
//!
//! [`marks`] notes when what happened, [`chain`] composes the engine, [`baseline`] is what its
//! parts cost alone, [`report`] puts it into a table.

#![expect(clippy::print_stdout, reason = "a program whose output is its report")]

mod baseline;
mod chain;
#[path = "../../src/clock.rs"]
mod clock;
#[path = "../shared/engine.rs"]
mod engine;
mod marks;
mod report;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wforge_engine::Lanes;
use wforge_ports::Clock;

use chain::{Chain, NODES};
use clock::{SystemClock, SystemEntropy};
use report::{Steps, row};

const RUNS_WARM: usize = 20;
const RUNS: usize = 300;
const BASELINE_CALLS: usize = 2_000;
const BASELINE_SYNCS: usize = 1_000;
const TARGET_US: u64 = 500;

fn main() -> Result<()> {
    let lanes = [lane("engine")?, lane("plugins")?];
    let [engine, plugins] = &lanes;
    let handles = Lanes { engine: engine.handle().clone(), plugins: plugins.handle().clone() };
    lane("bench")?.block_on(measure(handles))?;
    for lane in lanes {
        lane.shutdown_background();
    }
    Ok(())
}

fn lane(name: &str) -> Result<Runtime> {
    let mut lane = Builder::new_multi_thread();
    lane.worker_threads(1).thread_name(name).enable_all();
    lane.build().with_context(|| format!("starting the thread {name}"))
}

async fn measure(lanes: Lanes) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("bench").tempdir_in(disk())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy = Arc::new(SystemEntropy::open()?);
    let path = disk().join("plugins/wforge-probe.wasm");
    let component = fs_err::read(path).context("`make build` makes it")?;
    let input = json!("a text of some words");
    let chain =
        Chain::open(folder.path(), component.clone(), clock.clone(), entropy, lanes).await?;
    for _ in 0..RUNS_WARM {
        chain.run(&input).await?;
    }
    let before = chain.figures();
    let mut steps = Steps::default();
    for _ in 0..RUNS {
        steps.add(&chain.run(&input).await?);
    }
    let after = chain.figures();
    chain.close().await?;

    let syncs = after.commits - before.commits;
    let frame = usize::try_from((after.journal_bytes - before.journal_bytes) / syncs.max(1))?;
    let text = json!({ "text": input }).to_string();
    let call = baseline::bare_calls(&component, &text, BASELINE_CALLS, clock.as_ref()).await?;
    let sync = baseline::bare_fdatasyncs(folder.path(), frame, BASELINE_SYNCS, clock.as_ref())?;
    print(steps, &[("bare wasmtime instantiate + call", call), ("bare write + fdatasync", sync)]);
    println!(
        "{syncs} fdatasyncs of {frame} bytes, {} µs each on average, for {RUNS} runs of a start and \
         {NODES} super-steps",
        (after.fsync.sum_ns - before.fsync.sum_ns) / syncs.max(1) / 1_000
    );
    Ok(())
}

fn print(steps: Steps, baselines: &[(&str, report::Spread)]) {
    println!("{NODES} nodes of wforge/probe.echo in a chain on sled, {RUNS} runs, microseconds:\n");
    println!("{:<36} {:>6} {:>6} {:>7}", "", "p50", "p99", "count");
    let extra = steps.extra_commits;
    let parts = steps.parts();
    for (name, spread) in parts.iter().chain(baselines) {
        println!("{}", row(name, spread));
    }
    let [(_, whole), ..] = &parts;
    let met = if whole.us(50) <= TARGET_US { "met" } else { "MISSED" };
    println!("\ntarget of {TARGET_US} µs a step: {met}");
    if extra > 0 {
        println!("{extra} steps had more than one commit and are not counted");
    }
}

/// The build's folder: a real disk, where /tmp may be memory.
fn disk() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")
}
