//! Decides to quiescence: facts go in, and everything that follows from them, however many
//! super-steps that is, comes out as one decision.

use alloc::vec::Vec;

use wforge_model::command::{Command, Fact};
use wforge_model::effect::{Question, Waiting};
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::head::RunStatus;
use wforge_model::{TaskId, Timestamp};

use crate::apply::apply;
use crate::decide::{Decision, decide};
use crate::expressions::Expressions;
use crate::frame::{Task, TaskStatus};
use crate::mocks;
use crate::run::Run;
use crate::site::Site;

/// Applies everything that follows from `facts` to `run`, and returns it. The run is ahead of the
/// log until the events are durable: a caller whose commit fails drops it and loads it again.
pub fn settle(
    run: &mut Run,
    facts: &[Fact],
    now: Timestamp,
    expressions: &dyn Expressions,
) -> Decision {
    let mut decision = Decision::default();
    for fact in facts {
        // A deadline that is due counts before whatever comes later, an answer above all.
        take(run, Some(&Fact::Time), now, expressions, &mut decision);
        take(run, Some(fact), now, expressions, &mut decision);
        while take(run, None, now, expressions, &mut decision) {}
        if matches!(fact, Fact::Loaded | Fact::Time) {
            let told = decision.commands.contains(&Command::HandleFailure);
            let due = due(run, now).into_iter();
            decision.commands.extend(due.filter(|c| !told || *c != Command::HandleFailure));
        }
    }
    decision.commands.extend(next_wake(run, now).map(|at| Command::WakeAt { at }));
    decision
}

fn take(
    run: &mut Run,
    fact: Option<&Fact>,
    now: Timestamp,
    expressions: &dyn Expressions,
    decision: &mut Decision,
) -> bool {
    let events = decide(run, fact, now, expressions);
    let any = !events.is_empty();
    for event in events {
        let dropped = dropped_by(run, &event);
        apply(run, &event);
        if !dropped.is_empty() {
            decision.commands.push(Command::Drop { tasks: dropped });
        }
        decision.commands.extend(commands_after(run, &event, now));
        decision.events.push(event);
    }
    any
}

/// The tasks under way in a subgraph that ends with an event.
fn dropped_by(run: &Run, event: &RunEvent) -> Vec<TaskId> {
    let around = match &event.kind {
        EventKind::TaskFinished(finished) => finished.task,
        EventKind::TaskRetried { task, .. }
        | EventKind::TaskFailed { task, handler: Some(_), .. } => *task,
        EventKind::RunQueued(_)
        | EventKind::RunStarted(_)
        | EventKind::StepPlanned { .. }
        | EventKind::SubgraphStarted { .. }
        | EventKind::TaskSuspended { .. }
        | EventKind::TaskResumed { .. }
        | EventKind::QuestionAnswered { .. }
        | EventKind::TaskFailed { handler: None, .. }
        | EventKind::StepCommitted { .. }
        | EventKind::RunCompleted { .. }
        | EventKind::RunFailed { .. }
        | EventKind::RunCancelled { .. }
        | EventKind::Interrupted { .. }
        | EventKind::QuestionAssigned { .. }
        | EventKind::PauseRequested { .. }
        | EventKind::Continued { .. }
        | EventKind::RunRevived { .. }
        | EventKind::FailureHandled { .. }
        | EventKind::RunBlocked { .. }
        | EventKind::RunUnblocked { .. } => return Vec::new(),
    };
    let mut dropped = Vec::new();
    collect_inside(run, around, &mut dropped);
    dropped
}

fn collect_inside(run: &Run, around: TaskId, dropped: &mut Vec<TaskId>) {
    for task in run.inner.get(&around).into_iter().flat_map(|frame| &frame.tasks) {
        if task.is_unfinished() {
            dropped.push(task.id);
        }
        collect_inside(run, task.id, dropped);
    }
}

