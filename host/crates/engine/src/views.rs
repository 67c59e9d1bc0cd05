//! A run as clients see it: its tasks, folded from the log.

use std::collections::HashMap;

use wforge_model::event::{EventKind, RunStarted, StoredEvent};
use wforge_model::head::RunHead;
use wforge_model::workflow::Work;
use wforge_model::{NodeId, Object, Seq, TaskId};

use crate::load::draft_by_digest;
use crate::parts::EngineParts;
use crate::request::{EngineError, QuestionView, RunView, TaskView};

/// Events read at once.
const PAGE: usize = 512;

/// The view of a run: one pass over its log.
pub(crate) async fn view(parts: &EngineParts, head: RunHead) -> Result<RunView, EngineError> {
    let mut fold = Fold::default();
    let mut seen = Seq(0);
    loop {
        let events = parts.store.events(&head.tenant, head.run, seen, PAGE).await?;
        for stored in &events {
            fold.take(stored);
            seen = stored.seq;
        }
        if events.len() < PAGE {
            break;
        }
    }
    let mut view = fold.finish(head);
    name_missing(parts, &mut view).await?;
    Ok(view)
}

/// A task whose agent was missing has no pin, but its node names whom it wanted.
async fn name_missing(parts: &EngineParts, view: &mut RunView) -> Result<(), EngineError> {
    let Some(digest) = view.head.digest else { return Ok(()) };
    if view.tasks.iter().all(|task| task.agent.is_some()) {
        return Ok(());
    }
    let draft = draft_by_digest(parts, &view.head.tenant, digest).await?;
    for task in view.tasks.iter_mut().filter(|task| task.agent.is_none()) {
        task.agent = match draft.nodes.get(&task.node).map(|node| &node.work) {
            Some(Work::Agent(agent)) => Some(agent.to_string()),
            Some(Work::Mock | Work::Set(_) | Work::Ask(_)) | None => None,
        };
    }
    Ok(())
}

#[derive(Default)]
struct Fold {
    started: Option<Box<RunStarted>>,
    step: u32,
    tasks: Vec<TaskView>,
    place_of: HashMap<TaskId, usize>,
    /// Tasks in the order of their end.
    ended: Vec<usize>,
    output: Option<Object>,
}

impl Fold {
    fn take(&mut self, stored: &StoredEvent) {
        match &stored.event.kind {
            EventKind::RunStarted(started) => self.started = Some(started.clone()),
            EventKind::StepPlanned { step, tasks } => {
                self.step = *step;
                for task in tasks {
                    self.plan(task.id, &task.node);
                }
            }
            EventKind::TaskFinished(finished) => {
                self.change(finished.task, true, |task| {
                    task.source = Some(finished.source);
                    task.attempt = finished.attempt;
                    task.ms = finished.elapsed_ms;
                    task.failure.clone_from(&finished.instead_of);
                });
            }
            EventKind::TaskFailed { task, attempt, failure } => {
                self.change(*task, true, |view| {
                    view.attempt = *attempt;
                    view.failure = Some(failure.clone());
                });
            }
            EventKind::TaskRetried { task, attempt, failure, .. } => {
                self.change(*task, false, |view| {
                    view.attempt = attempt.saturating_add(1);
                    view.failure = Some(failure.clone());
                });
            }
            EventKind::RunCompleted { output, .. } => self.output = Some(output.clone()),
            EventKind::TaskSuspended { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => {}
        }
    }

    fn plan(&mut self, task: TaskId, node: &NodeId) {
        let pin = self.started.as_ref().and_then(|started| started.pins.get(node));
        self.place_of.insert(task, self.tasks.len());
        self.tasks.push(TaskView {
            task,
            node: node.clone(),
            step: self.step,
            agent: pin.map(|pin| format!("{}@{}", pin.plugin, pin.version)),
            source: None,
            attempt: 1,
            ms: 0,
            failure: None,
        });
    }

    fn change(&mut self, task: TaskId, ends: bool, change: impl FnOnce(&mut TaskView)) {
        let Some(place) = self.place_of.get(&task) else {
            return;
        };
        if let Some(view) = self.tasks.get_mut(*place) {
            change(view);
            self.ended.extend(ends.then_some(*place));
        }
    }

    fn finish(self, head: RunHead) -> RunView {
        let node_of = |task: &TaskId| {
            self.place_of.get(task).and_then(|place| self.tasks.get(*place)).map(|t| t.node.clone())
        };
        let questions = head.questions().filter_map(|(task, question)| {
            Some(QuestionView {
                id: question.id,
                node: node_of(&task)?,
                prompt: question.prompt.clone(),
                schema: question.schema.clone(),
                deadline: question.deadline,
            })
        });
        let questions = questions.collect();
        let ended: std::collections::HashSet<usize> = self.ended.iter().copied().collect();
        let open = (0..self.tasks.len()).filter(|place| !ended.contains(place));
        let order: Vec<usize> = self.ended.iter().copied().chain(open).collect();
        let tasks = order.iter().filter_map(|place| self.tasks.get(*place).cloned()).collect();
        RunView { head, output: self.output, tasks, questions }
    }
}
