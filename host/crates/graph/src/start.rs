//! The first state of a run, with what it takes over from the checkpoint that it starts from.

use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::event::{Origin, RunStarted, StateUpdate, Write};
use wforge_model::head::RunStatus;
use wforge_model::{NodeId, Object, Timestamp};

use crate::carried::Carried;
use crate::expressions::State;
use crate::frame::{Frame, Pending};
use crate::levels::{measure, take};
use crate::reduce::{ReduceError, reduce};
use crate::run::Run;
use crate::workflow::Workflow;

/// The run begins.
pub(crate) fn start(run: &mut Run, started: &Arc<RunStarted>, at: Timestamp) {
    let Some(workflow) = run.workflow().cloned() else { return };
    let carried = run.carried.take().unwrap_or_default();
    run.status = RunStatus::Running;
    run.queued = None;
    run.started_at = at;
    run.started = Some(started.clone());
    run.steps_left = started.steps;
    run.kept_answers.clone_from(&started.kept_answers);
    // A failure here was found before the event was written.
    run.root.state = state_of(&workflow, &carried, started).unwrap_or_default();
    run.root.state_bytes = measure(&run.root.state);
    run.root.last_writers = carried.last_writers;
    run.kept = carried.kept;
    let same_workflow = carried.digest == Some(started.digest);
    if same_workflow {
        run.root.arrived = carried.arrived;
    }
    match &started.origin {
        Origin::Continue => {
            run.root.pending = carried.pending;
            run.root.passes = true;
        }
        Origin::Migrate | Origin::Copy => {
            run.root.pending = carried.pending;
            run.root.pending.nodes.retain(|node| workflow.nodes.contains_key(node));
            run.root.pending.sends.retain(|send| workflow.nodes.contains_key(&send.to));
        }
        Origin::Update(updates) => {
            if same_workflow {
                wait_on(&mut run.root, &workflow, carried.pending);
            }
            run.root.last_writers = updates.iter().filter_map(|u| u.node.clone()).collect();
        }
        Origin::Input => {
            if same_workflow {
                wait_on(&mut run.root, &workflow, carried.pending);
                discard(&mut run.root, &workflow);
            }
        }
    }
    let before = started_now(&run.root, &workflow);
    for route in &started.routes {
        take(&mut run.root, &workflow, route);
    }
    let is_update = matches!(started.origin, Origin::Update(_));
    if is_update && started_now(&run.root, &workflow) == before {
        // A super-step that starts nothing is the end that deferred nodes wait for.
        come_due(&mut run.root, &workflow);
    }
}

/// How much there is to start that waits for no end.
fn started_now(frame: &Frame, workflow: &Workflow) -> usize {
    let full = frame.arrived.iter().zip(workflow.barriers());
    let full = full.filter(|(arrivals, barrier)| arrivals.is_full(barrier));
    let nodes = frame.pending.nodes.iter().chain(full.map(|(_, barrier)| &barrier.target));
    nodes.filter(|node| !workflow.is_deferred(node)).count() + frame.pending.sends.len()
}

/// Of what was left to start, only deferred nodes wait on: they wait for the end of the run, and an
/// update or new input is none. Where nothing else was left, their turn had come.
fn wait_on(frame: &mut Frame, workflow: &Workflow, left: Pending) {
    frame.pending = left;
    if started_now(frame, workflow) == 0 {
        come_due(frame, workflow);
    }
    let Pending { nodes, due, .. } = core::mem::take(&mut frame.pending);
    frame.pending = Pending { nodes, due, ..Pending::default() };
    frame.pending.nodes.retain(|node| workflow.is_deferred(node));
}

/// The turn of each deferred node that was triggered has come.
fn come_due(frame: &mut Frame, workflow: &Workflow) {
    let Pending { nodes, due, .. } = &mut frame.pending;
    due.extend(nodes.iter().filter(|node| workflow.is_deferred(node)).cloned());
    for (arrivals, barrier) in frame.arrived.iter_mut().zip(workflow.barriers()) {
        arrivals.due |= arrivals.is_full(barrier) && workflow.is_deferred(&barrier.target);
    }
}

/// New input discards what was to be started: barriers that were about to lead on fill anew.
fn discard(frame: &mut Frame, workflow: &Workflow) {
    let Pending { nodes, due, .. } = &mut frame.pending;
    for (arrivals, barrier) in frame.arrived.iter_mut().zip(workflow.barriers()) {
        let waits = workflow.is_deferred(&barrier.target) && !arrivals.due;
        if arrivals.is_full(barrier) && !waits {
            arrivals.fire(barrier);
        }
    }
    nodes.retain(|node| !due.contains(node));
    due.clear();
}

/// The state that a run begins with.
pub(crate) fn state_of(
    workflow: &Workflow,
    carried: &Carried,
    started: &RunStarted,
) -> Result<State, ReduceError> {
    let mut state = first_state(workflow, Some(&carried.state), &started.input)?;
    match &started.origin {
        Origin::Input | Origin::Migrate => {}
        // The super-step that would have seen what lasts no longer is still to come.
        Origin::Continue | Origin::Copy => {
            let ephemeral = workflow.state.iter().filter(|(_, spec)| spec.ephemeral);
            let there = ephemeral.filter_map(|(key, _)| carried.state.get_key_value(key));
            state.extend(there.map(|(key, value)| (key.clone(), value.clone())));
        }
        Origin::Update(updates) => {
            let writes = updated(updates);
            let values = reduce(&workflow.state, &state, writes.iter().map(|(n, w)| (n, *w)))?;
            state.extend(values);
        }
    }
    Ok(state)
}

/// The writes of an update, each with its node.
pub(crate) fn updated(updates: &[StateUpdate]) -> Vec<(NodeId, &Write)> {
    let writes = updates.iter().flat_map(|update| {
        let node = update.node.clone().or_else(input_node);
        update.writes.iter().filter_map(move |write| Some((node.clone()?, write)))
    });
    writes.collect()
}

/// Defaults, what was there before, then the input.
pub(crate) fn first_state(
    workflow: &Workflow,
    before: Option<&State>,
    input: &Object,
) -> Result<State, ReduceError> {
    let mut state = State::new();
    for (key, spec) in &workflow.state {
        let there = before.and_then(|before| before.get(key)).filter(|_| !spec.ephemeral);
        if let Some(value) = there {
            state.insert(key.clone(), value.clone());
        } else if let Some(value) = spec.first() {
            state.insert(key.clone(), Arc::new(value));
        }
    }
    let writes = input_writes(input);
    let values = reduce(&workflow.state, &state, writes.iter().map(|(node, w)| (node, w)))?;
    state.extend(values);
    Ok(state)
}

/// The input as writes of START, in order of the keys.
fn input_writes(input: &Object) -> Vec<(NodeId, Write)> {
    let Some(start) = input_node() else {
        return Vec::new();
    };
    let writes = input.iter().filter_map(|(name, value)| {
        Some(Write { key: name.parse().ok()?, value: value.clone(), overwrite: false })
    });
    writes.map(|write| (start.clone(), write)).collect()
}

/// START is no node name, and nothing looks this one up: reducers only name it in errors.
fn input_node() -> Option<NodeId> {
    "start".parse().ok()
}
