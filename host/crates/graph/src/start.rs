//! The first state of a run, with what it takes over from the checkpoint that it starts from.

use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::event::{Origin, RunStarted, StateUpdate, Write};
use wforge_model::head::RunStatus;
use wforge_model::{NodeId, Object, Timestamp};

use crate::carried::Carried;
use crate::expressions::State;
use crate::frame::{Arrivals, Frame, Pending};
use crate::levels::{measure, take};
use crate::reduce::{ReduceError, reduce};
use crate::run::Run;
use crate::workflow::{Barrier, Workflow};

/// The run begins.
pub(crate) fn start(run: &mut Run, started: &RunStarted, at: Timestamp) {
    let Some(workflow) = run.workflow().cloned() else { return };
    let carried = run.carried.take().unwrap_or_default();
    run.status = RunStatus::Running;
    run.queued = None;
    run.started_at = at;
    run.started = Some(Arc::new(started.clone()));
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
    // A deferred node waits for the end of the run, and an update or new input is none.
    let mut waits = Pending { nodes: carried.pending.nodes.clone(), ..Pending::default() };
    waits.nodes.retain(|node| same_workflow && workflow.is_deferred(node));
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
            run.root.pending = waits;
            run.root.last_writers = updates.iter().filter_map(|u| u.node.clone()).collect();
        }
        Origin::Input => {
            run.root.pending = waits;
            discard(&mut run.root, &workflow, &carried.pending);
        }
    }
    for route in &started.routes {
        take(&mut run.root, &workflow, route);
    }
}

/// New input discards what was to be started: barriers that were about to lead on fill anew.
fn discard(frame: &mut Frame, workflow: &Workflow, pending: &Pending) {
    let leads_on = |arrivals: &Arrivals, barrier: &Barrier, deferred: bool| {
        arrivals.is_full(barrier) && workflow.is_deferred(&barrier.target) == deferred
    };
    let barriers = || frame.arrived.iter().zip(workflow.barriers());
    let only_deferred = pending.sends.is_empty()
        && pending.nodes.iter().all(|node| workflow.is_deferred(node))
        && !barriers().any(|(arrivals, barrier)| leads_on(arrivals, barrier, false));
    for (arrivals, barrier) in frame.arrived.iter_mut().zip(workflow.barriers()) {
        if leads_on(arrivals, barrier, only_deferred) {
            arrivals.fire(barrier);
        }
    }
    if only_deferred {
        frame.pending.nodes.clear();
    }
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
