//! Folds events into a run. Total: every event that was ever written can be applied.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::effect::{Answered, Waiting};
use wforge_model::event::{EventKind, PlannedTask, Route, RunEvent, RunStarted, TaskFinished};
use wforge_model::head::RunStatus;
use wforge_model::{NodeId, Object, QuestionId, TaskId, Timestamp, Value};

use crate::reduce::reduce;
use crate::run::{Run, Send, Task, TaskStatus};
use crate::step::written;

/// Folds one recorded event into the run.
pub fn apply(run: &mut Run, event: &RunEvent) {
    run.seq = run.seq.next();
    let at = event.at;
    match &event.kind {
        EventKind::RunStarted(started) => start(run, started, at),
        EventKind::StepPlanned { step, tasks } => plan(run, *step, tasks, at),
        EventKind::TaskRetried { task, attempt, at: next_at, kept_effects, .. } => {
            change(run, *task, |task| {
                task.status = TaskStatus::Backoff(*next_at);
                task.attempt = attempt.saturating_add(1);
                task.kept_effects = *kept_effects;
                task.began_at = *next_at;
            });
        }
        EventKind::TaskSuspended { task, waiting } => {
            change(run, *task, |task| {
                task.status = TaskStatus::Suspended(waiting.clone());
            });
        }
        EventKind::TaskResumed { task } => {
            change(run, *task, |task| task.status = TaskStatus::Ready);
        }
        EventKind::QuestionAnswered { task, question, answer, .. } => {
            change(run, *task, |task| {
                answer_question(task, *question, answer.as_ref(), at);
            });
        }
        EventKind::TaskFinished(finished) => finish_task(run, finished),
        EventKind::TaskFailed { task, failure, .. } => {
            change(run, *task, |task| {
                task.status = TaskStatus::Failed(failure.clone());
            });
        }
        EventKind::StepCommitted { .. } => commit(run),
        EventKind::RunCompleted { outcome, output } => {
            run.outcome.clone_from(outcome);
            run.output = Some(output.clone());
            run.status = RunStatus::Completed;
        }
        EventKind::RunFailed { error } => {
            run.error = Some(error.clone());
            run.status = RunStatus::Failed;
        }
        EventKind::RunCancelled { .. } => run.status = RunStatus::Cancelled,
        EventKind::RunBlocked { task, .. } => {
            run.status = RunStatus::Blocked;
            run.blocked_by = Some(*task);
        }
        EventKind::RunUnblocked { task, .. } => {
            run.status = RunStatus::Running;
            run.blocked_by = None;
            change(run, *task, |task| {
                task.status = TaskStatus::Ready;
                task.attempt = task.attempt.saturating_add(1);
                task.kept_effects = 0;
                task.began_at = at;
            });
        }
    }
    keep_time(run, at);
}

/// The clock of `limits.wall`: it runs while a task may run.
fn keep_time(run: &mut Run, at: Timestamp) {
    let works = run.status == RunStatus::Running
        && run.tasks.iter().any(|task| matches!(task.status, TaskStatus::Ready));
    match (run.working_since, works) {
        (None, true) => run.working_since = Some(at),
        (Some(since), false) => {
            run.worked_ms = run.worked_ms.saturating_add(at.0.saturating_sub(since.0));
            run.working_since = None;
        }
        (None, false) | (Some(_), true) => {}
    }
}

fn start(run: &mut Run, started: &RunStarted, at: Timestamp) {
    run.started_at = at;
    run.started = Some(Arc::new(started.clone()));
    if let Some(workflow) = run.workflow.clone() {
        for (key, spec) in &workflow.state {
            if let Some(value) = spec.default.clone().or_else(|| spec.reducer.initial()) {
                run.state.insert(key.clone(), Arc::new(value));
            }
        }
        let input = crate::begin::input_writes(&started.input);
        let start_node = input.iter().map(|(node, write)| (node, write));
        // A failure here was found before the event was written.
        for (key, value) in reduce(&workflow.state, &run.state, start_node).unwrap_or_default() {
            run.state.insert(key, value);
        }
    }
    measure(run);
    for route in &started.routes {
        take(run, route);
    }
}