/// The commands that go with an event that was just applied.
#[must_use]
pub fn commands_after(run: &Run, event: &RunEvent, now: Timestamp) -> Vec<Command> {
    let start = |id: &TaskId| run.task(*id).and_then(|task| start(run, task, now));
    match &event.kind {
        EventKind::StepPlanned { tasks, .. } => {
            tasks.iter().filter_map(|task| start(&task.id)).collect()
        }
        EventKind::RunUnblocked { .. } | EventKind::RunRevived { .. } => due(run, now),
        EventKind::TaskFailed { handler: Some(handler), .. } => {
            start(&handler.id).into_iter().collect()
        }
        EventKind::TaskResumed { task }
        | EventKind::QuestionAnswered { task, .. }
        | EventKind::TaskRetried { task, .. } => start(task).into_iter().collect(),
        EventKind::RunFailed { .. } if run.owes_failure_handling() => {
            alloc::vec![Command::StopTasks, Command::HandleFailure]
        }
        EventKind::RunCompleted { .. }
        | EventKind::RunFailed { .. }
        | EventKind::RunCancelled { .. }
        | EventKind::RunBlocked { .. } => alloc::vec![Command::StopTasks],
        EventKind::RunQueued(_)
        | EventKind::RunStarted(_)
        | EventKind::SubgraphStarted { .. }
        | EventKind::TaskSuspended { .. }
        | EventKind::TaskFinished(_)
        | EventKind::TaskFailed { handler: None, .. }
        | EventKind::StepCommitted { .. }
        | EventKind::Interrupted { .. }
        | EventKind::QuestionAssigned { .. }
        | EventKind::PauseRequested { .. }
        | EventKind::Continued { .. }
        | EventKind::FailureHandled { .. } => Vec::new(),
    }
}

/// Every task whose agent may be called now.
fn due(run: &Run, now: Timestamp) -> Vec<Command> {
    if run.owes_failure_handling() {
        return alloc::vec![Command::HandleFailure];
    }
    if run.status != RunStatus::Running {
        return Vec::new();
    }
    run.all_tasks().filter_map(|task| start(run, task, now)).collect()
}

fn start(run: &Run, task: &Task, now: Timestamp) -> Option<Command> {
    let site = run.site_of(task.id)?;
    let node = site.node(&task.node)?;
    let calls = site.pin(task).is_some() && !mocks::is_mocked(&site, task, node);
    let command = Command::Start { task: task.id, attempt: task.attempt };
    (calls && task.is_due(now)).then_some(command)
}

/// The next moment at which something is due by itself; none where nothing is.
#[must_use]
pub fn next_wake(run: &Run, now: Timestamp) -> Option<Timestamp> {
    if run.status != RunStatus::Running {
        return None;
    }
    let due = run.all_tasks().filter_map(|task| match &task.status {
        TaskStatus::Backoff(until) => (*until > now).then_some(*until),
        TaskStatus::Suspended(Waiting::Timer { until }) => Some(*until),
        TaskStatus::Suspended(waiting) => waiting.questions().iter().filter_map(next_of).min(),
        TaskStatus::Ready
        | TaskStatus::Inside
        | TaskStatus::Finished(_)
        | TaskStatus::Failed { .. } => None,
    });
    let steps = run.levels().filter_map(|ns| step_end(&run.site(ns)?, now));
    due.chain(steps).chain(wall_end(run, now)).min()
}

/// When nobody needs to answer a question any more, or it becomes somebody else's.
fn next_of(asked: &Question) -> Option<Timestamp> {
    let escalates = asked.escalation.as_ref().filter(|it| !it.done).map(|it| it.at);
    asked.deadline.into_iter().chain(escalates).min()
}

/// When `limits.wall` will be used up, where a task runs.
fn wall_end(run: &Run, now: Timestamp) -> Option<Timestamp> {
    let limit = run.workflow()?.limits.wall_ms_max;
    let left = limit.saturating_sub(run.worked_ms(now)).saturating_add(1);
    (limit > 0 && run.ready > 0).then(|| now.after_ms(left))
}

/// When `limits.step` of a level will be used up, where a task runs.
fn step_end(site: &Site<'_>, now: Timestamp) -> Option<Timestamp> {
    let limit = site.workflow.limits.step_ms_max;
    let left = limit.saturating_sub(site.step_worked_ms(now)).saturating_add(1);
    let runs = limit > 0 && site.run.ready > 0 && site.frame.unfinished > 0;
    runs.then(|| now.after_ms(left))
}
