//! Calls agents: opens the task's effects, calls the sandbox, and hands back what came of it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};
use wforge_graph::{Run, call_of};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::command::Fact;
use wforge_model::{Failure, Problem, TaskId, TenantId};
use wforge_ports::RuntimeError;
use wforge_ports::effects::{EffectsError, TaskContext};

use crate::actor::Message;
use crate::service::Shared;
use crate::start::EMBEDDED_LEASE;

/// How often a call is tried again while all sandboxes are taken, and how long between.
const BUSY_WAIT_MS: u64 = 20;

/// Starts the call of a task on the plugins' threads. Its end comes back as a fact.
pub(crate) fn perform(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    run: &Run,
    task: TaskId,
    cancel: &CancellationToken,
    inbox: &mpsc::Sender<Message>,
) {
    let attempt = run.task(task).map_or(1, |task| task.attempt);
    let call = call_of(run, tenant, task, shared.parts.expressions.as_ref());
    let (shared_in, inbox, cancel) = (shared.clone(), inbox.clone(), cancel.clone());
    let span = info_span!("task", run = %run.id, task = %task, attempt);
    let work = async move {
        let started = shared_in.parts.clock.monotonic_ns();
        let execution = match call {
            Ok(call) => {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => return,
                    execution = execute(&shared_in, &call) => execution,
                }
            }
            Err(failure) => Some(Execution::Failed { failure, effects: 0 }),
        };
        let elapsed_ms = (shared_in.parts.clock.monotonic_ns().saturating_sub(started)) / 1_000_000;
        // Without an execution the host is stopping; the task runs again after the next start.
        if let Some(execution) = execution {
            let fact = Fact::Executed { task, attempt, execution, elapsed_ms };
            let _ = inbox.send(Message::of(fact)).await;
        }
    };
    shared.tracker.spawn_on(work.instrument(span), &shared.parts.lanes.plugins);
}

/// One execution; none where the store is gone, so that nothing is concluded from it.
async fn execute(shared: &Shared, call: &AgentCall) -> Option<Execution> {
    let parts = &shared.parts;
    let context = TaskContext { call, lease: EMBEDDED_LEASE };
    let mut effects = match parts.effects.open(context).await {
        Ok(effects) => effects,
        Err(error) => {
            warn!(error = %error, "task dropped: its effects cannot be read");
            return None;
        }
    };
    shared.stats.tasks_running.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let _running = Running(shared);
    loop {
        if let Some(log) = &parts.call_log {
            log.called(call);
        }
        let result = parts.runtime.call(call, effects.as_mut()).await;
        if let Some(log) = &parts.call_log {
            log.returned(call);
        }
        match result {
            Ok(execution) => return Some(execution),
            Err(RuntimeError::Busy) => {
                let again = parts.clock.now().after_ms(BUSY_WAIT_MS);
                parts.clock.sleep_until(again).await;
            }
            // Nothing is concluded from a task whose store or lease is gone.
            Err(RuntimeError::Host(source)) if source.is::<EffectsError>() => {
                warn!(error = %source, "task dropped: its effects cannot go on");
                return None;
            }
            Err(error) => return Some(host_fault(&error, effects.position())),
        }
    }
}

fn host_fault(error: &RuntimeError, effects: u32) -> Execution {
    let failure = match error {
        RuntimeError::NoComponent { component } => Failure::Missing(Problem::new(
            "missing_component",
            format!("the component {component} is gone from the data directory; install it again"),
        )),
        RuntimeError::Busy | RuntimeError::Host(_) => {
            warn!(error = %chain(error), "the sandbox could not be made");
            Failure::Failed(Problem::new("host_fault", "the host could not make a sandbox"))
        }
    };
    Execution::Failed { failure, effects }
}

/// An error and its causes in one line, for the log only.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Counts a running task for as long as it lives, however it ends.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.stats.tasks_running.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}
