//! What a run's log tells without its workflow: where each task stands, through which nodes it is
//! reached, and whether anything still happens by itself.
//!
//! Never here: state, and what follows from what; that is `wforge-graph`, which needs the workflow.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use wforge_model::effect::Waiting;
use wforge_model::event::{EventKind, PlannedTask, RunStarted};
use wforge_model::manifest::MAIN_AGENT;
use wforge_model::{Digest, NodeId, RunId, TaskId};

/// A level of a run: the run itself, or the task that runs a subgraph.
pub type Level = Option<TaskId>;

/// The tasks of a run, as its log tells of them.
#[derive(Debug, Default)]
pub struct Trail {
    started: Option<Arc<RunStarted>>,
    tasks: HashMap<TaskId, Known>,
    /// The tasks of each open level's current super-step.
    levels: HashMap<Level, Vec<TaskId>>,
    counts: Counts,
    queued: bool,
    ended: bool,
    blocked: bool,
    pause_asked: bool,
    steps_left: Option<u32>,
    interrupted: HashSet<Level>,
    handled_by: Option<RunId>,
}

/// Where a task is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The level that it is in.
    pub level: Level,
    /// Its node.
    pub node: NodeId,
    /// The nodes through which it is reached, such as `outer/inner`.
    pub path: String,
    /// The super-steps on the way, such as `2.1`.
    pub steps: String,
}

#[derive(Debug)]
struct Known {
    place: Place,
    stands: Stands,
    /// The workflow of its level; none: the run's own.
    workflow: Option<Digest>,
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Goes on by itself.
    Moving,
    /// Waits for people's answers to so many questions.
    Asking(usize),
    /// Waits for a moment.
    Sleeping,
    /// Runs the workflow inside it.
    Inside,
    /// Failed, and nobody handles it.
    Failed,
    /// Has its result, or counts no more.
    Ended,
}

#[derive(Debug, Default)]
struct Counts {
    moving: usize,
    asking: usize,
    sleeping: usize,
}

impl Counts {
    fn of(&mut self, stands: Stands) -> Option<&mut usize> {
        match stands {
            Stands::Moving => Some(&mut self.moving),
            Stands::Asking(_) => Some(&mut self.asking),
            Stands::Sleeping => Some(&mut self.sleeping),
            Stands::Inside | Stands::Failed | Stands::Ended => None,
        }
    }
}

impl Trail {
    /// One of a task's questions has its answer.
    fn answered(&mut self, task: TaskId) {
        let stands = match self.tasks.get(&task).map(|known| known.stands) {
            Some(Stands::Asking(open)) if open > 1 => Stands::Asking(open - 1),
            Some(_) | None => Stands::Moving,
        };
        self.set(task, stands);
    }

