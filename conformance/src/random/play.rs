//! What is done with a random graph: our engine runs in step, so that each action fits where the
//! thread stands.

#![expect(
    clippy::indexing_slicing,
    reason = "a field of a JSON object that is made right above; it panics only on other values"
)]

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Map, Value, json};
use wforge_model::workflow::WorkflowDraft;

use super::graph::{Features, Maker, Mood, Wish};
use super::rng::Rng;
use crate::case::{Action, Case};
use crate::engine::{Book, Thread};

/// Actions of one case.
const ACTIONS_MAX: usize = 7;
/// Larger runs show nothing that smaller ones do not.
const TASKS_MAX: usize = 120;
const HISTORY_MAX: usize = 70;

/// A case, and what it has.
#[derive(Debug)]
pub struct Random {
    /// The case.
    pub case: Case,
    /// What our engine did.
    pub records: Vec<Value>,
    /// What it has.
    pub features: Features,
    /// Nodes of all its workflows.
    pub nodes: usize,
}

/// The case of a seed. Graphs that cannot run, or run for too long, are passed over.
///
/// # Errors
/// A log of ours that folds to another run.
pub fn case(seed: u64) -> Result<Random> {
    let mut rng = Rng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(17));
    loop {
        if let Some(random) = attempt(&mut rng)? {
            return Ok(random);
        }
    }
}

fn attempt(rng: &mut Rng) -> Result<Option<Random>> {
    let fails = rng.chance(25);
    let parts = if !fails && rng.chance(50) { rng.between(1, 2) } else { 0 };
    let mood = match rng.below(100) {
        _ if fails => Mood::Asks,
        0..45 => Mood::Conflicts,
        45..60 if parts > 0 => Mood::Pauses,
        _ => Mood::Asks,
    };
    let wish = Wish { nodes: rng.between(7, 12), is_child: false, fails, parts, mood };
    let (draft, mut features) = Maker::make(rng, "main", wish);
    let mut workflows = BTreeMap::new();
    let mut count = wish.nodes;
    insert(&mut workflows, "main", draft)?;
    for child in 0..parts {
        let nodes = rng.between(2, 4);
        let wish = Wish { nodes, is_child: true, fails: false, parts: 0, mood };
        let name = format!("child{child}");
        let (draft, more) = Maker::make(rng, &name, wish);
        count += nodes;
        features.extend(more);
        insert(&mut workflows, &name, draft)?;
    }
    let mut case = Case { workflows, root: "main".into(), actions: Vec::new() };
    let Ok(book) = Book::of(&case) else { return Ok(None) };
    let mut thread = Thread::new(book);
    let mut records: Vec<Value> = Vec::new();
    while case.actions.len() < ACTIONS_MAX {
        let Some(action) = next(rng, &case, records.last(), &mut features) else { break };
        let record = thread.act(&action);
        case.actions.push(action);
        let tasks = count_tasks(&record);
        let history = record.get("history_length").and_then(Value::as_u64).unwrap_or(0);
        if tasks > TASKS_MAX || history > HISTORY_MAX as u64 || is_too_large(&record, &features) {
            return Ok(None);
        }
        if features.contains("step limits") && takes_every_step(&case, &record) {
            return Ok(None);
        }
        note(&record, &mut features);
        records.push(record);
    }
    thread.check_logs()?;
    Ok(Some(Random { case, records, features, nodes: count }))
}

fn insert(into: &mut BTreeMap<String, WorkflowDraft>, name: &str, draft: Value) -> Result<()> {
    into.insert(name.to_owned(), serde_json::from_value(draft)?);
    Ok(())
}

/// What an action showed that a graph alone does not.
fn note(record: &Value, features: &mut Features) {
    match record.get("status").and_then(Value::as_str) {
        Some("waiting") => drop(features.insert("questions asked")),
        Some("failed") => drop(features.insert("runs failed")),
        Some("paused") => drop(features.insert("runs paused")),
        _ => {}
    }
}

/// Whether a run came to a limit that only keeps graphs small, or to what is not compared.
fn is_too_large(record: &Value, features: &Features) -> bool {
    match record.get("error").and_then(Value::as_str) {
        Some("step_limit") => !features.contains("step limits"),
        Some("task_limit" | "state_too_large") => true,
        Some("concurrent_write") => features.contains("durability exit"),
        _ => false,
    }
}

/// Whether a run ends or pauses with the last super-step that it may take: LangGraph wants one more
/// to see so.
fn takes_every_step(case: &Case, record: &Value) -> bool {
    let limit = case.workflows.get(&case.root).and_then(|draft| draft.limits.steps_max);
    let levels = record.get("steps").and_then(Value::as_array).into_iter().flatten();
    let own = levels.filter(|level| level.get("level").is_some_and(|level| level == ""));
    let steps: usize = own.filter_map(|level| Some(level.get("steps")?.as_array()?.len())).sum();
    record.get("status").is_some_and(|status| status != "failed")
        && limit.is_some_and(|limit| limit as usize == steps)
}

