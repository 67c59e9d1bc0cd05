//! A run as clients see it: its tasks, folded from the log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use wforge_model::agent::AgentPin;
use wforge_model::event::{EventKind, PlannedTask, RunStarted, StoredEvent};
use wforge_model::head::{RunHead, WaitReason, WaitingFor};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::Work;
use wforge_model::{Digest, NodeId, Object, Recording, Seq, TaskId, Usage};

use crate::load::load_run;
use crate::request::{EngineError, QuestionView, RunView, TaskView};
use crate::service::Shared;
use crate::workflows;

/// Events read at once.
const PAGE: usize = 512;

/// The view of a run: one pass over its log.
pub(crate) async fn view(shared: &Shared, head: RunHead) -> Result<RunView, EngineError> {
    let mut fold = Fold::default();
    let mut seen = Seq(0);
    loop {
        let events = shared.parts.store.events(&head.tenant, head.run, seen, PAGE).await?;
        for stored in &events {
            fold.take(stored);
            seen = stored.seq;
        }
        if events.len() < PAGE {
            break;
        }
    }
    name_missing(shared, &head, &mut fold).await?;
    say_partial(shared, &head, &mut fold).await?;
    if head.thread.is_some() && fold.output.is_some() {
        // The events of a thread's runs do not repeat what its state has.
        fold.output = load_run(shared, &head.tenant, head.run).await?.run.output;
    }
    Ok(fold.finish(head))
}

/// A task whose agent was missing has no pin, but its node names whom it wanted.
async fn name_missing(shared: &Shared, head: &RunHead, fold: &mut Fold) -> Result<(), EngineError> {
    for (task, level) in fold.tasks.iter_mut().filter(|(task, _)| task.agent.is_none()) {
        let Some(digest) = level.or(head.digest) else { continue };
        let known = workflows::by_digest(shared, &head.tenant, digest).await?;
        task.agent = match known.workflow.nodes.get(&task.node).map(|node| &node.work) {
            Some(Work::Agent(agent)) => Some(agent.to_string()),
            Some(Work::Mock | Work::Set(_) | Work::Ask(_) | Work::Workflow(_)) | None => None,
        };
    }
    Ok(())
}

/// Whether a task's effects are recorded is said by its node, and looked up for those alone that
/// have the grant.
async fn say_partial(shared: &Shared, head: &RunHead, fold: &mut Fold) -> Result<(), EngineError> {
    let Some(started) = fold.started.clone() else { return Ok(()) };
    for (task, level) in &mut fold.tasks {
        let is_live = task.source.is_none_or(|source| {
            matches!(source, TaskSource::Live | TaskSource::Fallback | TaskSource::Replay)
        });
        let (Some(pins), true) = (pins_of(&started, *level), is_live) else { continue };
        let Some(digest) = level.or(head.digest) else { continue };
        let raw = |pin: &&AgentPin| pin.grants.has_kind(Recording::UNRECORDED_KIND);
        let Some(pin) = pins.into_iter().filter_map(|pins| pins.get(&task.node)).find(raw) else {
            continue;
        };
        let known = workflows::by_digest(shared, &head.tenant, digest).await?;
        if let Some(node) = known.workflow.nodes.get(&task.node) {
            task.effects = Recording::of(node.effects.idempotent, &pin.grants);
        }
    }
    Ok(())
}

/// The agents of a level's nodes, and those of their fallbacks.
fn pins_of(started: &RunStarted, level: Level) -> Option<[&BTreeMap<NodeId, AgentPin>; 2]> {
    match level {
        Some(digest) => {
            let inside = started.subgraphs.get(&digest)?;
            Some([&inside.pins, &inside.fallbacks])
        }
        None => Some([&started.pins, &started.fallbacks]),
    }
}

/// The workflow of a level; none: the run's own.
type Level = Option<Digest>;

#[derive(Default)]
struct Fold {
    started: Option<Arc<RunStarted>>,
    tasks: Vec<(TaskView, Level)>,
    place_of: HashMap<TaskId, usize>,
    /// Tasks in the order of their end.
    ended: Vec<usize>,
    has_ended: HashSet<usize>,
    output: Option<Object>,
}

