//! The random differential test: seeded graphs run in both, and must be told alike.

mod graph;
mod play;
mod rng;
mod shrink;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::case::{Action, Case};
use crate::oracle::Oracle;
use crate::text::{difference, pretty};
use crate::ui::say;
use crate::{case, engine};

/// How often each feature must be there, per 500 graphs.
const FEATURE_MIN: usize = 50;
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
}

/// Runs graphs of that many seeds.
///
/// # Errors
/// The oracle broke, or a difference could not be written down.
pub fn run(count: u64, seed: u64, oracle: &mut Oracle, folder: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut features: BTreeMap<&str, usize> = BTreeMap::new();
    let mut nodes = 0;
    for seed in seed..seed + count {
        let random = play::case(seed)?;
        nodes += random.nodes;
        for feature in &random.features {
            *features.entry(feature).or_default() += 1;
        }
        let theirs = oracle.run(&random.case).with_context(|| format!("seed {seed}"))?;
        if alike(&random.records, &theirs) {
            tally.passed += 1;
            continue;
        }
        tally.failed += 1;
        let file = folder.join(format!("difference-{seed}.json"));
        let small = shrink::smallest(&random.case, oracle);
        let (ours, theirs) = (engine::run(&small)?, oracle.run(&small)?);
        let text = json!({ "case": small, "ours": ours, "langgraph": theirs });
        fs_err::write(&file, pretty(&text))?;
        say(format!("FAILED  seed {seed}, shrunk to {}", file.display()));
        say(difference(&Value::Array(comparable(&theirs)), &Value::Array(comparable(&ours))));
    }
    report(count, nodes, &features, &mut tally);
    Ok(tally)
}

fn report(count: u64, nodes: usize, features: &BTreeMap<&str, usize>, tally: &mut Tally) {
    let mean = nodes as f64 / count.max(1) as f64;
    say(format!("{count} random graphs, {mean:.1} nodes each on average; of them with"));
    for (feature, graphs) in features {
        say(format!("{graphs:>6}  {feature}"));
    }
    let enough = usize::try_from(count).unwrap_or(0) * FEATURE_MIN / 500;
    for feature in WANTED {
        let graphs = features.get(feature).copied().unwrap_or(0);
        if count >= 500 && graphs < enough {
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
    let same = alike(&ours, &theirs);
    if !same {
        say(difference(&Value::Array(comparable(&theirs)), &Value::Array(comparable(&ours))));
    }
    Ok(same)
}

/// Where the records of a case first differ.
#[derive(Debug, PartialEq)]
struct Difference {
    /// The action, by its place.
    place: usize,
    action: Value,
    /// How the thread stands after it, and the error: ours, then LangGraph's.
    ours: [Option<Value>; 2],
    theirs: [Option<Value>; 2],
}

impl Difference {
    fn between(ours: &[Value], theirs: &[Value]) -> Option<Self> {
        let (ours, theirs) = (comparable(ours), comparable(theirs));
        let place = ours.iter().zip(&theirs).take_while(|(left, right)| left == right).count();
        let (ours, theirs) = (ours.get(place), theirs.get(place));
        let field = |record: Option<&Value>, name| record?.get(name).cloned();
        let ends = |record| [field(record, "status"), field(record, "error")];
        let action = field(ours.or(theirs), "action")?;
        Some(Self { place, action, ours: ends(ours), theirs: ends(theirs) })
    }

    /// Whether it is of one kind with another one, so that a smaller case shows the same thing.
    fn is_like(&self, other: &Self) -> bool {
        (&self.action, &self.ours, &self.theirs) == (&other.action, &other.ours, &other.theirs)
    }
}

/// Where a case differs; none where it runs alike, cannot run, or makes no sense.
fn difference_of(case: &Case, oracle: &mut Oracle) -> Option<Difference> {
    let ours = engine::run(case).ok()?;
    let before = std::iter::once(None).chain(ours.iter().map(Some));
    if !case.actions.iter().zip(before).all(|(action, before)| fits(action, before)) {
        return None;
    }
    Difference::between(&ours, &oracle.run(case).ok()?)
}

/// Whether an action fits where the thread stands.
fn fits(action: &Action, before: Option<&Value>) -> bool {
    let status = before.and_then(|record| record.get("status")?.as_str());
    match action {
        Action::Invoke(_) => true,
        Action::Resume(_) => status == Some("waiting"),
        Action::Continue(go_on) => {
            status.is_some() && (go_on.options.at.is_some() || status != Some("waiting"))
        }
        Action::Update(_) | Action::Bulk(_) | Action::Copy(_) => status.is_some(),
    }
}

fn alike(ours: &[Value], theirs: &[Value]) -> bool {
    Difference::between(ours, theirs).is_none()
}

/// Records without what depends on how fast threads are: LangGraph stops a super-step at its first
/// failure, and how far its siblings and what runs inside them had come by then is chance.
fn comparable(records: &[Value]) -> Vec<Value> {
    let mut records = records.to_vec();
    for record in &mut records {
        let failed = record.get("status").is_some_and(|status| status == "failed");
        if let (true, Value::Object(fields)) = (failed, record) {
            for field in ["next", "interrupts", "custom", "waits"] {
                fields.remove(field);
            }
            if let Some(Value::Array(levels)) = fields.get_mut("steps") {
                levels.retain(|level| level.get("level").is_some_and(|level| level == ""));
            }
        }
    }
    records
}
