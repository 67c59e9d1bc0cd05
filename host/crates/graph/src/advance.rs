//! What follows from how a run stands, level by level: tasks that need nobody, commits, ends.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::event::{EventKind, InterruptedAt, PlannedTask, Route, RunError};
use wforge_model::mock::OnDegraded;
use wforge_model::workflow::Work;
use wforge_model::{Failure, NodeId, Object, Problem, Value};

use crate::call::missing;
use crate::decide::Decider;
use crate::finish::{Provenance, end, written_output};
use crate::frame::{Task, TaskStatus};
use crate::mocks;
use crate::outcome::Failed;
use crate::result::TaskResult;
use crate::site::Site;
use crate::step::{check_commit, next_tasks, run_error};
use crate::subgraph;

impl Decider<'_> {
    /// What follows from how the run stands: of its levels, the first from which anything does.
    pub(crate) fn advance(&self) -> Vec<EventKind> {
        let Some(root) = self.run.site(None) else {
            return Vec::new();
        };
        if self.run.started.as_ref().is_some_and(|started| started.origin.ends_at_once()) {
            return alloc::vec![self.completed(None, written_output(&root))];
        }
        if let Some(error) = self.over_limits(&root) {
            return alloc::vec![EventKind::RunFailed { error }];
        }
        let levels = self.run.open_levels().into_iter().filter_map(|ns| self.run.site(ns));
        levels.map(|site| self.level(&site)).find(|events| !events.is_empty()).unwrap_or_default()
    }

    fn over_limits(&self, root: &Site<'_>) -> Option<RunError> {
        let limit = root.workflow.limits.wall_ms_max;
        let worked = self.run.worked_ms(self.now);
        if limit > 0 && worked > limit {
            let message = format!("tasks ran for {worked} ms, more than limits.wall = {limit} ms");
            return Some(run_error("wall_limit", message));
        }
        let fails = self.run.degraded && root.workflow.mock.on_degraded == OnDegraded::Fail;
        fails.then(|| {
            let message = "the mock agent stood in for an agent, and mock.on_degraded is `fail`";
            run_error("degraded", message.into())
        })
    }

    fn level(&self, site: &Site<'_>) -> Vec<EventKind> {
        if let Some(error) = self.step_over_time(site).or_else(|| failed_task(site)) {
            return self.level_failed(site, error);
        }
        if let Some((task, to, sent)) = left_by(site) {
            return self.leave(site, task, to, sent);
        }
        let tasks = site.frame.tasks.iter();
        let local: Vec<EventKind> = tasks.flat_map(|task| self.local(site, task)).collect();
        if !local.is_empty() {
            return local;
        }
        match (site.frame.unfinished, site.frame.tasks.is_empty()) {
            (0, true) => self.plan(site),
            (0, false) => self.commit(site),
            (_, _) => Vec::new(),
        }
    }

    fn step_over_time(&self, site: &Site<'_>) -> Option<RunError> {
        let limit = site.workflow.limits.step_ms_max;
        let worked = site.step_worked_ms(self.now);
        let over = limit > 0 && worked > limit && site.frame.unfinished > 0;
        over.then(|| {
            let step = site.frame.step;
            let message = format!(
                "tasks of super-step {step} ran for {worked} ms, more than limits.step = {limit} ms"
            );
            run_error("step_timeout", message)
        })
    }

    /// What is decided without anything outside: `set`, mocks, questions of nodes, subgraphs.
    fn local(&self, site: &Site<'_>, task: &Task) -> Vec<EventKind> {
        let (true, Some(node)) = (task.is_due(self.now), site.node(&task.node)) else {
            return Vec::new();
        };
        if mocks::is_mocked(site, task, node) {
            return self.mocked(site, task, node);
        }
        match &node.work {
            Work::Set(_) => {
                let result = TaskResult::of(Value::Null);
                alloc::vec![self.settle(site, task, &result, Provenance::live(0))]
            }
            Work::Ask(ask) => self.ask(site, task, ask),
            Work::Workflow(subgraph) => alloc::vec![self.enter(site, task, node, subgraph)],
            Work::Agent(_) if site.pin(task).is_none() => {
                alloc::vec![self.failed(site, task, Failed::of(missing(node)))]
            }
            Work::Agent(_) | Work::Mock => Vec::new(),
        }
    }

    fn commit(&self, site: &Site<'_>) -> Vec<EventKind> {
        if let Err(error) = check_commit(site, self.expressions) {
            return self.level_failed(site, *error);
        }
        let step = site.frame.step;
        let mut events = alloc::vec![EventKind::StepCommitted { ns: site.ns, step }];
        let nodes = site.frame.tasks.iter().map(|task| &task.node);
        events.extend(pause(site, InterruptedAt::After, nodes));
        events
    }

    fn plan(&self, site: &Site<'_>) -> Vec<EventKind> {
        if site.frame.interrupted.is_some() {
            return Vec::new();
        }
        let tasks = next_tasks(site);
        if tasks.is_empty() || !site.frame.pending.outcomes.is_empty() {
            return self.level_ended(site);
        }
        if site.is_held() {
            return Vec::new();
        }
        if !site.frame.passes {
            let nodes = tasks.iter().map(|task| &task.node);
            if let Some(event) = pause(site, InterruptedAt::Before, nodes) {
                return alloc::vec![event];
            }
        }
        match over_plan(site, &tasks) {
            Some(error) => self.level_failed(site, error),
            None => {
                let step = site.frame.step.saturating_add(1);
                alloc::vec![EventKind::StepPlanned { ns: site.ns, step, tasks }]
            }
        }
    }

    /// The end of the run, or the result of the task around the level.
    fn level_ended(&self, site: &Site<'_>) -> Vec<EventKind> {
        match (end(site), self.around(site)) {
            (Err(error), _) => self.level_failed(site, *error),
            (Ok(end), None) => {
                let (outcome, output) = (end.outcome, end.output);
                alloc::vec![self.completed(outcome, output)]
            }
            (Ok(end), Some((outer, task))) => {
                let elapsed_ms = self.now.0.saturating_sub(task.began_at.0);
                let result = TaskResult::of(Value::Object(end.output));
                alloc::vec![self.settle(&outer, task, &result, Provenance::live(elapsed_ms))]
            }
        }
    }

    /// The end of the run. What a thread's runs return grows with the thread, so their events do
    /// not repeat it: it is in the state.
    fn completed(&self, outcome: Option<String>, output: Object) -> EventKind {
        let threaded = self.run.started.as_ref().is_some_and(|started| started.thread.is_some());
        let output = if threaded { Object::new() } else { output };
        EventKind::RunCompleted { outcome, output }
    }

    /// The failure of the run, or of the task around the level.
    fn level_failed(&self, site: &Site<'_>, error: RunError) -> Vec<EventKind> {
        let Some((outer, task)) = self.around(site) else {
            return alloc::vec![EventKind::RunFailed { error }];
        };
        let elapsed_ms = self.now.0.saturating_sub(task.began_at.0);
        let failure = error.failure.unwrap_or_else(|| {
            let message = format!("{}: {}", site.workflow.title(), error.message);
            Failure::Failed(Problem::new(&error.code, message))
        });
        let failed = Failed::after(failure, elapsed_ms);
        alloc::vec![self.failed(&outer, task, failed)]
    }

    /// A task inside a subgraph took an exit to the workflow around it: the subgraph ends, and what
    /// that task wrote is its result.
    fn leave(
        &self,
        site: &Site<'_>,
        left: &Task,
        to: &NodeId,
        sent: Option<&Value>,
    ) -> Vec<EventKind> {
        let Some((outer, task)) = self.around(site) else {
            let failure = subgraph::no_parent(left);
            return alloc::vec![self.fail(site, left, Failed::of(failure))];
        };
        let elapsed_ms = self.now.0.saturating_sub(task.began_at.0);
        match subgraph::result_on_leaving(site, &outer, (left, task), self.expressions) {
            Ok(mut result) => {
                result.routes.push(subgraph::route_out(&outer, task, to, sent));
                alloc::vec![self.settle(&outer, task, &result, Provenance::live(elapsed_ms))]
            }
            Err(failure) => {
                let failed = Failed::after(failure, elapsed_ms);
                alloc::vec![self.failed(&outer, task, failed)]
            }
        }
    }

    /// The task that runs a level, where one does, and the level it belongs to.
    fn around<'b>(&'b self, site: &Site<'_>) -> Option<(Site<'b>, &'b Task)> {
        let ns = site.ns?;
        Some((self.run.site_of(ns)?, self.run.task(ns)?))
    }
}

