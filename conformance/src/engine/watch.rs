//! Watches a run's events go by, and notes what records need: checkpoints, super-steps, emissions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wforge_graph::{Run, next_nodes};
use wforge_model::event::{EventKind, RunEvent, TaskFinished, Write};
use wforge_model::workflow::{Persist, Work};
use wforge_model::{NodeId, TaskId};

use super::records::{as_written, object, sorted};

/// A border between two super-steps.
#[derive(Debug, Clone)]
pub struct Border {
    /// The run as it stood there.
    pub run: Run,
    /// Super-steps of the run before it.
    pub depth: usize,
    /// How it came about.
    pub source: &'static str,
}

impl Border {
    /// The entry of a history.
    pub fn entry(&self) -> Value {
        json!({
            "source": self.source,
            "step": self.depth,
            "next": names(&next_nodes(&self.run)),
            "values": object(&self.run.persisted_state()),
        })
    }
}

/// Where a task stands.
#[derive(Debug, Clone)]
struct Place {
    node: NodeId,
    level: Option<TaskId>,
    step: u32,
}

/// A level, as records tell them apart: each attempt at a subgraph is one of its own, and the calls
/// of a subgraph that keeps its state for the thread are one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    path: String,
    call: Option<(TaskId, u32)>,
}

/// What was noted since the last record.
#[derive(Debug, Default)]
pub struct Watch {
    places: BTreeMap<TaskId, Place>,
    finished: BTreeMap<TaskId, TaskFinished>,
    depth: usize,
    /// The borders that were passed.
    pub borders: Vec<Border>,
    /// Of each level that was there, the super-steps that were committed.
    levels: BTreeMap<Level, Vec<Vec<Value>>>,
    paths: BTreeMap<TaskId, String>,
    emitted: Vec<Value>,
    waits: Vec<u64>,
    /// What the stream `values` shows.
    pub stream: Vec<Value>,
}

impl Watch {
    /// What tasks of an open super-step did counts no more.
    pub fn drop_open(&mut self) {
        self.places.clear();
        self.finished.clear();
    }

    /// Notes an event that was just applied to `run`.
    pub fn see(&mut self, run: &Run, event: &RunEvent, source: &'static str) {
        match &event.kind {
            EventKind::RunStarted(started) => {
                self.depth = 0;
                self.border(run, source);
                if !started.input.is_empty() {
                    self.show(run);
                }
            }
            EventKind::StepPlanned { ns, step, tasks } => {
                for task in tasks {
                    self.place(run, task.id, task.node.clone(), *ns, *step);
                }
            }
            EventKind::TaskFailed { task, handler: Some(handler), .. } => {
                if let Some(failed) = self.places.get(task).cloned() {
                    let node = handler.node.clone();
                    self.place(run, handler.id, node, failed.level, failed.step);
                }
            }
            EventKind::TaskFinished(finished) => {
                let emitted = finished.emitted.iter();
                self.emitted.extend(emitted.map(|e| json!([e.topic, e.payload])));
                self.finished.insert(finished.task, TaskFinished::clone(finished));
            }
            EventKind::TaskRetried { at, .. } => self.waits.push(at.0 - event.at.0),
            EventKind::StepCommitted { ns, step } => self.commit(run, *ns, *step),
            _ => {}
        }
    }

    fn place(&mut self, run: &Run, id: TaskId, node: NodeId, level: Option<TaskId>, step: u32) {
        let path = run.namespace(Some(id));
        let path: Vec<String> = path.iter().map(|(node, _)| node.to_string()).collect();
        self.paths.insert(id, path.join("/"));
        self.places.insert(id, Place { node, level, step });
    }

    fn commit(&mut self, run: &Run, level: Option<TaskId>, step: u32) {
        let here = |place: &Place| place.level == level && place.step == step;
        let ids: Vec<TaskId> =
            self.places.iter().filter(|(_, place)| here(place)).map(|(id, _)| *id).collect();
        let mut tasks = Vec::new();
        let mut wrote = false;
        for id in ids {
            let place = self.places.remove(&id);
            let finished = self.finished.remove(&id);
            if let (Some(place), Some(finished)) = (place, finished) {
                let writes = writes_of(&finished);
                wrote |= !writes.is_empty();
                tasks.push(json!([place.node, writes]));
            }
        }
        let path = level.and_then(|id| self.paths.get(&id).cloned()).unwrap_or_default();
        let call = level.filter(|id| !lasts(run, *id)).and_then(|id| run.task(id));
        let call = call.map(|task| (task.id, task.attempt));
        self.levels.entry(Level { path, call }).or_default().push(sorted(tasks));
        if level.is_none() {
            self.depth += 1;
            self.border(run, "loop");
            if wrote {
                self.show(run);
            }
        }
    }

    fn border(&mut self, run: &Run, source: &'static str) {
        self.borders.push(Border { run: run.clone(), depth: self.depth, source });
    }

    /// Shows the state on the stream `values`.
    pub fn show(&mut self, run: &Run) {
        self.stream.push(json!({ "values": object(run.state()) }));
    }

    /// The super-steps that were committed since it was last asked, level by level.
    pub fn take_steps(&mut self) -> Value {
        let levels = std::mem::take(&mut self.levels);
        let entry = |(level, steps): (Level, _)| json!({ "level": level.path, "steps": steps });
        let levels = levels.into_iter().map(entry);
        Value::Array(sorted(levels.collect()))
    }

    /// What was emitted since it was last asked.
    pub fn take_emitted(&mut self) -> Vec<Value> {
        sorted(std::mem::take(&mut self.emitted))
    }

    /// The waits before further attempts since it was last asked.
    pub fn take_waits(&mut self) -> Vec<u64> {
        let mut waits = std::mem::take(&mut self.waits);
        waits.sort_unstable();
        waits
    }
}

/// Whether the subgraph of a task keeps its state for the thread.
fn lasts(run: &Run, task: TaskId) -> bool {
    match run.node_of(task).map(|node| &node.work) {
        Some(Work::Workflow(subgraph)) => subgraph.persist == Persist::Thread,
        Some(Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Ask(_)) | None => false,
    }
}

/// The writes of a task, by key.
fn writes_of(finished: &TaskFinished) -> Map<String, Value> {
    let mut writes: Map<String, Value> = Map::new();
    for Write { key, value, overwrite } in finished.writes.iter().chain(&finished.volatile) {
        let value = as_written(value);
        let value = if *overwrite { json!({ "overwrite": value }) } else { value };
        let of_key = writes.entry(key.to_string()).or_insert_with(|| json!([]));
        if let Value::Array(values) = of_key {
            values.push(value);
        }
    }
    writes
}

/// Names in the order of records.
pub fn names(nodes: &[NodeId]) -> Vec<String> {
    let mut names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    names.sort();
    names
}
