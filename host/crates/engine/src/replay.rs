//! A recorded run, run again without any effect: every call of an agent is made once more, answered
//! from its record alone, and what follows from it is compared with what the log has.
//!
//! Nothing is written. Rules of the graph need no replay: the log is folded by the same functions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wforge_graph::{Expressions, Run, apply, call_of, decide};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::command::Fact;
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::Work;
use wforge_model::{
    Deeds, Digest, FailureKind, NodeId, PluginName, Recording, RunId, TaskId, TenantId,
};
use wforge_ports::RuntimeError;
use wforge_ports::effects::TaskContext;

use crate::attended::Attended;
use crate::load::{carried_at, unfolded};
use crate::request::EngineError;
use crate::service::Shared;
use crate::start::EMBEDDED_LEASE;
use crate::tools::{Heard, Listener, ReplayedTools, ToolDifference};

/// Events read at once.
const PAGE: usize = 256;
/// The longest text of a difference, in bytes.
const SHOWN_BYTES_MAX: usize = 4 << 10;

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayReport {
    /// The run.
    pub run: RunId,
    /// Calls of agents that were made again, those of agents that were called as tools among them.
    pub calls: u32,
    /// Ends of calls that say nothing of the agent: timeouts, cancellations, missing plugins; and
    /// calls that may reach out without a record and came to something else.
    pub skipped: u32,
    /// The first call that came to something else; none: all came to the same.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub difference: Option<Difference>,
}

/// Where a replay parts from its recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReplayDifference))]
pub struct Difference {
    /// The task.
    pub task: TaskId,
    /// The agent that was called as a tool and parts from its recording, by the tool's name; none:
    /// the node's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The task that called that tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<TaskId>,
    /// Its node.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// The place in the task's record where another request was made; none: the requests were the
    /// same, and the end is another.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub position: Option<u32>,
    /// What was recorded.
    pub recorded: String,
    /// What came now.
    pub now: String,
}

/// A plugin's component that takes the place of the one that the run is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The plugin.
    pub plugin: PluginName,
    /// Its other component; let in already.
    pub component: Digest,
}

/// Runs a recorded run again, up to the first difference.
pub(crate) async fn replay(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    id: RunId,
    instead: &[Instead],
) -> Result<ReplayReport, EngineError> {
    let mut run = unfolded(shared, tenant, id).await?;
    let mut report = ReplayReport { run: id, calls: 0, skipped: 0, difference: None };
    loop {
        let page = shared.parts.store.events(tenant, id, run.seq, PAGE).await?;
        for stored in &page {
            if let EventKind::RunStarted(started) = &stored.event.kind
                && let Some(base) = started.base
            {
                run = run.with_carried(carried_at(shared, tenant, base).await?.0);
            }
            if let Some(ended) = Ended::of(&run, stored) {
                let compared = ended.compare(shared, tenant, &run, instead).await?;
                report.take(compared);
                if report.difference.is_some() {
                    return Ok(report);
                }
            }
            apply(&mut run, &stored.event);
        }
        if page.is_empty() {
            return Ok(report);
        }
    }
}

impl ReplayReport {
    fn take(&mut self, compared: Compared) {
        match compared {
            Compared::Skipped => self.skipped += 1,
            Compared::Same { calls } => self.calls = self.calls.saturating_add(calls),
            Compared::Differs { calls, difference } => {
                self.calls = self.calls.saturating_add(calls);
                self.difference = Some(difference);
            }
        }
    }
}

enum Compared {
    Skipped,
    /// So many calls came to the same, tools included.
    Same {
        calls: u32,
    },
    Differs {
        calls: u32,
        difference: Difference,
    },
}

/// The end of one attempt, as the log has it.
struct Ended<'a> {
    task: TaskId,
    node: NodeId,
    attempt: u32,
    elapsed_ms: u64,
    says_nothing: bool,
    stored: &'a StoredEvent,
}

impl<'a> Ended<'a> {
    /// The end of a call of an agent; none where the event is another.
    fn of(run: &Run, stored: &'a StoredEvent) -> Option<Self> {
        let is_outside = |kind: FailureKind| {
            matches!(kind, FailureKind::Timeout | FailureKind::Cancelled | FailureKind::Missing)
        };
        let (task, attempt, elapsed_ms, says_nothing) = match &stored.event.kind {
            EventKind::TaskFinished(finished) => match finished.source {
                TaskSource::Live => (finished.task, finished.attempt, finished.elapsed_ms, false),
                // The failure that made a stand-in necessary is not told apart from its reply.
                TaskSource::Fallback => {
                    (finished.task, finished.attempt, finished.elapsed_ms, true)
                }
                _ => return None,
            },
            EventKind::TaskRetried { task, attempt, failure, elapsed_ms, .. }
            | EventKind::TaskFailed { task, attempt, failure, elapsed_ms, .. } => {
                (*task, *attempt, *elapsed_ms, is_outside(failure.kind()))
            }
            _ => return None,
        };
        let node = run.node_of(task)?;
        let named = run.task(task)?;
        matches!(node.work, Work::Agent(_)).then(|| Self {
            task,
            node: named.node.clone(),
            attempt,
            elapsed_ms,
            says_nothing,
            stored,
        })
    }