    /// Takes the next event of the log.
    pub fn take(&mut self, event: &EventKind) {
        match event {
            EventKind::RunQueued(_) => self.queued = true,
            EventKind::RunStarted(started) => {
                self.queued = false;
                self.steps_left = started.steps;
                self.started = Some(started.clone());
            }
            EventKind::StepPlanned { ns, step, tasks } => self.plan(*ns, *step, tasks),
            EventKind::SubgraphStarted { task, .. } => {
                self.levels.insert(Some(*task), Vec::new());
                self.set(*task, Stands::Inside);
            }
            EventKind::TaskRetried { task, .. } => {
                self.drop_inside(*task);
                self.set(*task, Stands::Moving);
            }
            EventKind::TaskSuspended {
                task,
                waiting: Waiting::Timer { .. } | Waiting::Quarantine { .. },
            } => {
                self.set(*task, Stands::Sleeping);
            }
            EventKind::TaskSuspended { task, waiting } => {
                self.set(*task, Stands::Asking(waiting.questions().len()));
            }
            EventKind::TaskResumed { task } => self.set(*task, Stands::Moving),
            EventKind::QuestionAnswered { task, .. } => self.answered(*task),
            EventKind::TaskFinished(finished) => {
                self.drop_inside(finished.task);
                self.set(finished.task, Stands::Ended);
            }
            EventKind::TaskFailed { task, handler: None, .. } => self.set(*task, Stands::Failed),
            EventKind::TaskFailed { task, handler: Some(handler), .. } => {
                self.drop_inside(*task);
                self.set(*task, Stands::Ended);
                self.add_beside(*task, handler);
            }
            EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. } => self.ended = true,
            EventKind::RunBlocked { .. } => self.blocked = true,
            EventKind::RunUnblocked { task, .. } => {
                self.blocked = false;
                self.set(*task, Stands::Moving);
            }
            EventKind::RunRevived { .. } => self.revive(),
            EventKind::Interrupted { ns, .. } => drop(self.interrupted.insert(*ns)),
            EventKind::PauseRequested { .. } => self.pause_asked = true,
            EventKind::Continued { steps, .. } => {
                self.pause_asked = false;
                self.steps_left = *steps;
                self.interrupted.clear();
            }
            EventKind::FailureHandled { run, .. } => self.handled_by = *run,
            EventKind::QuestionAssigned { .. } | EventKind::StepCommitted { .. } => {}
        }
    }

    /// Whether the run has ended.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The run that handles this one's failure.
    #[must_use]
    pub const fn handled_by(&self) -> Option<RunId> {
        self.handled_by
    }

    /// Where a task is found; none where the log did not tell of it.
    #[must_use]
    pub fn place(&self, task: TaskId) -> Option<&Place> {
        self.tasks.get(&task).map(|known| &known.place)
    }

    /// Whether something may still be planned in a level.
    #[must_use]
    pub fn is_open(&self, level: Level) -> bool {
        level.is_none() || self.levels.contains_key(&level)
    }

    /// What people call a level: the path of the node that runs it, or nothing for the run itself.
    #[must_use]
    pub fn path_of(&self, level: Level) -> &str {
        level.and_then(|task| self.place(task)).map_or("", |place| place.path.as_str())
    }

    /// How people call a node of a level.
    #[must_use]
    pub fn path_in(&self, level: Level, node: &NodeId) -> String {
        match self.path_of(level) {
            "" => node.to_string(),
            path => format!("{path}/{node}"),
        }
    }

    /// How people call a task.
    #[must_use]
    pub fn name(&self, task: TaskId) -> String {
        self.place(task).map_or_else(|| task.to_string(), |place| place.path.clone())
    }

    /// The agent that is pinned to a task's node, as `publisher/name[.agent]@version`.
    #[must_use]
    pub fn agent(&self, task: TaskId) -> Option<String> {
        let started = self.started.as_ref()?;
        let known = self.tasks.get(&task)?;
        let pins = match &known.workflow {
            Some(digest) => &started.subgraphs.get(digest)?.pins,
            None => &started.pins,
        };
        let pin = pins.get(&known.place.node)?;
        let agent = if pin.agent == MAIN_AGENT { String::new() } else { format!(".{}", pin.agent) };
        Some(format!("{}{agent}@{}", pin.plugin, pin.version))
    }

    /// The workflow that a task runs inside it, as `name@version`.
    #[must_use]
    pub fn subgraph(&self, task: TaskId) -> Option<&str> {
        let used = self.used_by(task)?;
        Some(self.started.as_ref()?.subgraphs.get(&used)?.title.as_str())
    }

    fn used_by(&self, task: TaskId) -> Option<Digest> {
        let started = self.started.as_ref()?;
        let known = self.tasks.get(&task)?;
        let uses = match &known.workflow {
            Some(digest) => &started.subgraphs.get(digest)?.uses,
            None => &started.uses,
        };
        uses.get(&known.place.node).copied()
    }

    /// Whether, by what the log tells, nothing more happens until somebody does something. The
    /// run's row decides; this says when to look at it.
    #[must_use]
    pub fn may_have_settled(&self) -> bool {
        let Counts { moving, asking, sleeping } = self.counts;
        let held = self.pause_asked || self.steps_left == Some(0) || !self.interrupted.is_empty();
        let waits = asking > 0 || (sleeping == 0 && held);
        self.queued || self.ended || self.blocked || (moving == 0 && waits)
    }

    fn plan(&mut self, level: Level, step: u32, tasks: &[PlannedTask]) {
        for task in tasks {
            self.add(level, step, task);
        }
        self.levels.insert(level, tasks.iter().map(|task| task.id).collect());
        if level.is_none() {
            self.steps_left = self.steps_left.map(|left| left.saturating_sub(1));
        }
    }

    fn add(&mut self, level: Level, step: u32, task: &PlannedTask) {
        let above = level.and_then(|above| self.place(above));
        let steps = above.map_or_else(|| step.to_string(), |it| format!("{}.{step}", it.steps));
        let (node, path) = (task.node.clone(), self.path_in(level, &task.node));
        let workflow = level.and_then(|above| self.used_by(above));
        let place = Place { level, node, path, steps };
        self.tasks.insert(task.id, Known { place, stands: Stands::Moving, workflow });
        self.counts.moving += 1;
    }

    /// A task that joins the super-step of another.
    fn add_beside(&mut self, other: TaskId, task: &PlannedTask) {
        let Some(known) = self.tasks.get(&other) else { return };
        let (level, workflow) = (known.place.level, known.workflow);
        let path = self.path_in(level, &task.node);
        let place = Place { level, node: task.node.clone(), path, ..known.place.clone() };
        self.tasks.insert(task.id, Known { place, stands: Stands::Moving, workflow });
        self.counts.moving += 1;
        self.levels.entry(level).or_default().push(task.id);
    }

    fn set(&mut self, task: TaskId, stands: Stands) {
        let Some(known) = self.tasks.get_mut(&task) else { return };
        let before = std::mem::replace(&mut known.stands, stands);
        if let Some(count) = self.counts.of(before) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.counts.of(stands) {
            *count += 1;
        }
    }

    /// What runs inside a task counts no more.
    fn drop_inside(&mut self, task: TaskId) {
        self.interrupted.remove(&Some(task));
        for inner in self.levels.remove(&Some(task)).unwrap_or_default() {
            self.drop_inside(inner);
            self.set(inner, Stands::Ended);
        }
    }

    fn revive(&mut self) {
        self.ended = false;
        self.handled_by = None;
        let failed = self.tasks.iter().filter(|(_, known)| known.stands == Stands::Failed);
        let failed: Vec<TaskId> = failed.map(|(task, _)| *task).collect();
        for task in failed {
            let inside = self.levels.contains_key(&Some(task));
            self.set(task, if inside { Stands::Inside } else { Stands::Moving });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn task(number: u8) -> String {
        TaskId::from_bytes([number; 16]).to_string()
    }

    fn planned(ns: Option<u8>, step: u32, tasks: &[(u8, &str)]) -> Value {
        let tasks: Vec<Value> =
            tasks.iter().map(|(id, node)| json!({ "id": task(*id), "node": node })).collect();
        json!({ "step_planned": { "ns": ns.map(task), "step": step, "tasks": tasks } })
    }

    fn asks(number: u8) -> Value {
        let id = wforge_model::QuestionId::from_bytes([9; 16]);
        let question = json!({ "id": id, "request": vec![0; 16], "prompt": "?" });
        json!({ "task_suspended": { "task": task(number), "waiting": { "question": question } } })
    }

    fn finished(number: u8) -> Value {
        json!({ "task_finished": {
            "task": task(number), "attempt": 1, "source": "live", "writes": [], "routes": [],
            "elapsed_ms": 1,
        } })
    }

    /// For each event `-` where something still happens, `!` where nothing may.
    fn settles(events: &[Value]) -> String {
        let mut trail = Trail::default();
        let mark = |event: &Value| {
            trail.take(&serde_json::from_value(event.clone()).unwrap());
            if trail.may_have_settled() { '!' } else { '-' }
        };
        events.iter().map(mark).collect()
    }

    #[test]
    fn a_run_settles_when_nothing_moves_and_somebody_asks() {
        let two = planned(None, 1, &[(1, "a"), (2, "b")]);
        assert_eq!(settles(&[two.clone(), asks(1), finished(2)]), "--!");
        assert_eq!(settles(&[two, finished(2), finished(1)]), "---");
    }

    #[test]
    fn a_task_that_asks_several_questions_moves_once_all_are_answered() {
        let question = |number: u8| {
            let id = wforge_model::QuestionId::from_bytes([number; 16]);
            json!({ "id": id, "prompt": "?", "request": vec![0; 16] })
        };
        let asks = json!({ "task_suspended": {
            "task": task(1), "waiting": { "questions": [question(1), question(2)] },
        } });
        let answered = |number: u8| {
            let id = wforge_model::QuestionId::from_bytes([number; 16]);
            let by = json!({ "person": "ada" });
            json!({ "question_answered": { "task": task(1), "question": id, "answer": 1, "by": by } })
        };
        let one = planned(None, 1, &[(1, "a")]);
        assert_eq!(settles(&[one, asks, answered(2), answered(1)]), "-!!-");
    }

    #[test]
    fn what_asks_inside_a_subgraph_settles_the_run() {
        let begun = json!({ "subgraph_started": { "task": task(1), "input": {}, "routes": [] } });
        let outer = planned(None, 1, &[(1, "outer")]);
        let inner = planned(Some(1), 1, &[(2, "inner")]);
        assert_eq!(settles(&[outer, begun, inner, asks(2), finished(1)]), "---!-");
    }

    #[test]
    fn a_pause_settles_the_run_at_its_border() {
        let one = planned(None, 1, &[(1, "a")]);
        let pause = json!({ "pause_requested": { "by": "me" } });
        let go_on = json!({ "continued": { "by": "me", "steps": 1 } });
        let next = planned(None, 2, &[(2, "a")]);
        let events = [one, pause, finished(1), go_on, next, finished(2)];
        assert_eq!(settles(&events), "--!--!");
    }

    #[test]
    fn a_failed_run_that_is_taken_up_moves_again() {
        let failure = json!({ "kind": "failed", "code": "boom", "message": "no" });
        let failed =
            json!({ "task_failed": { "task": task(1), "attempt": 1, "failure": failure } });
        let error = json!({ "run_failed": { "error": { "code": "boom", "message": "no" } } });
        let revived = json!({ "run_revived": { "by": "me" } });
        let events = [planned(None, 1, &[(1, "a")]), failed, error, revived];
        assert_eq!(settles(&events), "--!-");
    }

    #[test]
    fn a_task_is_named_by_its_way_and_its_steps() {
        let mut trail = Trail::default();
        for event in [planned(None, 2, &[(1, "outer")]), planned(Some(1), 3, &[(2, "inner")])] {
            trail.take(&serde_json::from_value(event).unwrap());
        }
        let place = trail.place(TaskId::from_bytes([2; 16])).unwrap();
        assert_eq!((place.path.as_str(), place.steps.as_str()), ("outer/inner", "2.3"));
    }
}
