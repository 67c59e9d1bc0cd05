//! Agents that were called as tools, called again in a replay: with what their caller handed them,
//! answered from their own records, and compared with what their caller was answered.
//!
//! What a caller asks of its tools is not recorded, only its hash; so the caller is listened to
//! while it is replayed itself.

use wforge_model::agent::{AgentCall, Execution};
use wforge_model::effect::{Operation, RequestHash};
use wforge_model::{Failure, FailureKind, TaskId, Value};
use wforge_ports::effects::{EffectRequest, EffectsError};
use wforge_ports::store::{EffectRecord, Phase, Record};
use wforge_ports::{BoxFuture, ToolCall};

use super::{checked, child_of, misfit};
use crate::attended::Attends;
use crate::replay::{Instead, execute};
use crate::request::EngineError;
use crate::service::Shared;
use crate::start::EMBEDDED_LEASE;

/// A call of a tool that was heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Its place in the caller's record.
    position: u32,
    element: Value,
}

/// Hears the calls of tools of a session.
#[derive(Debug, Default)]
pub(crate) struct Listener(Vec<Heard>);

impl Listener {
    pub(crate) fn heard(self) -> Vec<Heard> {
        self.0
    }
}

impl Attends for Listener {
    fn before<'a>(
        &'a mut self,
        request: &'a EffectRequest,
        position: u32,
    ) -> BoxFuture<'a, Result<(), EffectsError>> {
        if request.operation == Operation::ToolsCall {
            let heard = (position..).zip(&request.elements);
            let heard =
                heard.map(|(position, element)| Heard { position, element: element.clone() });
            self.0.extend(heard);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Where a tool parts from its recording.
#[derive(Debug)]
pub(crate) struct ToolDifference {
    pub(crate) task: TaskId,
    pub(crate) tool: String,
    /// The task that called it.
    pub(crate) caller: TaskId,
    pub(crate) position: Option<u32>,
    pub(crate) recorded: String,
    pub(crate) now: String,
}

/// What came of the tools of one call.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Calls of tools that were made again.
    pub(crate) calls: u32,
    pub(crate) difference: Option<ToolDifference>,
}

/// The tools of a run that is replayed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplayedTools<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) instead: &'a [Instead],
}

impl ReplayedTools<'_> {
    /// Calls again what a caller called, up to the first difference.
    pub(crate) fn of<'f>(
        self,
        caller: &'f AgentCall,
        heard: Vec<Heard>,
    ) -> BoxFuture<'f, Result<Replayed, EngineError>>
    where
        Self: 'f,
    {
        Box::pin(async move {
            let mut replayed = Replayed::default();
            if heard.is_empty() {
                return Ok(replayed);
            }
            let store = &self.shared.parts.store;
            let records = store.records(&caller.tenant, caller.task).await?;
            for heard in heard {
                let name = heard.element.get("name").and_then(Value::as_str).unwrap_or_default();
                let Some(tool) = caller.tools.get(name) else { continue };
                let Some(answer) = answer_at(&records, caller.attempt, &heard) else { continue };
                let input = heard.element.get("input").unwrap_or(&Value::Null);
                let (position, lease) = (heard.position, EMBEDDED_LEASE);
                let call = ToolCall { caller, name, tool, input, position, lease };
                self.one(&call, answer, &mut replayed).await?;
                if replayed.difference.is_some() {
                    break;
                }
            }
            Ok(replayed)
        })
    }

    async fn one(
        self,
        call: &ToolCall<'_>,
        recorded: &EffectRecord,
        replayed: &mut Replayed,
    ) -> Result<(), EngineError> {
        // It was not called then, or was ended from outside.
        if misfit(self.shared, call).is_some() || says_nothing(&recorded.answer) {
            return Ok(());
        }
        let mut child = child_of(call, &call.caller.grants);
        if let Some(other) = self.instead.iter().find(|other| other.plugin == child.plugin) {
            child.component = other.component;
        }
        let (execution, heard) = execute(self.shared, &child).await?;
        replayed.calls += 1;
        let below = self.of(&child, heard).await?;
        replayed.calls += below.calls;
        replayed.difference = below.difference;
        if replayed.difference.is_some() {
            return Ok(());
        }
        let differs = |position, recorded: String, now: String| ToolDifference {
            task: child.task,
            tool: call.name.to_owned(),
            caller: call.caller.task,
            position,
            recorded,
            now,
        };
        if let Execution::Diverged(divergence) = execution {
            let place = Some(divergence.position);
            replayed.difference = Some(differs(place, divergence.recorded, divergence.asked));
            return Ok(());
        }
        let (then, now) = (told(&recorded.answer), self.told_now(call, execution));
        if then != now {
            replayed.difference = Some(differs(None, then, now));
        }
        Ok(())
    }

    /// What its caller would be answered now.
    fn told_now(self, call: &ToolCall<'_>, execution: Execution) -> String {
        let execution = match execution {
            Execution::Replied(reply) => checked(self.shared, call, reply),
            execution => execution,
        };
        match execution {
            Execution::Replied(reply) => told(&Ok(reply.output)),
            Execution::Failed { failure, .. } => told(&Err(failure)),
            Execution::Suspended(_) | Execution::Diverged(_) => "it waits".to_owned(),
        }
    }
}

/// The recorded answer of a call that this attempt made. What a retry kept of an attempt before
/// was compared with that attempt.
fn answer_at<'r>(records: &'r [Record], attempt: u32, heard: &Heard) -> Option<&'r EffectRecord> {
    let hash = RequestHash::of(Operation::ToolsCall, &heard.element);
    records.iter().find_map(|record| match &record.phase {
        Phase::Answer(answer) => {
            let key = (record.key.attempt, record.key.position);
            (key == (attempt, heard.position) && answer.request == hash).then_some(answer)
        }
        Phase::Intent(_) => None,
    })
}

/// Whether an answer says nothing of the agent: it was never called, was ended from outside, or
/// its result was too large to be handed on.
fn says_nothing(answer: &Result<Value, Failure>) -> bool {
    let Err(failure) = answer else { return false };
    let is_outside = matches!(
        failure.kind(),
        FailureKind::Timeout | FailureKind::Cancelled | FailureKind::Missing
    );
    is_outside
        || matches!(failure.code(), "tool_depth" | "tool_result_depth" | "tool_result_bytes")
        || matches!(failure, Failure::Denied(denial) if denial.capability == "tool")
}

fn told(answer: &Result<Value, Failure>) -> String {
    match answer {
        Ok(value) => value.to_string(),
        Err(failure) => serde_json::to_string(failure).unwrap_or_default(),
    }
}
