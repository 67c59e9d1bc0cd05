//! How a level of a run changes: a super-step is planned and committed, a subgraph opens and goes.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::event::{PlannedTask, Route};
use wforge_model::workflow::{Persist, Work};
use wforge_model::{NodeId, Object, TaskId, Timestamp, Value};

use crate::apply::{change, count_call, shared};
use crate::bytes::json_bytes;
use crate::carried::Kept;
use crate::expressions::State;
use crate::frame::{Frame, Pending, Send, Task, TaskStatus};
use crate::reduce::reduced;
use crate::run::Run;
use crate::start::first_state;
use crate::step::written;
use crate::workflow::Workflow;

/// A super-step begins.
pub(crate) fn plan(
    run: &mut Run,
    ns: Option<TaskId>,
    step: u32,
    planned: &[PlannedTask],
    at: Timestamp,
) {
    let (degraded, worked) = (run.degraded, run.worked_ms(at));
    let Some(workflow) = workflow_of(run, ns) else { return };
    let Some(frame) = run.frame_mut(ns) else { return };
    frame.step = step;
    frame.passes = false;
    frame.degraded_before_step = degraded;
    frame.worked_before_step_ms = worked;
    let sends = core::mem::take(&mut frame.pending.sends);
    frame.tasks = planned.iter().map(|task| new_task(task, &sends, at)).collect();
    frame.unfinished = frame.tasks.len();
    use_triggers(frame, &workflow, planned);
    run.ready += planned.len();
    for (place, task) in planned.iter().enumerate() {
        run.place_of.insert(task.id, (ns, place));
        count_call(run, task.id);
    }
    if ns.is_none() {
        run.steps_left = run.steps_left.map(|left| left.saturating_sub(1));
    }
}

/// What led to the tasks leads to nothing more. A deferred node that starts beside others because
/// its turn had come leaves what has led to it since: for that it waits again.
fn use_triggers(frame: &mut Frame, workflow: &Workflow, planned: &[PlannedTask]) {
    let waits = |node: &NodeId| workflow.is_deferred(node);
    let is_end = planned.iter().all(|task| task.send.is_none() && waits(&task.node));
    let Pending { nodes, due, .. } = &mut frame.pending;
    for task in planned.iter().filter(|task| task.send.is_none()) {
        let uses_all = is_end || !waits(&task.node);
        if due.remove(&task.node) || uses_all {
            nodes.remove(&task.node);
        }
        for (arrivals, barrier) in frame.arrived.iter_mut().zip(workflow.barriers()) {
            let leads_here = barrier.target == task.node && arrivals.is_full(barrier);
            if leads_here && (uses_all || arrivals.due) {
                arrivals.fire(barrier);
            }
        }
    }
}

fn new_task(planned: &PlannedTask, sends: &[Send], at: Timestamp) -> Task {
    let send = planned.send.and_then(|place| sends.get(usize::try_from(place).ok()?));
    Task::new(planned.id, planned.node.clone(), send.cloned(), at)
}

/// The task that handles a failure joins the super-step: it sees the names of the one that failed,
/// and the failure as `sent`.
pub(crate) fn add_handler(run: &mut Run, failed: TaskId, planned: &PlannedTask, at: Timestamp) {
    let Some((ns, place)) = run.place_of.get(&failed).copied() else { return };
    let Some(task) = run.task(failed) else { return };
    let TaskStatus::Failed { failure, .. } = &task.status else { return };
    let sent = Arc::new(crate::failure::sent(&task.node, failure));
    let send = Send { to: planned.node.clone(), bindings: task.bindings().clone(), sent };
    let Some(frame) = run.frame_mut(ns) else { return };
    // Beside the one that failed, in whose place its writes count.
    let handler = Task::new(planned.id, planned.node.clone(), Some(send), at);
    frame.tasks.insert(frame.tasks.len().min(place + 1), handler);
    frame.unfinished += 1;
    let places = (0..).zip(&frame.tasks).map(|(place, task)| (task.id, (ns, place)));
    let places: Vec<_> = places.skip(place).collect();
    run.place_of.extend(places);
    run.ready += 1;
    count_call(run, planned.id);
}