/// The first failure that nobody handles ends the level and everything that still runs in it.
fn failed_task(site: &Site<'_>) -> Option<RunError> {
    site.frame.tasks.iter().find_map(|task| match &task.status {
        TaskStatus::Failed { failure, handled: false } => Some(RunError {
            code: failure.code().into(),
            message: format!("node {} failed: {failure}", task.node),
            node: Some(task.node.clone()),
            task: Some(task.id),
            failure: Some(failure.clone()),
        }),
        TaskStatus::Failed { handled: true, .. }
        | TaskStatus::Ready
        | TaskStatus::Backoff(_)
        | TaskStatus::Suspended(_)
        | TaskStatus::Inside
        | TaskStatus::Finished(_) => None,
    })
}

/// The task that took an exit to the parent, and where that leads.
fn left_by<'a>(site: &Site<'a>) -> Option<(&'a Task, &'a NodeId, Option<&'a Value>)> {
    site.frame.tasks.iter().find_map(|task| {
        task.finished()?.routes.iter().find_map(|route| match route {
            Route::Parent { to, sent } => Some((task, to, sent.as_ref())),
            Route::Node(_)
            | Route::Arrive { .. }
            | Route::Each { .. }
            | Route::Send { .. }
            | Route::Outcome(_) => None,
        })
    })
}

/// The pause at those of the nodes that the workflow names for it.
fn pause<'a>(
    site: &Site<'_>,
    when: InterruptedAt,
    nodes: impl Iterator<Item = &'a NodeId>,
) -> Option<EventKind> {
    let named = match when {
        InterruptedAt::Before => &site.workflow.interrupt.before,
        InterruptedAt::After => &site.workflow.interrupt.after,
    };
    if named.is_empty() {
        return None;
    }
    let nodes: BTreeSet<&NodeId> = nodes.filter(|node| named.contains(node)).collect();
    let nodes: Vec<NodeId> = nodes.into_iter().cloned().collect();
    (!nodes.is_empty()).then(|| EventKind::Interrupted { ns: site.ns, when, nodes })
}

fn over_plan(site: &Site<'_>, tasks: &[PlannedTask]) -> Option<RunError> {
    let limits = &site.workflow.limits;
    if site.frame.step >= limits.steps_max {
        let message = format!(
            "the run took {} super-steps, the most that limits.steps allows; raise it, or end the \
             loop",
            limits.steps_max
        );
        return Some(run_error("step_limit", message));
    }
    let over = tasks.len() as u64 > u64::from(limits.tasks_per_step_max);
    over.then(|| {
        let message = format!(
            "super-step {} would have {} tasks, more than limits.tasks_per_step_max = {}",
            site.frame.step + 1,
            tasks.len(),
            limits.tasks_per_step_max
        );
        run_error("task_limit", message)
    })
}
