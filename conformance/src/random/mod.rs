//! The random differential test: seeded graphs run in both, and must be told alike.

mod differ;
mod graph;
mod play;
mod rng;
mod shrink;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use self::differ::{Difference, comparable};
use self::play::Random;
use crate::oracle::Oracle;
use crate::text::{difference, pretty};
use crate::ui::say;
use crate::{case, engine};

/// Graphs after which it says how far it is.
const PROGRESS_EVERY: usize = 100;
/// How often each feature must be there, per 500 graphs.
const FEATURE_MIN: usize = 50;
/// One graph of so many may be told in two ways by LangGraph.
const ONCE_ALIKE_IN: u64 = 1_000;
/// The features that the test is there for.
const WANTED: [&str; 16] = [
    "branches",
    "loops",
    "each",
    "script sends",
    "goto",
    "barriers",
    "retries",
    "handlers",
    "questions asked",
    "resumes",
    "subgraphs",
    "forks",
    "updates",
    "defer",
    "breakpoints",
    "overwrite",
];

/// What came of the test.
#[derive(Debug, Default)]
pub struct Tally {
    /// Graphs that both tell alike.
    pub passed: usize,
    /// Graphs that they do not.
    pub failed: usize,
    /// Of those that are told alike, the ones that LangGraph told in two ways.
    once: usize,
    nodes: usize,
    features: BTreeMap<&'static str, usize>,
}

/// How two tell of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Alike,
    /// LangGraph did two things in two runs, and ours did one of them.
    OnceAlike,
    Otherwise,
}

/// Which graphs are run, and where.
#[derive(Debug)]
pub struct Plan<'a> {
    /// How many.
    pub count: u64,
    /// The seed of the first; the others follow.
    pub seed: u64,
    /// Where differences are written.
    pub folder: &'a Path,
}

/// Runs graphs of that many seeds, in as many processes as there are processors.
///
/// # Errors
/// An oracle broke, or a difference could not be written down.
pub fn run(plan: &Plan<'_>, start: impl Fn(usize) -> Result<Oracle> + Sync) -> Result<Tally> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, tally, begun) = (AtomicU64::new(0), Mutex::new(Tally::default()), Instant::now());
    let work = |worker| -> Result<()> {
        let mut oracle = start(worker)?;
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= plan.count {
                return Ok(());
            }
            let random = play::case(plan.seed + place)?;
            let told = compare(plan.seed + place, &random, &mut oracle, plan.folder)?;
            count(&mut lock(&tally), &random, told, plan, begun);
        }
    };
    let ended = std::thread::scope(|scope| {
        let work = &work;
        let workers = (0..workers).map(|worker| scope.spawn(move || work(worker)));
        let workers: Vec<_> = workers.collect();
        workers.into_iter().map(|worker| worker.join()).collect::<Vec<_>>()
    });
    for worker in ended {
        worker.map_err(|_| anyhow!("a worker panicked"))??;
    }
    let mut tally = std::mem::take(&mut *lock(&tally));
    report(plan, &mut tally);
    Ok(tally)
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a graph in LangGraph too; a difference is shrunk and written down.
fn compare(seed: u64, random: &Random, oracle: &mut Oracle, folder: &Path) -> Result<Told> {
    let theirs = oracle.run(&random.case).with_context(|| format!("seed {seed}"))?;
    if Difference::between(&random.records, &theirs).is_none() {
        return Ok(Told::Alike);
    }
    if Difference::between(&random.records, &oracle.run(&random.case)?).is_none() {
        // Its nodes run in threads: once in thousands of graphs it does two things.
        say(format!("        seed {seed}: LangGraph differs from itself; ours is one of the two"));
        return Ok(Told::OnceAlike);
    }
    let file = folder.join(format!("difference-{seed}.json"));
    let small = shrink::smallest(&random.case, oracle);
    let (ours, theirs) = (engine::run(&small)?, oracle.run(&small)?);
    let text = json!({ "case": small, "ours": ours, "langgraph": theirs });
    fs_err::write(&file, pretty(&text))?;
    let shown = shown_difference(&ours, &theirs);
    say(format!("FAILED  seed {seed}, shrunk to {}\n{shown}", file.display()));
    Ok(Told::Otherwise)
}

fn count(tally: &mut Tally, random: &Random, told: Told, plan: &Plan<'_>, begun: Instant) {
    *if told == Told::Otherwise { &mut tally.failed } else { &mut tally.passed } += 1;
    tally.once += usize::from(told == Told::OnceAlike);
    tally.nodes += random.nodes;
    for feature in &random.features {
        *tally.features.entry(feature).or_default() += 1;
    }
    let done = tally.passed + tally.failed;
    if done.is_multiple_of(PROGRESS_EVERY) {
        let (of, seconds) = (plan.count, begun.elapsed().as_secs());
        say(format!("        {done} of {of} random graphs, {} differ, {seconds} s", tally.failed));
    }
}

fn report(plan: &Plan<'_>, tally: &mut Tally) {
    let mean = tally.nodes as f64 / plan.count.max(1) as f64;
    let last = plan.seed + plan.count.saturating_sub(1);
    say(format!(
        "{} random graphs, seeds {} to {last}, {mean:.1} nodes each on average; of them with",
        plan.count, plan.seed
    ));
    for (feature, graphs) in &tally.features {
        say(format!("{graphs:>6}  {feature}"));
    }
    let many = usize::try_from(plan.count / ONCE_ALIKE_IN).unwrap_or(0) + 1;
    if tally.once > many {
        say(format!(
            "FAILED  {} graphs that LangGraph told in two ways, more than {many}",
            tally.once
        ));
        tally.failed += 1;
    }
    let enough = usize::try_from(plan.count).unwrap_or(0) * FEATURE_MIN / 500;
    for feature in WANTED {
        let graphs = tally.features.get(feature).copied().unwrap_or(0);
        if plan.count >= 500 && graphs < enough {
            say(format!("FAILED  only {graphs} graphs with {feature}, fewer than {enough}"));
            tally.failed += 1;
        }
    }
}

/// Runs one case in both and shows where they differ.
///
/// # Errors
/// The file holds no case, or the oracle broke.
pub fn replay(file: &Path, oracle: &mut Oracle) -> Result<bool> {
    let value: Value = serde_json::from_str(&fs_err::read_to_string(file)?)?;
    let case: case::Case = serde_json::from_value(value.get("case").cloned().unwrap_or(value))?;
    let (ours, theirs) = (engine::run(&case)?, oracle.run(&case)?);
    let same = Difference::between(&ours, &theirs).is_none();
    if !same {
        say(shown_difference(&ours, &theirs));
    }
    Ok(same)
}

fn shown_difference(ours: &[Value], theirs: &[Value]) -> String {
    difference(&Value::Array(comparable(theirs)), &Value::Array(comparable(ours)))
}
