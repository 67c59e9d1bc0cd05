//! Folds events into a run. Total: every event that was ever written can be applied.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;

use wforge_model::agent::Divergence;
use wforge_model::effect::{Answered, Waiting};
use wforge_model::event::{AssignedBy, EventKind, InterruptedAt, RunError, RunEvent, TaskFinished};
use wforge_model::head::RunStatus;
use wforge_model::{NodeId, Object, QuestionId, TaskId, Timestamp, Usage, Value};

use crate::finish::written_output;
use crate::frame::{Interruption, Task, TaskStatus};
use crate::run::Run;
use crate::{answers, levels, mocks, start};

/// Folds one recorded event into the run.
pub fn apply(run: &mut Run, event: &RunEvent) {
    run.seq = run.seq.next();
    let at = event.at;
    run.updated_at = at;
    match &event.kind {
        EventKind::RunQueued(queued) => {
            run.status = RunStatus::Queued;
            run.started_at = at;
            run.queued = Some(Arc::new(queued.start.clone()));
        }
        EventKind::RunStarted(started) => {
            start::start(run, started, at);
            run.border = run.seq;
        }
        EventKind::StepPlanned { ns, step, tasks } => levels::plan(run, *ns, *step, tasks, at),
        EventKind::StepCommitted { ns, .. } => commit(run, *ns),
        EventKind::SubgraphStarted { task, input, routes } => {
            levels::open(run, *task, input, routes);
        }
        EventKind::Interrupted { ns, when, nodes } => interrupt(run, *ns, *when, nodes),
        EventKind::PauseRequested { .. } => run.pauses = true,
        EventKind::Continued { steps, .. } => go_on(run, *steps),
        EventKind::TaskRetried { .. } => retry(run, event),
        EventKind::TaskSuspended { task, waiting } => {
            change(run, *task, |task| task.status = TaskStatus::Suspended(waiting.clone()));
        }
        EventKind::TaskResumed { task } => wake(run, *task),
        EventKind::QuestionAnswered { task, question, answer, by } => {
            count_call(run, *task);
            answers::note(run, *task, *question, answer.as_ref(), by);
            change(run, *task, |task| answer_question(task, *question, answer.as_ref(), at));
        }
        EventKind::QuestionAssigned { task, question, assignee, note, by } => {
            let to = (assignee.clone(), note.clone());
            change(run, *task, |task| put_to(task, *question, to, by));
        }
        EventKind::TaskFinished(finished) => finish_task(run, finished),
        EventKind::TaskFailed { .. } => fail_task(run, event),
        EventKind::RunCompleted { outcome, output } => complete(run, outcome.as_ref(), output),
        EventKind::RunFailed { error } => {
            run.error = Some(error.clone());
            run.status = RunStatus::Failed;
        }
        EventKind::RunCancelled { rolled_back: true, .. } => run.status = RunStatus::RolledBack,
        EventKind::RunCancelled { .. } => run.status = RunStatus::Cancelled,
        EventKind::RunBlocked { task, divergence } => {
            run.error = Some(blocked(run, *task, divergence));
            run.status = RunStatus::Blocked;
            run.blocked_by = Some(*task);
        }
        EventKind::RunUnblocked { task, .. } => {
            run.status = RunStatus::Running;
            run.blocked_by = None;
            run.error = None;
            change(run, *task, |task| begin_again(task, at));
        }
        EventKind::RunRevived { .. } => revive(run, at),
        EventKind::FailureHandled { .. } => run.failure_handled = true,
    }
    keep_time(run, at);
}

/// Why an operator is needed: both requests, in words.
fn blocked(run: &Run, task: TaskId, divergence: &Divergence) -> RunError {
    let Divergence { position, recorded, asked } = divergence;
    RunError {
        code: "nondeterministic".into(),
        message: alloc::format!(
            "at its effect {position}, \"{recorded}\" is recorded, and \"{asked}\" was asked"
        ),
        node: run.task(task).map(|task| task.node.clone()),
        task: Some(task),
        failure: None,
    }
}

