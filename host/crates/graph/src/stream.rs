//! What a run streams: chunks in the modes that clients know, projected from its durable events.
//!
//! A chunk follows from one event and from the run as it stands after it, so a stream that is begun
//! again at an event says the same. Never here: what is not durable, such as tokens.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_model::effect::{Question, Waiting};
use wforge_model::event::{EventKind, Origin, StoredEvent, TaskFinished, Write};
use wforge_model::workflow::Reducer;
use wforge_model::{Checkpoint, Failure, NodeId, Object, TaskId, Timestamp, Value};

use crate::run::Run;

/// What to stream. The names and shapes are those of LangGraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamMode {
    /// The whole state after each super-step.
    Values,
    /// What each task wrote, in the order of their ends.
    Updates,
    /// The messages that tasks wrote.
    Messages,
    /// What agents emitted.
    Custom,
    /// Each border: its state, and what comes next.
    Checkpoints,
    /// The beginnings and ends of tasks.
    Tasks,
    /// Checkpoints and tasks with their super-step and time.
    Debug,
}

impl StreamMode {
    /// All modes.
    pub const ALL: [Self; 7] = [
        Self::Values,
        Self::Updates,
        Self::Messages,
        Self::Custom,
        Self::Checkpoints,
        Self::Tasks,
        Self::Debug,
    ];

    /// How requests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Updates => "updates",
            Self::Messages => "messages",
            Self::Custom => "custom",
            Self::Checkpoints => "checkpoints",
            Self::Tasks => "tasks",
            Self::Debug => "debug",
        }
    }

    /// The mode that a request writes so.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// One chunk of a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chunk {
    /// Its mode.
    pub mode: StreamMode,
    /// The subgraph that it is of, as `node:task` from the outside in; empty for the run itself.
    pub ns: Vec<String>,
    /// What it says.
    pub data: Value,
}

/// The chunks of an event that was just applied to a run, in the order of the modes.
#[must_use]
pub fn project(
    run: &Run,
    stored: &StoredEvent,
    modes: &[StreamMode],
    subgraphs: bool,
) -> Vec<Chunk> {
    let level = level_of(run, &stored.event.kind);
    if level.is_some() && !subgraphs {
        return Vec::new();
    }
    let namespace = run.namespace(level);
    let ns: Vec<String> =
        namespace.iter().map(|(node, task)| alloc::format!("{node}:{task}")).collect();
    let projector = Projector { run, stored, level };
    let chunks = modes.iter().flat_map(|mode| {
        let data = projector.data(*mode);
        data.into_iter().map(|data| (*mode, data)).collect::<Vec<_>>()
    });
    chunks.map(|(mode, data)| Chunk { mode, ns: ns.clone(), data }).collect()
}

/// The level of which an event tells.
fn level_of(run: &Run, event: &EventKind) -> Option<TaskId> {
    let of_task = |task: &TaskId| run.site_of(*task).and_then(|site| site.ns);
    match event {
        EventKind::StepPlanned { ns, .. }
        | EventKind::StepCommitted { ns, .. }
        | EventKind::Interrupted { ns, .. } => *ns,
        EventKind::SubgraphStarted { task, .. }
        | EventKind::TaskRetried { task, .. }
        | EventKind::TaskSuspended { task, .. }
        | EventKind::TaskResumed { task }
        | EventKind::QuestionAnswered { task, .. }
        | EventKind::QuestionAssigned { task, .. }
        | EventKind::TaskFailed { task, .. } => of_task(task),
        EventKind::TaskFinished(finished) => of_task(&finished.task),
        EventKind::RunQueued(_)
        | EventKind::RunStarted(_)
        | EventKind::RunCompleted { .. }
        | EventKind::RunFailed { .. }
        | EventKind::RunCancelled { .. }
        | EventKind::PauseRequested { .. }
        | EventKind::Continued { .. }
        | EventKind::RunRevived { .. }
        | EventKind::FailureHandled { .. }
        | EventKind::RunBlocked { .. }
        | EventKind::RunUnblocked { .. } => None,
    }
}