impl Fold {
    fn take(&mut self, stored: &StoredEvent) {
        match &stored.event.kind {
            EventKind::RunStarted(started) => self.started = Some(started.clone()),
            EventKind::StepPlanned { ns, step, tasks } => {
                tasks.iter().for_each(|task| self.plan(*ns, *step, task));
            }
            EventKind::TaskFinished(finished) => {
                self.change(finished.task, true, |task| {
                    task.source = Some(finished.source);
                    task.attempt = finished.attempt;
                    task.ms = finished.elapsed_ms;
                    task.failure.clone_from(&finished.instead_of);
                    task.usage.clone_from(&finished.usage);
                });
            }
            EventKind::TaskFailed {
                task, attempt, failure, elapsed_ms, handler, usage, ..
            } => {
                self.change(*task, true, |view| {
                    view.attempt = *attempt;
                    view.ms = *elapsed_ms;
                    view.failure = Some(failure.clone());
                    view.usage.clone_from(usage);
                });
                if let Some(handler) = handler {
                    self.plan_handler(*task, handler);
                }
            }
            EventKind::TaskRetried { task, attempt, failure, usage, .. } => {
                self.change(*task, false, |view| {
                    view.attempt = attempt.saturating_add(1);
                    view.failure = Some(failure.clone());
                    view.usage.clone_from(usage);
                });
            }
            EventKind::RunCompleted { output, .. } => self.output = Some(output.clone()),
            EventKind::RunQueued(_)
            | EventKind::SubgraphStarted { .. }
            | EventKind::TaskSuspended { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::Interrupted { .. }
            | EventKind::PauseRequested { .. }
            | EventKind::Continued { .. }
            | EventKind::RunRevived { .. }
            | EventKind::FailureHandled { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => {}
        }
    }

    fn plan(&mut self, within: Option<TaskId>, step: u32, task: &PlannedTask) {
        let level = within.and_then(|around| self.inside(around));
        let agent = self.agent_of(level, &task.node);
        self.place_of.insert(task.id, self.tasks.len());
        let view = TaskView {
            task: task.id,
            node: task.node.clone(),
            within,
            step,
            agent,
            source: None,
            attempt: 1,
            ms: 0,
            failure: None,
            usage: Usage::default(),
            effects: Recording::Recorded,
        };
        self.tasks.push((view, level));
    }

    /// The task that handles a failure belongs to the super-step of the one that failed.
    fn plan_handler(&mut self, failed: TaskId, handler: &PlannedTask) {
        let failed = self.place_of.get(&failed).and_then(|place| self.tasks.get(*place));
        let at = failed.map(|(view, _)| (view.within, view.step));
        if let Some((within, step)) = at {
            self.plan(within, step, handler);
        }
    }

    /// The workflow inside a task.
    fn inside(&self, around: TaskId) -> Level {
        let (task, level) = self.place_of.get(&around).and_then(|place| self.tasks.get(*place))?;
        let started = self.started.as_ref()?;
        match level {
            Some(digest) => started.subgraphs.get(digest)?.uses.get(&task.node).copied(),
            None => started.uses.get(&task.node).copied(),
        }
    }

    fn agent_of(&self, level: Level, node: &NodeId) -> Option<String> {
        let started = self.started.as_ref()?;
        let [pins, _] = pins_of(started, level)?;
        pins.get(node).map(|pin| format!("{}@{}", pin.plugin, pin.version))
    }

    fn change(&mut self, task: TaskId, ends: bool, change: impl FnOnce(&mut TaskView)) {
        let Some(place) = self.place_of.get(&task).copied() else {
            return;
        };
        if let Some((view, _)) = self.tasks.get_mut(place) {
            change(view);
            if ends {
                if !self.has_ended.insert(place) {
                    // It had failed, and was taken up again.
                    self.ended.retain(|ended| *ended != place);
                }
                self.ended.push(place);
            }
        }
    }

    fn finish(self, head: RunHead) -> RunView {
        let questions = head.waiting_for.iter().filter_map(question).collect();
        let open = (0..self.tasks.len()).filter(|place| !self.has_ended.contains(place));
        let order: Vec<usize> = self.ended.iter().copied().chain(open).collect();
        let view = |place: &usize| self.tasks.get(*place).map(|(view, _)| view.clone());
        let tasks = order.iter().filter_map(view).collect();
        RunView { head, output: self.output, tasks, questions }
    }
}

/// A question as a person reads it, where the entry is one.
fn question(entry: &WaitingFor) -> Option<QuestionView> {
    match (&entry.waiting, &entry.node) {
        (WaitReason::Question(question), Some(node)) => Some(QuestionView {
            id: question.id,
            node: node.clone(),
            prompt: question.prompt.clone(),
            schema: question.schema.clone(),
            deadline: question.deadline,
            assignee: question.assignee.clone(),
        }),
        (
            WaitReason::Question(_)
            | WaitReason::Timer { .. }
            | WaitReason::Calls { .. }
            | WaitReason::Resume { .. }
            | WaitReason::Turn
            | WaitReason::Operator
            | WaitReason::Quarantine { .. }
            | WaitReason::FailureHandler,
            _,
        ) => None,
    }
}