    /// Makes the call again, and compares what follows.
    async fn compare(
        &self,
        shared: &Arc<Shared>,
        tenant: &TenantId,
        run: &Run,
        instead: &[Instead],
    ) -> Result<Compared, EngineError> {
        if self.says_nothing {
            return Ok(Compared::Skipped);
        }
        let expressions = shared.parts.expressions.as_ref();
        let Ok(mut call) = call_of(run, tenant, self.task, expressions) else {
            // Nothing was called: its input did not fit. The same function said so then.
            return Ok(Compared::Skipped);
        };
        if let Some(other) = instead.iter().find(|other| other.plugin == call.plugin) {
            call.component = other.component;
        }
        let (execution, heard) = execute(shared, &call).await?;
        let tools = ReplayedTools { shared, instead }.of(&call, heard).await?;
        let calls = tools.calls.saturating_add(1);
        let compared = match tools.difference {
            Some(difference) => Compared::Differs { calls, difference: self.of_tool(difference) },
            None => self.judge(run, calls, execution, expressions),
        };
        // What it did without a record may have been answered otherwise.
        let is_partial = call.recording() == Recording::Partial;
        if is_partial && matches!(compared, Compared::Differs { .. }) {
            return Ok(Compared::Skipped);
        }
        Ok(compared)
    }

    /// Whether that is what the log has.
    fn judge(
        &self,
        run: &Run,
        calls: u32,
        execution: Execution,
        expressions: &dyn Expressions,
    ) -> Compared {
        if let Execution::Diverged(divergence) = execution {
            let (recorded, now) = (divergence.recorded, divergence.asked);
            let difference = self.difference(Some(divergence.position), recorded, now);
            return Compared::Differs { calls, difference };
        }
        let (task, attempt, elapsed_ms) = (self.task, self.attempt, self.elapsed_ms);
        let fact = Fact::Executed { task, attempt, execution, elapsed_ms, deeds: self.deeds() };
        let events = decide(run, Some(&fact), self.stored.event.at, expressions);
        let now = events.first().map(|event| text(&event.kind)).unwrap_or_default();
        let recorded = text(&self.stored.event.kind);
        if now == recorded {
            return Compared::Same { calls };
        }
        Compared::Differs { calls, difference: self.difference(None, recorded, now) }
    }

    /// What the task did by then, as the log has it: its record may have grown since.
    fn deeds(&self) -> Deeds {
        let (usage, wrote) = match &self.stored.event.kind {
            EventKind::TaskFinished(finished) => (finished.usage.clone(), false),
            EventKind::TaskRetried { usage, .. } => (usage.clone(), false),
            EventKind::TaskFailed { usage, after_write, .. } => (usage.clone(), *after_write),
            _ => return Deeds::default(),
        };
        Deeds { usage, wrote }
    }

    fn difference(&self, position: Option<u32>, recorded: String, now: String) -> Difference {
        Difference {
            task: self.task,
            tool: None,
            caller: None,
            node: self.node.clone(),
            attempt: self.attempt,
            position,
            recorded: cut(recorded),
            now: cut(now),
        }
    }

    fn of_tool(&self, found: ToolDifference) -> Difference {
        Difference {
            task: found.task,
            tool: Some(found.tool),
            caller: Some(found.caller),
            ..self.difference(found.position, found.recorded, found.now)
        }
    }
}

/// One call, answered from its record alone; and what it asked of its tools.
pub(crate) async fn execute(
    shared: &Shared,
    call: &AgentCall,
) -> Result<(Execution, Vec<Heard>), EngineError> {
    let parts = &shared.parts;
    let host = |error: RuntimeError| EngineError::Host(Box::new(error));
    parts.runtime.prepare(&call.tenant, call.component).await.map_err(host)?;
    loop {
        let context = TaskContext { call, lease: EMBEDDED_LEASE, may_have_run: true };
        let opened = parts.effects.replay(context).await;
        let opened = opened.map_err(|error| EngineError::Host(Box::new(error)))?;
        let mut effects = Attended::new(opened, Listener::default());
        match parts.runtime.call(call, &mut effects).await {
            Err(RuntimeError::Busy) => {
                let again = parts.clock.now().after_ms(crate::perform::BUSY_WAIT_MS);
                parts.clock.sleep_until(again).await;
            }
            called => {
                let execution = parts.effects.redacted(&call.tenant, called.map_err(host)?);
                return Ok((execution, effects.by.heard()));
            }
        }
    }
}

fn text(kind: &EventKind) -> String {
    serde_json::to_string(kind).unwrap_or_default()
}

fn cut(mut text: String) -> String {
    if text.len() > SHOWN_BYTES_MAX {
        let end = (0..=SHOWN_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}