struct Projector<'a> {
    run: &'a Run,
    stored: &'a StoredEvent,
    level: Option<TaskId>,
}

impl Projector<'_> {
    fn data(&self, mode: StreamMode) -> Vec<Value> {
        match mode {
            StreamMode::Values => self.values(),
            StreamMode::Updates => self.updates(),
            StreamMode::Messages => self.messages(),
            StreamMode::Custom => self.custom(),
            StreamMode::Checkpoints => self.checkpoint().into_iter().collect(),
            StreamMode::Tasks => self.tasks().into_iter().map(|(_, data)| data).collect(),
            StreamMode::Debug => self.debug(),
        }
    }

    fn kind(&self) -> &EventKind {
        &self.stored.event.kind
    }

    /// Whether the event is a border of the level.
    fn is_border(&self) -> bool {
        matches!(self.kind(), EventKind::RunStarted(_) | EventKind::StepCommitted { .. })
    }

    fn state(&self) -> Value {
        let state = self.run.site(self.level).map(|site| site.persisted_state());
        let fields = state.into_iter().flatten();
        Value::Object(fields.map(|(key, value)| (key.to_string(), Value::clone(&value))).collect())
    }

    fn step(&self) -> u32 {
        self.run.site(self.level).map_or(0, |site| site.frame.step())
    }

    fn node(&self, task: TaskId) -> Option<&NodeId> {
        self.run.task(task).map(|task| &task.node)
    }

    fn values(&self) -> Vec<Value> {
        if self.is_border() {
            return alloc::vec![self.state()];
        }
        self.interrupts().into_iter().collect()
    }

    fn updates(&self) -> Vec<Value> {
        let EventKind::TaskFinished(finished) = self.kind() else {
            return self.interrupts().into_iter().collect();
        };
        let Some(node) = self.node(finished.task) else {
            return Vec::new();
        };
        let update = Object::from_iter([(node.to_string(), written(finished))]);
        alloc::vec![Value::Object(update)]
    }

    /// A question that was asked, or a pause at nodes.
    fn interrupts(&self) -> Option<Value> {
        match self.kind() {
            EventKind::TaskSuspended {
                waiting: waiting @ (Waiting::Question(_) | Waiting::Questions(_)),
                ..
            } => Some(json!({ "__interrupt__": all_asked(waiting) })),
            EventKind::Interrupted { .. } => Some(json!({ "__interrupt__": [] })),
            EventKind::TaskSuspended {
                waiting: Waiting::Timer { .. } | Waiting::Quarantine { .. },
                ..
            }
            | EventKind::RunQueued(_)
            | EventKind::RunStarted(_)
            | EventKind::StepPlanned { .. }
            | EventKind::SubgraphStarted { .. }
            | EventKind::TaskRetried { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::TaskFinished(_)
            | EventKind::TaskFailed { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::PauseRequested { .. }
            | EventKind::Continued { .. }
            | EventKind::RunRevived { .. }
            | EventKind::FailureHandled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => None,
        }
    }

    fn messages(&self) -> Vec<Value> {
        let EventKind::TaskFinished(finished) = self.kind() else {
            return Vec::new();
        };
        let Some(site) = self.run.site(self.level) else {
            return Vec::new();
        };
        let about = json!({
            "node": self.node(finished.task), "task": finished.task, "step": self.step(),
        });
        let is_talk = |write: &&Write| {
            let spec = site.workflow.state.get(&write.key);
            spec.is_some_and(|spec| spec.reducer == Reducer::Messages)
        };
        let written = finished.writes.iter().filter(is_talk).flat_map(|write| {
            let one = core::slice::from_ref(&write.value);
            write.value.as_array().map_or(one, Vec::as_slice)
        });
        written.map(|message| json!([message, about])).collect()
    }

    fn custom(&self) -> Vec<Value> {
        let EventKind::TaskFinished(finished) = self.kind() else {
            return Vec::new();
        };
        let emitted = finished.emitted.iter();
        emitted.map(|event| json!({ "topic": event.topic, "payload": event.payload })).collect()
    }

    fn checkpoint(&self) -> Option<Value> {
        if !self.is_border() {
            return None;
        }
        let started = self.run.started.as_ref()?;
        let source = match (self.kind(), &started.origin) {
            (EventKind::StepCommitted { .. }, _) => "loop",
            (_, Origin::Input) => "input",
            (_, Origin::Update(_)) => "update",
            (_, Origin::Continue | Origin::Copy) => "fork",
            (_, Origin::Migrate) => "migrate",
        };
        let next: Vec<String> = match self.level {
            None => self.run.next_tasks().iter().map(|task| task.node.to_string()).collect(),
            Some(_) => Vec::new(),
        };
        Some(json!({
            "checkpoint": Checkpoint { run: self.run.id, seq: self.stored.seq },
            "base": started.base,
            "values": self.state(),
            "metadata": { "source": source, "step": self.step() },
            "next": next,
        }))
    }

    /// The beginnings and ends of tasks, each with what `debug` calls it.
    fn tasks(&self) -> Vec<(&'static str, Value)> {
        let ended = |task: TaskId, error: Option<&Failure>, result: Value| {
            let name = self.node(task);
            let error = error.map(ToString::to_string);
            json!({ "id": task, "name": name, "error": error, "result": result, "interrupts": [] })
        };
        match self.kind() {
            EventKind::StepPlanned { tasks, .. } => {
                let begun = tasks.iter().map(|task| {
                    (
                        "task",
                        json!({ "id": task.id, "name": task.node, "sent": task.send.is_some() }),
                    )
                });
                begun.collect()
            }
            EventKind::TaskFinished(finished) => {
                alloc::vec![("task_result", ended(finished.task, None, written(finished)))]
            }
            EventKind::TaskFailed { task, failure, .. } => {
                alloc::vec![("task_result", ended(*task, Some(failure), Value::Null))]
            }
            EventKind::TaskSuspended {
                task,
                waiting: waiting @ (Waiting::Question(_) | Waiting::Questions(_)),
            } => {
                let mut data = ended(*task, None, Value::Null);
                if let Some(fields) = data.as_object_mut() {
                    fields.insert("interrupts".into(), all_asked(waiting));
                }
                alloc::vec![("task_result", data)]
            }
            EventKind::TaskSuspended {
                waiting: Waiting::Timer { .. } | Waiting::Quarantine { .. },
                ..
            }
            | EventKind::RunQueued(_)
            | EventKind::RunStarted(_)
            | EventKind::SubgraphStarted { .. }
            | EventKind::TaskRetried { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::Interrupted { .. }
            | EventKind::PauseRequested { .. }
            | EventKind::Continued { .. }
            | EventKind::RunRevived { .. }
            | EventKind::FailureHandled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => Vec::new(),
        }
    }

    fn debug(&self) -> Vec<Value> {
        let checkpoint = self.checkpoint().map(|data| ("checkpoint", data));
        let at: Timestamp = self.stored.event.at;
        let entries = checkpoint.into_iter().chain(self.tasks());
        let entry = |(kind, payload): (&str, Value)| json!({ "step": self.step(), "timestamp": at, "type": kind, "payload": payload });
        entries.map(entry).collect()
    }
}

fn all_asked(waiting: &Waiting) -> Value {
    waiting.questions().iter().map(asked).collect()
}

fn asked(question: &Question) -> Value {
    json!({ "id": question.id, "value": question.prompt })
}

/// What a task wrote, by key; a key that it wrote several times has `$writes` in order, and a task
/// that wrote nothing has null.
fn written(finished: &TaskFinished) -> Value {
    let mut update = Object::new();
    for write in &finished.writes {
        let name = write.key.to_string();
        let several = finished.writes.iter().filter(|other| other.key == write.key).count() > 1;
        if !several {
            update.insert(name, write.value.clone());
            continue;
        }
        let entry = update.entry(name).or_insert_with(|| json!({ "$writes": [] }));
        if let Some(writes) = entry.get_mut("$writes").and_then(Value::as_array_mut) {
            writes.push(write.value.clone());
        }
    }
    if update.is_empty() { Value::Null } else { Value::Object(update) }
}
