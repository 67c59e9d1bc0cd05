//! Agents that other agents call as tools: children of the task that calls, each in a sandbox of
//! its own and with a record of its own.
//!
//! [`pins`] says which agents a run has as tools, `register` finds the records of children again,
//! `replayed` calls them once more in a replay.
//! Never here: which tools exist beside agents, and how large a result may be; whoever performs
//! host calls knows that.

mod pins;
mod register;
mod replayed;

use std::sync::{Arc, Weak};

use wforge_model::agent::{AgentCall, Divergence, Execution, Reply};
use wforge_model::effect::{Waiting, child_task};
use wforge_model::{Denial, Failure, Grants, Object, Problem, Value};
use wforge_ports::effects::{EffectsError, TaskContext};
use wforge_ports::{AgentTools, BoxFuture, ToolCall};

use crate::attended::Attended;
use crate::notes::Refusals;
use crate::perform::{Halt, in_sandbox};
use crate::service::Shared;
use crate::tenancy;
use register::Register;

pub(crate) use register::{Child, children_of, with_children};
pub(crate) use replayed::{Heard, Listener, ReplayedTools, ToolDifference};

/// How often a free sandbox is looked for before the caller gives up its own.
const BUSY_TRIES_MAX: u32 = 50;
/// How long a caller waits without a sandbox before it looks again, in milliseconds.
const BUSY_PAUSE_MS: u64 = 1_000;

/// The agents of an engine's runs.
#[derive(Debug)]
pub(crate) struct EngineTools(Weak<Shared>);

impl EngineTools {
    /// Holds the engine weakly: its own effects hold this.
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(shared))
    }
}

impl AgentTools for EngineTools {
    fn call<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<Execution, EffectsError>> {
        Box::pin(async move {
            let gone = || EffectsError::Unavailable("the engine has ended".into());
            let shared = self.0.upgrade().ok_or_else(gone)?;
            execute(&shared, call).await
        })
    }
}

async fn execute(shared: &Shared, call: ToolCall<'_>) -> Result<Execution, EffectsError> {
    if let Some(failure) = misfit(shared, &call) {
        return Ok(Execution::Failed { failure, effects: 0 });
    }
    // What was taken back from the caller since the run began, its tools have not either.
    let child = child_of(&call, &tenancy::still_granted(shared, call.caller));
    let context = TaskContext { call: &child, lease: call.lease, may_have_run: true };
    let session = shared.parts.effects.open(context).await?;
    let mut effects = Attended::new(
        session,
        (Register::new(shared, &call), Refusals::of(&shared.notes, &child, &shared.parts.clock)),
    );
    match in_sandbox(shared, &child, &mut effects, BUSY_TRIES_MAX).await {
        Ok(Execution::Replied(reply)) => Ok(checked(shared, &call, reply)),
        Ok(Execution::Diverged(divergence)) => Ok(Execution::Diverged(named(&call, &divergence))),
        Ok(execution) => Ok(execution),
        // Every sandbox may be held by a caller that waits for one more: this one lets its own go.
        Err(Halt::Busy) => {
            let until = shared.parts.clock.now().after_ms(BUSY_PAUSE_MS);
            Ok(Execution::Suspended(Waiting::Timer { until }))
        }
        Err(Halt::Effects(error)) => Err(error),
    }
}

/// Why an input is none of the tool's.
fn misfit(shared: &Shared, call: &ToolCall<'_>) -> Option<Failure> {
    let misses = shared.parts.expressions.check(&call.tool.agent.input, call.input).err()?;
    let message = format!("the input of {} does not fit: {}", call.name, misses.join("; "));
    Some(Failure::InvalidInput(Problem::new("input_schema", message)))
}

/// The same for every execution of the caller. It sees its input and nothing else of the run; its
/// clock begins where the caller's does.
fn child_of(call: &ToolCall<'_>, of_caller: &Grants) -> AgentCall {
    let (caller, agent) = (call.caller, &call.tool.agent);
    AgentCall {
        tenant: caller.tenant.clone(),
        plugin: agent.plugin.clone(),
        component: agent.component,
        agent: agent.agent.clone(),
        task: child_task(caller.task, call.position),
        run: caller.run,
        thread: caller.thread,
        workflow: caller.workflow.clone(),
        node: caller.node.clone(),
        step: caller.step,
        attempt: caller.attempt,
        timeout_ms: caller.timeout_ms,
        input: call.input.clone(),
        config: Value::Object(Object::new()),
        context: Value::Null,
        grants: agent.grants.shared_with(of_caller),
        began_at: caller.began_at,
        // Each task knows its own among them by the ids of its questions.
        answers: caller.answers.clone(),
        kept_effects: 0,
        first_attempt: caller.first_attempt,
        fails_unknown: caller.fails_unknown,
        is_idempotent: caller.is_idempotent,
        tools: caller.tools.clone(),
        depth: caller.depth.saturating_add(1),
    }
}

fn checked(shared: &Shared, call: &ToolCall<'_>, reply: Reply) -> Execution {
    let failed = |failure| Execution::Failed { failure, effects: 0 };
    if let Some(exit) = reply.exits.first() {
        let hint = format!("{} was called as a tool, which has no exits to take", call.name);
        let (capability, resource) = ("exit".to_owned(), exit.name.clone());
        return failed(Failure::Denied(Denial { capability, resource, hint }));
    }
    match shared.parts.expressions.check(&call.tool.agent.output, &reply.output) {
        Ok(()) => Execution::Replied(reply),
        Err(misses) => {
            let misses = misses.join("; ");
            let message = format!("the result of {} does not fit its schema: {misses}", call.name);
            failed(Failure::BadOutput(Problem::new("output_schema", message)))
        }
    }
}

fn named(call: &ToolCall<'_>, divergence: &Divergence) -> Divergence {
    let named = |what: &str| format!("{what}, in the tool {}", call.name);
    Divergence {
        position: divergence.position,
        recorded: named(&divergence.recorded),
        asked: named(&divergence.asked),
    }
}
