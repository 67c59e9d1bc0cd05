//! One level of a run together with its workflow: what decisions look at.

use alloc::sync::Arc;

use wforge_model::agent::AgentPin;
use wforge_model::mock::MockAnswer;
use wforge_model::workflow::Node;
use wforge_model::{NodeId, NodePath, TaskId, Timestamp, Value};

use crate::expressions::{RunFacts, Scope, State};
use crate::frame::{Frame, Task};
use crate::run::Run;
use crate::workflow::Workflow;

/// A level of a run.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The run.
    pub run: &'a Run,
    /// The task that runs the level; none: the run itself.
    pub ns: Option<TaskId>,
    /// The level.
    pub frame: &'a Frame,
    /// Its workflow.
    pub workflow: &'a Arc<Workflow>,
}

impl<'a> Site<'a> {
    /// The node of that name.
    pub(crate) fn node(&self, id: &NodeId) -> Option<&'a Node> {
        self.workflow.nodes.get(id)
    }

    /// The agent that does a task.
    pub(crate) fn pin(&self, task: &Task) -> Option<&'a AgentPin> {
        let started = self.run.started.as_ref()?;
        let (pins, fallbacks) = match &self.frame.uses {
            Some(digest) => {
                let pinned = started.subgraphs.get(digest)?;
                (&pinned.pins, &pinned.fallbacks)
            }
            None => (&started.pins, &started.fallbacks),
        };
        if task.on_fallback { fallbacks.get(&task.node) } else { pins.get(&task.node) }
    }

    /// Whether a node's fallback agent is at hand.
    pub(crate) fn has_fallback_agent(&self, node: &NodeId) -> bool {
        let Some(started) = self.run.started.as_ref() else {
            return false;
        };
        match &self.frame.uses {
            Some(digest) => {
                started.subgraphs.get(digest).is_some_and(|sub| sub.fallbacks.contains_key(node))
            }
            None => started.fallbacks.contains_key(node),
        }
    }

    /// Whether somebody must let the level go on before it plans.
    pub(crate) fn is_held(&self) -> bool {
        let counted_out = self.ns.is_none() && self.run.steps_left == Some(0);
        self.run.pauses || counted_out || self.frame.interrupted.is_some()
    }

    /// How deep the level lies: 0 for the run itself.
    pub(crate) fn depth(&self) -> usize {
        self.run.namespace(self.ns).len()
    }

    /// The names that the expressions of a task see.
    pub(crate) fn scope(&self, task: &'a Task, state: &'a State) -> Scope<'a> {
        Scope {
            state,
            bindings: task.bindings(),
            sent: task.sent(),
            result: None,
            context: self.run.context(),
            run: self.facts(task.attempt),
        }
    }

    /// The fields of `run`.
    pub(crate) fn facts(&self, attempt: u32) -> RunFacts {
        RunFacts {
            id: self.run.id,
            thread: self.run.started.as_ref().and_then(|started| started.thread),
            step: self.frame.step,
            attempt,
            started_at: self.run.started_at,
            degraded: self.frame.degraded_before_step,
        }
    }

    /// The state without the keys that never reach the store.
    pub(crate) fn persisted_state(&self) -> State {
        let mut state = self.frame.state.clone();
        state.retain(|key, _| self.workflow.state.get(key).is_none_or(|spec| !spec.volatile));
        state
    }

    /// The state as a restart finds it: the keys that never reach the store are as before their
    /// first write.
    pub(crate) fn stored_state(&self) -> State {
        let mut state = self.persisted_state();
        let volatile = self.workflow.state.iter().filter(|(_, spec)| spec.volatile);
        let firsts = volatile.filter_map(|(key, spec)| Some((key.clone(), spec.first()?)));
        state.extend(firsts.map(|(key, value)| (key, Arc::new(value))));
        state
    }

    /// Time during which tasks of the run ran since the current super-step was planned.
    pub(crate) fn step_worked_ms(&self, now: Timestamp) -> u64 {
        self.run.worked_ms(now).saturating_sub(self.frame.worked_before_step_ms)
    }

    /// The way to a node of the level.
    pub(crate) fn path(&self, node: &NodeId) -> NodePath {
        self.run.node_path(self.ns, node)
    }

    /// What was answered at the run's start for a node.
    pub(crate) fn given_answer(&self, node: &NodeId) -> Option<&'a Value> {
        let started = self.run.started.as_ref()?;
        let given = (!started.answers.is_empty()).then_some(&started.answers)?;
        given.get(&self.path(node))
    }

    /// What the mock agent was told at the run's start to answer at a node; empty where it was only
    /// told to do it.
    pub(crate) fn given_mock(&self, node: &NodeId) -> Option<&'a MockAnswer> {
        let started = self.run.started.as_ref()?;
        let given = (!started.mocks.is_empty()).then_some(&started.mocks)?;
        given.get(&self.path(node))
    }
}
