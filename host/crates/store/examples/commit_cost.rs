//! What one durable commit costs beside a bare fdatasync on the same disk, in one run.
//!
//! `cargo run -p wforge-store --example commit_cost -- [DIR]`; without a folder, a temporary one.
#![expect(clippy::print_stdout, reason = "an example shows its figures")]
#![expect(clippy::disallowed_methods, reason = "an example has its own clock and arguments")]

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use wforge_model::{RunId, TaskId, TenantId, Timestamp};
use wforge_ports::store::{Commit, KvSpace, KvWrite, Store};
use wforge_ports::{BoxFuture, Clock};
use wforge_store::{MemoryStore, SledOptions, SledStore, StoreParts};
use wforge_testkit::SimEntropy;
use wforge_testkit::store::make;

type Failure = Box<dyn std::error::Error>;

const ROUNDS: u64 = 4_000;
const WRITERS: u64 = 16;

#[derive(Debug)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sleep_until(&self, _at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn main() -> Result<(), Failure> {
    let temporary = tempfile::TempDir::new()?;
    let dir = std::env::args().nth(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    bare(&dir)?;
    let clock = Arc::new(Monotonic(Instant::now()));
    let options = SledOptions { clock: Some(clock), ..SledOptions::default() };
    let store = SledStore::open(&dir.join("store"), options, Arc::new(SimEntropy::new(1)))?;
    let store = Arc::new(store);
    runtime.block_on(async {
        in_memory().await?;
        hops().await?;
        one_writer(&store).await?;
        bare(&dir)?;
        records(&store).await?;
        reads(&store).await?;
        many_writers(&store).await?;
        store.close().await?;
        Ok(())
    })
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    let us = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64() * 1e6;
    println!("{what:34} p50 {:7.1} us   p99 {:8.1} us", us(at(0.5)), us(at(0.99)));
}

/// 2 KiB are written at growing places of a file of zeros, and synced.
fn bare(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    let file = std::fs::File::create(dir.join("bare"))?;
    file.write_all_at(&vec![0; 16 << 20], 0)?;
    file.sync_all()?;
    let (mut write, mut both) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let start = Instant::now();
        file.write_all_at(&[1; 2_048], round * 2_048)?;
        write.push(start.elapsed());
        file.sync_data()?;
        both.push(start.elapsed());
    }
    show("bare write", write);
    show("bare write + fdatasync", both);
    Ok(())
}

/// Four rows of 400 bytes, three events and a value of a plugin's memory; and the row of its space.
fn step(tenant: &TenantId, run: RunId, place: u64) -> Commit {
    let event = || make::started(json!("x".repeat(230)));
    let mut commit = make::commit(tenant, run, place * 3, vec![event(), event(), event()]);
    let value = Some(json!("x".repeat(400)));
    commit.kv = vec![KvWrite::of(KvSpace::Run(run), "key".to_owned(), value)];
    commit
}

/// The same without journal and threads: encoding, sealing, deciding.
async fn in_memory() -> Result<(), Failure> {
    let store = MemoryStore::new(StoreParts { entropy: Arc::new(SimEntropy::new(1)) });
    let tenant = make::tenant("one");
    let mut times = Vec::new();
    for place in 0..ROUNDS {
        let commit = step(&tenant, make::run(1), place);
        let start = Instant::now();
        store.commit(commit).await?;
        times.push(start.elapsed());
    }
    show("commit of 4 rows in memory", times);
    Ok(())
}

/// A message to a thread and its answer, after a pause as long as an fdatasync for both.
async fn hops() -> Result<(), Failure> {
    let (queue, mut waiting) = tokio::sync::mpsc::channel::<tokio::sync::oneshot::Sender<()>>(1);
    let thread = std::thread::spawn(move || {
        while let Some(reply) = waiting.blocking_recv() {
            let _ = reply.send(());
        }
    });
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_micros(100) {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        let (reply, answer) = tokio::sync::oneshot::channel();
        queue.send(reply).await?;
        answer.await?;
        times.push(start.elapsed());
    }
    drop(queue);
    let _ = thread.join();
    show("two hops between threads", times);
    Ok(())
}