fn count_tasks(record: &Value) -> usize {
    let levels = record.get("steps").and_then(Value::as_array).into_iter().flatten();
    let steps = levels.filter_map(|level| level.get("steps")?.as_array()).flatten();
    steps.filter_map(Value::as_array).map(Vec::len).sum()
}

/// What is done next where the thread stands so.
fn next(
    rng: &mut Rng,
    case: &Case,
    last: Option<&Value>,
    features: &mut Features,
) -> Option<Action> {
    let Some(last) = last else { return invoke(rng, true, features) };
    let after_update = matches!(case.actions.last(), Some(Action::Update(_) | Action::Copy(_)));
    let left = ACTIONS_MAX - case.actions.len();
    let status = last.get("status").and_then(Value::as_str)?;
    if features.contains("step limits") && status != "completed" {
        // LangGraph counts super-steps anew when a run goes on; here the run has so many.
        return None;
    }
    let exits = case.actions.last().is_some_and(|action| action.options().durability.is_some());
    if exits && last.get("status").is_none_or(|status| status != "completed") {
        // Its next checkpoint would not know how many super-steps lie before it.
        return None;
    }
    match status {
        "waiting" if rng.chance(85) => resume(rng, case, last, features),
        "waiting" if rng.chance(50) => update(rng, case, None, features),
        "waiting" => invoke(rng, false, features),
        "paused" if after_update || rng.chance(75) => action(json!({ "continue": {} })),
        "paused" => update(rng, case, None, features),
        "failed" if rng.chance(40) => action(json!({ "continue": {} })),
        "failed" if rng.chance(50) => update(rng, case, None, features),
        "failed" => invoke(rng, false, features).filter(|_| rng.chance(50)),
        _ if left < 2 => None,
        _ if after_update => invoke(rng, false, features).filter(|_| rng.chance(20)),
        _ => travel(rng, case, last, features),
    }
}

fn action(value: Value) -> Option<Action> {
    serde_json::from_value(value).ok()
}

fn invoke(rng: &mut Rng, is_first: bool, features: &mut Features) -> Option<Action> {
    let mut input = Map::new();
    input.insert("total".into(), json!(rng.below(6)));
    input.insert("log".into(), json!(["in"]));
    let mut invoke = json!({ "input": input, "waits": true });
    // At such an exit LangGraph keeps half of a super-step whose writes conflict, and barriers as
    // its open tasks would leave them; of a thread that was there before, what input had emptied.
    let spoils = ["conflicts", "overwrite", "barriers"].iter().any(|f| features.contains(f));
    if is_first && !spoils && rng.chance(30) {
        features.insert("durability exit");
        invoke["durability"] = json!("exit");
    }
    action(json!({ "invoke": invoke }))
}

fn resume(rng: &mut Rng, case: &Case, last: &Value, features: &mut Features) -> Option<Action> {
    features.insert("resumes");
    let asked = last.get("interrupts")?.as_array()?;
    let mut nodes: Vec<&str> = asked.iter().filter_map(|a| a.get(0)?.as_str()).collect();
    // An answer that names no question counts for a later one inside a subgraph too, in LangGraph.
    if nodes.len() == 1 && case.workflows.len() == 1 && rng.chance(60) {
        return action(json!({ "resume": { "value": rng.below(50) } }));
    }
    if nodes.len() > 1 && rng.chance(30) {
        features.insert("partial resumes");
        nodes.truncate(nodes.len() - 1);
    }
    let mut answers = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        let ordinal = nodes.iter().take(place).filter(|other| *other == node).count();
        let value = rng.below(50);
        answers.push(json!({ "node": node, "ordinal": ordinal, "value": value }));
    }
    action(json!({ "resume": { "answers": answers } }))
}

fn update(
    rng: &mut Rng,
    case: &Case,
    at: Option<usize>,
    features: &mut Features,
) -> Option<Action> {
    features.insert("updates");
    let draft = case.workflows.get(&case.root)?;
    let handlers: Vec<&str> =
        draft.nodes.values().filter_map(|n| n.on_error.as_ref().map(|n| n.as_str())).collect();
    let nodes: Vec<&str> = draft.nodes.keys().map(|node| node.as_str()).collect();
    let nodes: Vec<&str> = nodes.into_iter().filter(|node| !handlers.contains(node)).collect();
    let node = rng.pick(&nodes)?;
    let mut update = json!({
        "as": node, "values": { "log": [format!("as {node}")], "total": rng.below(4) },
    });
    if let Some(at) = at {
        update["at"] = json!(at);
    }
    action(json!({ "update": update }))
}

/// Goes back to a checkpoint of the history.
fn travel(rng: &mut Rng, case: &Case, last: &Value, features: &mut Features) -> Option<Action> {
    if !rng.chance(60) {
        return invoke(rng, false, features).filter(|_| rng.chance(25));
    }
    features.insert("forks");
    let length = usize::try_from(last.get("history_length")?.as_u64()?).ok()?;
    let at = rng.below(length);
    match rng.below(3) {
        0 => action(json!({ "continue": { "at": at } })),
        1 => update(rng, case, Some(at), features),
        _ => action(json!({ "copy": { "at": at } })),
    }
}