/// The super-step's writes become the state, and its routes what comes next.
pub(crate) fn commit(run: &mut Run, ns: Option<TaskId>) {
    let Some(workflow) = workflow_of(run, ns) else { return };
    let Some(frame) = run.frame_mut(ns) else { return };
    let tasks = core::mem::take(&mut frame.tasks);
    // A failure here was found before the event was written.
    let reduced = reduced(&workflow.state, &frame.state, written(&tasks)).unwrap_or_default();
    let values: Vec<_> = reduced
        .into_iter()
        .map(|(key, to)| {
            let bytes = to.bytes(frame.state_bytes.get(key).copied());
            (key.clone(), to.over(frame.state.remove(key)), bytes)
        })
        .collect();
    frame.pending.sends.clear();
    frame.pending.outcomes.clear();
    for (key, spec) in &workflow.state {
        if spec.ephemeral {
            match spec.first() {
                Some(first) => {
                    frame.state_bytes.insert(key.clone(), json_bytes(&first));
                    frame.state.insert(key.clone(), Arc::new(first));
                }
                None => {
                    frame.state_bytes.remove(key);
                    frame.state.remove(key);
                }
            }
        }
    }
    for (key, value, bytes) in values {
        frame.state_bytes.insert(key.clone(), bytes);
        frame.state.insert(key, value);
    }
    frame.last_writers = writers(&tasks);
    for finished in tasks.iter().filter_map(Task::finished) {
        finished.routes.iter().for_each(|route| take(frame, &workflow, route));
    }
    for task in &tasks {
        run.place_of.remove(&task.id);
    }
}

fn writers(tasks: &[Task]) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> =
        tasks.iter().filter(|task| task.finished().is_some()).map(|t| t.node.clone()).collect();
    nodes.dedup();
    nodes
}

/// A task begins the workflow inside it.
pub(crate) fn open(run: &mut Run, id: TaskId, input: &Object, routes: &[Route]) {
    let Some((ns, _)) = run.place_of.get(&id).copied() else { return };
    let Some(task) = run.task(id) else { return };
    let node = task.node.clone();
    let uses = run.frame(ns).and_then(|frame| run.used_by(frame.uses.as_ref(), &node));
    let workflow = uses.and_then(|digest| run.library.as_ref()?.get(Some(&digest)).cloned());
    let (Some(uses), Some(workflow)) = (uses, workflow) else { return };
    let before = run.kept.get(&run.node_path(ns, &node)).map(|kept| kept.state.clone());
    let mut frame = Frame::new(&workflow, Some(uses));
    frame.state = first_state(&workflow, before.as_ref(), input).unwrap_or_default();
    frame.state_bytes = measure(&frame.state);
    routes.iter().for_each(|route| take(&mut frame, &workflow, route));
    run.inner.insert(id, frame);
    change(run, id, |task| task.status = TaskStatus::Inside);
}

/// What a subgraph leaves for later calls, where its node says so.
pub(crate) fn keep_state(run: &mut Run, id: TaskId) {
    let Some(site) = run.site(Some(id)) else { return };
    let leaves = |task: &Task| {
        task.finished().is_some_and(|finished| {
            finished.routes.iter().any(|route| matches!(route, Route::Parent { .. }))
        })
    };
    // Whoever leaves by an exit to the parent leaves no state behind.
    if site.frame.tasks.iter().any(leaves) {
        return;
    }
    let persist = match run.node_of(id).map(|node| &node.work) {
        Some(Work::Workflow(subgraph)) => subgraph.persist,
        Some(Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Ask(_)) | None => Persist::None,
    };
    let (Some(task), Some((ns, _))) = (run.task(id), run.place_of.get(&id)) else { return };
    if persist != Persist::None {
        let path = run.node_path(*ns, &task.node);
        let kept = Kept { state: site.persisted_state(), lasts: persist == Persist::Thread };
        run.kept.insert(path, kept);
    }
}

/// The subgraph inside a task, and those inside that, count no more.
pub(crate) fn drop_inside(run: &mut Run, id: TaskId) {
    let Some(frame) = run.inner.remove(&id) else { return };
    for task in &frame.tasks {
        drop_inside(run, task.id);
        run.place_of.remove(&task.id);
        if task.is_ready() {
            run.ready = run.ready.saturating_sub(1);
        }
    }
}

/// Notes where a route leads.
pub(crate) fn take(frame: &mut Frame, workflow: &Workflow, route: &Route) {
    match route {
        Route::Node(node) => {
            frame.pending.nodes.insert(node.clone());
            frame.pending.due.remove(node);
        }
        Route::Arrive { edge, from } => {
            for (arrivals, barrier) in frame.arrived.iter_mut().zip(workflow.barriers()) {
                if barrier.edge == *edge {
                    arrivals.arrive(from);
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
                frame.pending.sends.extend(sends);
            }
        }
        Route::Send { to, bindings, sent } => {
            let sent = Arc::new(sent.clone().unwrap_or_default());
            frame.pending.sends.push(Send { to: to.clone(), bindings: shared(bindings), sent });
        }
        Route::Outcome(outcome) => {
            frame.pending.outcomes.insert(outcome.clone());
        }
        // It leads out of the level, which ends with it.
        Route::Parent { .. } => {}
    }
}

pub(crate) fn measure(state: &State) -> BTreeMap<wforge_model::Key, u64> {
    state.iter().map(|(key, value)| (key.clone(), json_bytes(value))).collect()
}

fn workflow_of(run: &Run, ns: Option<TaskId>) -> Option<Arc<Workflow>> {
    run.site(ns).map(|site| site.workflow.clone())
}