fn commit(run: &mut Run, ns: Option<TaskId>) {
    levels::commit(run, ns);
    if ns.is_none() {
        run.border = run.seq;
        answers::forget(run);
    }
}

fn go_on(run: &mut Run, steps: Option<u32>) {
    run.pauses = false;
    run.steps_left = steps;
    let frames = run.inner.values_mut().chain(core::iter::once(&mut run.root));
    frames.for_each(|frame| {
        // A level whose tasks are under way did not stand at the border that is passed.
        frame.passes = frame.interrupted.take().is_some() || frame.unfinished == 0;
    });
}

fn wake(run: &mut Run, task: TaskId) {
    count_call(run, task);
    change(run, task, |task| {
        // Who waited for an operator has slept no sleep of its own.
        if !matches!(task.status, TaskStatus::Suspended(Waiting::Quarantine { .. })) {
            task.slept = task.slept.saturating_add(1);
        }
        task.status = TaskStatus::Ready;
    });
}

fn fail_task(run: &mut Run, event: &RunEvent) {
    let EventKind::TaskFailed { task, failure, handler, usage, .. } = &event.kind else {
        return;
    };
    note_usage(run, *task, usage);
    let (failure, handled) = (failure.clone(), handler.is_some());
    if handled {
        levels::drop_inside(run, *task);
    }
    change(run, *task, |task| task.status = TaskStatus::Failed { failure, handled });
    if let Some(handler) = handler {
        levels::add_handler(run, *task, handler, event.at);
    }
}

fn complete(run: &mut Run, outcome: Option<&String>, output: &Object) {
    run.outcome = outcome.cloned();
    run.output = Some(match run.site(None) {
        Some(site) if output.is_empty() => written_output(&site),
        Some(_) | None => output.clone(),
    });
    run.status = RunStatus::Completed;
}

fn interrupt(run: &mut Run, ns: Option<TaskId>, when: InterruptedAt, nodes: &[NodeId]) {
    if let Some(frame) = run.frame_mut(ns) {
        frame.interrupted = Some(Interruption { when, nodes: nodes.to_vec() });
    }
}

fn retry(run: &mut Run, event: &RunEvent) {
    let EventKind::TaskRetried {
        task, attempt, failure, at, kept_effects, falls_back, usage, ..
    } = &event.kind
    else {
        return;
    };
    note_usage(run, *task, usage);
    levels::drop_inside(run, *task);
    count_call(run, *task);
    change(run, *task, |task| {
        task.status = TaskStatus::Backoff(*at);
        task.attempt = attempt.saturating_add(1);
        task.kept_effects = *kept_effects;
        task.began_at = *at;
        task.slept = 0;
        if *falls_back {
            task.on_fallback = true;
            task.first_attempt = task.attempt;
            task.instead_of = Some(failure.clone());
        }
    });
}

/// The clock of `limits.wall`: it runs while a task may run.
fn keep_time(run: &mut Run, at: Timestamp) {
    let works = run.status == RunStatus::Running && run.ready > 0;
    match (run.working_since, works) {
        (None, true) => run.working_since = Some(at),
        (Some(since), false) => {
            run.worked_ms = run.worked_ms.saturating_add(at.0.saturating_sub(since.0));
            run.working_since = None;
        }
        (None, false) | (Some(_), true) => {}
    }
}

/// Changes a task, and the counts that follow from how tasks stand.
pub(crate) fn change(run: &mut Run, id: TaskId, change: impl FnOnce(&mut Task)) {
    let Some((ns, place)) = run.place_of.get(&id).copied() else {
        return;
    };
    let Some(frame) = run.frame_mut(ns) else {
        return;
    };
    let Some(task) = frame.tasks.get_mut(place) else {
        return;
    };
    let (was_open, was_ready) = (task.is_unfinished(), task.is_ready());
    change(task);
    let (is_open, is_ready) = (task.is_unfinished(), task.is_ready());
    match (was_open, is_open) {
        (true, false) => frame.unfinished = frame.unfinished.saturating_sub(1),
        (false, true) => frame.unfinished += 1,
        (true, true) | (false, false) => {}
    }
    match (was_ready, is_ready) {
        (true, false) => run.ready = run.ready.saturating_sub(1),
        (false, true) => run.ready += 1,
        (true, true) | (false, false) => {}
    }
}