fn plan(run: &mut Run, step: u32, planned: &[PlannedTask], at: Timestamp) {
    run.step = step;
    run.degraded_before_step = run.degraded;
    let sends = core::mem::take(&mut run.pending.sends);
    run.tasks = planned.iter().map(|task| new_task(task, &sends, at)).collect();
    run.place_of = run.tasks.iter().map(|task| task.id).zip(0..).collect();
    run.unfinished = run.tasks.len();
    let triggered: Vec<&NodeId> =
        planned.iter().filter(|task| task.send.is_none()).map(|task| &task.node).collect();
    for node in &triggered {
        run.pending.nodes.remove(*node);
    }
    let Some(workflow) = run.workflow.clone() else {
        return;
    };
    for (arrived, barrier) in run.arrived.iter_mut().zip(workflow.barriers()) {
        // Consumed: the barrier fills anew.
        if triggered.contains(&&barrier.target) && arrived.len() == barrier.sources.len() {
            arrived.clear();
        }
    }
}

fn new_task(planned: &PlannedTask, sends: &[Send], at: Timestamp) -> Task {
    let send = planned.send.and_then(|place| sends.get(usize::try_from(place).ok()?));
    Task {
        id: planned.id,
        node: planned.node.clone(),
        status: TaskStatus::Ready,
        attempt: 1,
        began_at: at,
        kept_effects: 0,
        answers: Vec::new(),
        send: send.cloned(),
    }
}

fn change(run: &mut Run, task: TaskId, change: impl FnOnce(&mut Task)) {
    let Some(task) = run.task_mut(task) else {
        return;
    };
    let was = task.is_unfinished();
    change(task);
    if was && !task.is_unfinished() {
        run.unfinished = run.unfinished.saturating_sub(1);
    }
}

fn answer_question(task: &mut Task, question: QuestionId, answer: Option<&Value>, at: Timestamp) {
    let TaskStatus::Suspended(Waiting::Question(asked)) = &task.status else {
        return;
    };
    if asked.id == question {
        let request = asked.request;
        task.answers.push(Answered { question, request, answer: answer.cloned(), at });
        task.status = TaskStatus::Ready;
    }
}

fn finish_task(run: &mut Run, finished: &TaskFinished) {
    run.degraded |= finished.stands_in;
    change(run, finished.task, |task| {
        task.status = TaskStatus::Finished(Box::new(finished.clone()));
    });
}

fn commit(run: &mut Run) {
    let Some(workflow) = run.workflow.clone() else {
        return;
    };
    // A failure here was found before the event was written.
    let values = reduce(&workflow.state, &run.state, written(run)).unwrap_or_default();
    let tasks = core::mem::take(&mut run.tasks);
    run.place_of.clear();
    run.pending.sends.clear();
    run.pending.outcomes.clear();
    for (key, value) in values {
        run.state_bytes.insert(key.clone(), json_bytes(&value));
        run.state.insert(key, value);
    }
    for task in &tasks {
        if let TaskStatus::Finished(finished) = &task.status {
            for route in &finished.routes {
                take(run, route);
            }
        }
    }
}

/// Notes where a route leads.
fn take(run: &mut Run, route: &Route) {
    match route {
        Route::Node(node) => {
            run.pending.nodes.insert(node.clone());
        }
        Route::Arrive { edge, from } => {
            let Some(workflow) = run.workflow.clone() else {
                return;
            };
            for (arrived, barrier) in run.arrived.iter_mut().zip(workflow.barriers()) {
                if barrier.edge == *edge {
                    arrived.insert(from.clone());
                }
            }
        }
        Route::Each { name, items, to } => {
            for item in items {
                let item = Arc::new(item.clone());
                let sends = to.iter().map(|to| Send {
                    to: to.clone(),
                    bindings: BTreeMap::from([(name.clone(), item.clone())]),
                    sent: Arc::new(Value::Null),
                });
                run.pending.sends.extend(sends);
            }
        }
        Route::Send { to, bindings, sent } => {
            let sent = Arc::new(sent.clone().unwrap_or_default());
            run.pending.sends.push(Send { to: to.clone(), bindings: shared(bindings), sent });
        }
        Route::Outcome(outcome) => {
            run.pending.outcomes.insert(outcome.clone());
        }
    }
}

fn shared(bindings: &Object) -> BTreeMap<String, Arc<Value>> {
    bindings.iter().map(|(name, value)| (name.clone(), Arc::new(value.clone()))).collect()
}

fn measure(run: &mut Run) {
    let sizes = run.state.iter().map(|(key, value)| (key.clone(), json_bytes(value)));
    run.state_bytes = sizes.collect();
}

/// The length of a value as compact JSON, without writing it.
pub(crate) fn json_bytes(value: &Value) -> u64 {
    match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => items.iter().map(|item| json_bytes(item) + 1).sum::<u64>() + 2,
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| name.len() as u64 + 4 + json_bytes(value);
            fields.iter().map(field).sum::<u64>() + 2
        }
    }
}