async fn one_writer(store: &Arc<SledStore>) -> Result<(), Failure> {
    let tenant = make::tenant("one");
    let before = store.figures();
    let (mut times, mut syncs, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..ROUNDS {
        let commit = step(&tenant, make::run(1), place);
        let synced_before = store.figures().fsync.sum_ns;
        let start = Instant::now();
        store.commit(commit).await?;
        let took = start.elapsed();
        // One writer, so every group is this commit.
        let sync = Duration::from_nanos(store.figures().fsync.sum_ns - synced_before);
        times.push(took);
        syncs.push(sync);
        rest.push(took.saturating_sub(sync));
    }
    show("commit of 4 rows, one writer", times);
    show("  of which fdatasync", syncs);
    show("  of which all else", rest);
    let after = store.figures();
    println!("{:34} {:6}", "  view lag at the end, operations", after.view_lag);
    let bytes = (after.journal_bytes - before.journal_bytes) / (after.commits - before.commits);
    println!("{:34} {bytes:6}", "  journal bytes of a commit");
    Ok(())
}

fn task(number: u64) -> TaskId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, new)| *byte = new);
    TaskId::from_bytes(bytes)
}

async fn records(store: &Arc<SledStore>) -> Result<(), Failure> {
    let tenant = make::tenant("one");
    let mut times = Vec::new();
    for number in 0..ROUNDS / 4 {
        let record = make::answer(&tenant, task(number), 0, json!("x".repeat(400)));
        let start = Instant::now();
        store.record(record).await?;
        times.push(start.elapsed());
    }
    show("record of 400 bytes", times);
    Ok(())
}

async fn reads(store: &Arc<SledStore>) -> Result<(), Failure> {
    let tenant = make::tenant("one");
    let planned: Vec<_> = (100_000..101_000).map(task).collect();
    let plan = planned.iter().map(|task| make::planned(1, &[*task])).collect::<Vec<_>>();
    for (place, event) in (0..).zip(plan) {
        store.commit(make::commit(&tenant, make::run(2), place, vec![event])).await?;
    }
    let (mut hot, mut cold, mut head) = (Vec::new(), Vec::new(), Vec::new());
    for (number, planned) in (0..).zip(planned) {
        let start = Instant::now();
        store.records(&tenant, planned).await?;
        hot.push(start.elapsed());
        let start = Instant::now();
        store.records(&tenant, task(number)).await?;
        cold.push(start.elapsed());
        let start = Instant::now();
        store.head(&tenant, make::run(2)).await?;
        head.push(start.elapsed());
    }
    show("records of a planned task", hot);
    show("records of an unknown task", cold);
    show("head of a live run", head);
    Ok(())
}

async fn many_writers(store: &Arc<SledStore>) -> Result<(), Failure> {
    let tenant = make::tenant("many");
    let before = store.figures();
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let (store, tenant) = (Arc::clone(store), tenant.clone());
        tokio::spawn(async move {
            let run = make::run(u8::try_from(writer).unwrap_or(0) + 10);
            for place in 0..ROUNDS / 4 {
                store.commit(step(&tenant, run, place)).await?;
            }
            Ok::<_, wforge_ports::store::CommitError>(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await??;
    }
    let (seconds, after) = (start.elapsed().as_secs_f64(), store.figures());
    let operations = after.operations - before.operations;
    let groups = after.commits - before.commits;
    println!(
        "{:34} {:7.0} /s in groups of {:.1}; view lag {}",
        format!("commits of {WRITERS} writers"),
        operations as f64 / seconds,
        operations as f64 / groups as f64,
        after.view_lag
    );
    let (fsync_ms, ms) = ((after.fsync.sum_ns - before.fsync.sum_ns) as f64 / 1e6, seconds * 1e3);
    println!("{:34} {fsync_ms:7.0} ms of {ms:.0} ms in {groups} groups", "  of which fdatasync");
    Ok(())
}
