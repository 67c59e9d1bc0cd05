//! What happened in a run, as lines of text.

use std::collections::BTreeMap;

use wforge_model::effect::Waiting;
use wforge_model::event::{EventKind, InterruptedAt, PlannedTask};
use wforge_model::{TaskId, Value};

/// The lines so far, and the path of each task by the names of nodes.
#[derive(Default)]
pub(super) struct Story {
    text: String,
    paths: BTreeMap<TaskId, Vec<String>>,
}

impl Story {
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn tell(&mut self, kind: &EventKind) {
        match kind {
            EventKind::StepPlanned { ns, tasks, .. } => {
                tasks.iter().for_each(|task| self.place(ns.as_ref(), task));
            }
            EventKind::TaskFailed { task, handler: Some(handler), .. } => {
                let around = self.paths[task].clone();
                let path = [&around[..around.len() - 1], &[handler.node.to_string()]].concat();
                self.paths.insert(handler.id, path);
            }
            _ => {}
        }
        if let Some(line) = self.of(kind) {
            self.line(&line);
        }
    }

    fn place(&mut self, ns: Option<&TaskId>, task: &PlannedTask) {
        let mut path = ns.map(|ns| self.paths[ns].clone()).unwrap_or_default();
        path.push(task.node.to_string());
        self.paths.insert(task.id, path);
    }

    /// ` in outer/inner` for a level that is not the run itself.
    fn level(&self, ns: Option<&TaskId>) -> String {
        ns.map(|ns| format!(" in {}", self.paths[ns].join("/"))).unwrap_or_default()
    }

    /// The same for the level of a task.
    fn around(&self, task: &TaskId) -> String {
        let path = &self.paths[task];
        let above = &path[..path.len() - 1];
        if above.is_empty() { String::new() } else { format!(" in {}", above.join("/")) }
    }

    fn name(&self, task: &TaskId) -> String {
        self.paths[task].join("/")
    }

    fn of(&self, kind: &EventKind) -> Option<String> {
        Some(match kind {
            EventKind::StepPlanned { .. }
            | EventKind::TaskRetried { .. }
            | EventKind::TaskFailed { .. }
            | EventKind::TaskSuspended { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::TaskFinished(_) => return self.of_tasks(kind),
            EventKind::Interrupted { ns, when, nodes } => {
                let nodes: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
                let when = match when {
                    InterruptedAt::Before => "before",
                    InterruptedAt::After => "after",
                };
                format!("paused{} {when} {}", self.level(ns.as_ref()), nodes.join(", "))
            }
            EventKind::PauseRequested { by } => format!("{by} wants a pause"),
            EventKind::Continued { by, steps } => {
                let steps = steps.map(|steps| format!(" for {steps} step(s)")).unwrap_or_default();
                format!("{by} lets it go on{steps}")
            }
            EventKind::RunRevived { by } => format!("{by} takes it up again"),
            EventKind::FailureHandled { run, refused } => {
                let refused = refused.as_deref().unwrap_or_default();
                run.map_or_else(
                    || format!("its failure is not handled: {refused}"),
                    |_| "its failure is handled by a run".into(),
                )
            }
            EventKind::RunCompleted { outcome, output } => {
                let outcome = outcome.as_ref().map(|o| format!(" as {o}")).unwrap_or_default();
                format!("completed{outcome}: {}", Value::Object(output.clone()))
            }
            EventKind::RunFailed { error } => format!("failed: {}: {}", error.code, error.message),
            EventKind::RunCancelled { reason, rolled_back, .. } => {
                format!("cancelled{}: {reason}", if *rolled_back { ", rolled back" } else { "" })
            }
            EventKind::RunBlocked { .. } => "blocked".into(),
            EventKind::RunQueued(_) => "queued".into(),
            EventKind::RunStarted(_)
            | EventKind::SubgraphStarted { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunUnblocked { .. } => return None,
        })
    }

    fn of_tasks(&self, kind: &EventKind) -> Option<String> {
        Some(match kind {
            EventKind::StepPlanned { ns, step, tasks } => {
                let nodes: Vec<&str> = tasks.iter().map(|task| task.node.as_str()).collect();
                format!("step {step}{}: {}", self.level(ns.as_ref()), nodes.join(", "))
            }
            EventKind::TaskRetried { task, attempt, failure, falls_back, .. } => {
                let falls = if *falls_back { "; its stand-in takes over" } else { "" };
                format!("  attempt {attempt} failed{}, {failure}{falls}", self.around(task))
            }
            EventKind::TaskFailed { task, failure, handler: Some(handler), .. } => {
                format!("  {} failed, {failure}; {} handles it", self.name(task), handler.node)
            }
            EventKind::TaskFailed { task, failure, .. } => {
                format!("  failed for good{}, {failure}", self.around(task))
            }
            EventKind::TaskSuspended { waiting: Waiting::Timer { .. }, .. } => "  sleeps".into(),
            EventKind::TaskSuspended { task, waiting } => {
                let asked = waiting.questions().iter().map(|question| question.prompt.as_str());
                let asked: Vec<&str> = asked.collect();
                format!("  asks{}: {}", self.around(task), asked.join(" and "))
            }
            EventKind::QuestionAnswered { answer, by, .. } => {
                let answer = answer.as_ref().map_or("nothing".into(), Value::to_string);
                format!("  answered: {answer} by {by:?}")
            }
            EventKind::QuestionAssigned { assignee, by, .. } => {
                let to = assignee.as_deref().unwrap_or("whoever comes");
                format!("  put to {to} by {by:?}")
            }
            EventKind::TaskFinished(task) => {
                let emitted = task.emitted.iter().map(|e| format!("{} {}", e.topic, e.payload));
                let emitted: Vec<String> = emitted.collect();
                let emitted = match emitted.as_slice() {
                    [] => String::new(),
                    emitted => format!(", emitting {}", emitted.join(", ")),
                };
                let degraded = if task.stands_in { " for a named agent" } else { "" };
                match task.source.as_str() {
                    "live" => return None,
                    source => format!("  {} by {source}{degraded}{emitted}", self.name(&task.task)),
                }
            }
            _ => return None,
        })
    }
}
