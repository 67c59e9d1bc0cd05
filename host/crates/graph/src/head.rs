//! The row under which lists show a run, projected from the folded run by one pure function.

use alloc::vec::Vec;

use wforge_model::TenantId;
use wforge_model::effect::Waiting;
use wforge_model::head::{RunHead, RunStatus, WaitReason, WaitingFor};

use crate::frame::{Task, TaskStatus};
use crate::run::Run;

/// The row of a run.
#[must_use]
pub fn head_of(tenant: &TenantId, run: &Run) -> RunHead {
    let mut head = RunHead::new(tenant.clone(), run.id);
    if let Some(started) = run.started.as_ref().or(run.queued.as_ref()) {
        head.workflow.clone_from(&started.workflow);
        head.version = alloc::string::ToString::to_string(&started.version);
        head.digest = Some(started.digest);
        head.thread = started.thread;
        head.base = started.base;
        head.by.clone_from(&started.by);
        head.labels.clone_from(&started.labels);
    }
    head.seq = run.seq;
    head.status = run.standing();
    head.outcome.clone_from(&run.outcome);
    head.degraded = run.degraded;
    head.step = run.step();
    head.tasks_finished = run.tasks_finished;
    head.tasks_open = run.all_tasks().filter(|task| task.is_unfinished()).count() as u64;
    head.started_at = run.started_at;
    head.updated_at = run.updated_at;
    head.error.clone_from(&run.error);
    head.waiting_for = waiting_for(run);
    head.usage.clone_from(&run.usage);
    head
}

/// What a run waits for; empty where it has ended, and where nothing is to be waited for: then
/// something is about to be decided, or the run is stuck.
#[must_use]
pub fn waiting_for(run: &Run) -> Vec<WaitingFor> {
    let whole = |waiting| alloc::vec![WaitingFor { task: None, node: None, waiting }];
    match run.status {
        RunStatus::Queued => whole(WaitReason::Turn),
        RunStatus::Blocked => whole(WaitReason::Operator),
        RunStatus::Failed if run.owes_failure_handling() => whole(WaitReason::FailureHandler),
        RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled | RunStatus::RolledBack => {
            Vec::new()
        }
        RunStatus::Running | RunStatus::Waiting | RunStatus::Paused => under_way(run),
    }
}

fn under_way(run: &Run) -> Vec<WaitingFor> {
    let mut entries: Vec<WaitingFor> = run.all_tasks().flat_map(of_task).collect();
    if run.ready > 0 {
        let waiting = WaitReason::Calls { count: run.ready as u64 };
        entries.push(WaitingFor { task: None, node: None, waiting });
    }
    let moves = run.all_tasks().any(Task::is_unfinished);
    let held = run
        .levels()
        .filter_map(|ns| run.site(ns))
        .filter(|site| site.is_held() && (site.frame.interrupted.is_some() || !moves));
    entries.extend(held.map(|site| {
        let interrupted = site.frame.interrupted.as_ref();
        let when = interrupted.map(|interruption| interruption.when);
        let nodes = interrupted.map(|interruption| interruption.nodes.clone()).unwrap_or_default();
        let node = site.ns.and_then(|ns| run.task(ns)).map(|task| task.node.clone());
        WaitingFor { task: site.ns, node, waiting: WaitReason::Resume { when, nodes } }
    }));
    entries
}

fn of_task(task: &Task) -> Vec<WaitingFor> {
    let entry =
        |waiting| WaitingFor { task: Some(task.id), node: Some(task.node.clone()), waiting };
    match &task.status {
        TaskStatus::Suspended(Waiting::Timer { until }) | TaskStatus::Backoff(until) => {
            alloc::vec![entry(WaitReason::Timer { until: *until })]
        }
        TaskStatus::Suspended(Waiting::Quarantine { component, reason }) => {
            let (component, reason) = (*component, reason.clone());
            alloc::vec![entry(WaitReason::Quarantine { component, reason })]
        }
        TaskStatus::Suspended(waiting) => {
            let asked = waiting.questions().iter().cloned();
            asked.map(|asked| entry(WaitReason::Question(asked))).collect()
        }
        TaskStatus::Ready
        | TaskStatus::Inside
        | TaskStatus::Finished(_)
        | TaskStatus::Failed { .. } => Vec::new(),
    }
}