/// Another attempt with an empty record, people's answers excepted.
fn begin_again(task: &mut Task, at: Timestamp) {
    task.status = TaskStatus::Ready;
    task.attempt = task.attempt.saturating_add(1);
    task.first_attempt = task.attempt;
    task.kept_effects = 0;
    task.slept = 0;
    task.began_at = at;
}

/// Every task that failed begins again; one that runs a subgraph goes on inside it.
fn revive(run: &mut Run, at: Timestamp) {
    run.status = RunStatus::Running;
    run.error = None;
    run.failure_handled = false;
    let failed = |task: &&Task| matches!(task.status, TaskStatus::Failed { handled: false, .. });
    let failed: alloc::vec::Vec<TaskId> = run.all_tasks().filter(failed).map(|t| t.id).collect();
    for id in failed {
        let is_inside = run.inner.contains_key(&id);
        if !is_inside {
            count_call(run, id);
        }
        change(run, id, |task| {
            if is_inside {
                task.status = TaskStatus::Inside;
            } else {
                begin_again(task, at);
            }
        });
    }
}

fn answer_question(task: &mut Task, question: QuestionId, answer: Option<&Value>, at: Timestamp) {
    let TaskStatus::Suspended(waiting) = &task.status else { return };
    let Some(asked) = waiting.questions().iter().find(|asked| asked.id == question) else {
        return;
    };
    task.answers.push(Answered { question, request: asked.request, answer: answer.cloned(), at });
    task.status = waiting.without(question).map_or(TaskStatus::Ready, TaskStatus::Suspended);
}

/// A question escalates once.
fn put_to(
    task: &mut Task,
    question: QuestionId,
    (assignee, note): (Option<String>, Option<String>),
    by: &AssignedBy,
) {
    let TaskStatus::Suspended(waiting) = &mut task.status else { return };
    let Some(asked) = waiting.questions_mut().iter_mut().find(|asked| asked.id == question) else {
        return;
    };
    (asked.assignee, asked.note) = (assignee, note);
    if let Some(escalation) = asked.escalation.as_mut().filter(|_| *by == AssignedBy::Escalation) {
        escalation.done = true;
    }
}

/// What a task used grows from attempt to attempt, and counts once for its run.
fn note_usage(run: &mut Run, id: TaskId, usage: &Usage) {
    let Some(task) = run.task(id).filter(|_| !usage.is_none()) else { return };
    let more = usage.since(&task.usage);
    run.usage.add(&more);
    change(run, id, |task| task.usage.clone_from(usage));
}

fn finish_task(run: &mut Run, finished: &Arc<TaskFinished>) {
    note_usage(run, finished.task, &finished.usage);
    levels::keep_state(run, finished.task);
    levels::drop_inside(run, finished.task);
    run.degraded |= finished.stands_in;
    run.tasks_finished = run.tasks_finished.saturating_add(1);
    change(run, finished.task, |task| {
        task.status = TaskStatus::Finished(finished.clone());
    });
}

/// Counts a call of a node whose script does.
pub(crate) fn count_call(run: &mut Run, id: TaskId) {
    let Some(task) = run.task(id) else { return };
    let told = run.site_of(id).and_then(|site| mocks::told(&site, task, site.node(&task.node)?));
    let counts = told.is_some_and(|told| !told.script.is_empty());
    if counts {
        let path = run.node_path(run.level_of(id), &task.node);
        let calls = run.called.entry(path).or_default();
        *calls = calls.saturating_add(1);
    }
}

/// A JSON object as bindings.
pub(crate) fn shared(bindings: &Object) -> BTreeMap<String, Arc<Value>> {
    bindings.iter().map(|(name, value)| (name.clone(), Arc::new(value.clone()))).collect()
}
