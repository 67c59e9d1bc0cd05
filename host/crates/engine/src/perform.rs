//! Calls agents: opens the task's effects, calls the sandbox, and hands back what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info_span, warn};
use wforge_graph::{Run, call_of};
use wforge_model::agent::{AgentCall, Execution, Reply};
use wforge_model::command::Fact;
use wforge_model::effect::Waiting;
use wforge_model::{Deeds, Failure, Problem, SandboxUse, TaskId, TenantId};
use wforge_ports::RuntimeError;
use wforge_ports::effects::{EffectSession, EffectsError, TaskContext};

use crate::actor::Message;
use crate::attended::Attended;
use crate::cache::Slot;
use crate::deeds;
use crate::idle::Pulse;
use crate::notes::{Note, Refusals, What};
use crate::quarantine;
use crate::service::Shared;
use crate::start::EMBEDDED_LEASE;
use crate::tenancy::Directory;

/// How long until a call is tried again that found the runtime busy, in milliseconds.
pub(crate) const BUSY_WAIT_MS: u64 = 20;

/// The code of a task on which a part of the host broke.
pub(crate) const HOST_PANIC: &str = "host_panic";

/// Starts the call of a task on the plugins' threads. Its end comes back as a fact.
pub(crate) fn perform(
    shared: &Arc<Shared>,
    (tenant, run, may_have_run): (&TenantId, &Run, bool),
    task: TaskId,
    cancel: &CancellationToken,
    inbox: &mpsc::Sender<Message>,
) {
    let attempt = run.task(task).map_or(1, |task| task.attempt);
    let call = call_of(run, tenant, task, shared.parts.expressions.as_ref());
    let order = Order {
        tenant: tenant.clone(),
        task,
        attempt,
        slot: slot_of(run, task, &call),
        idle_ms: idle_of(run, task),
        spent_before: run.task(task).map(|task| task.usage.sandbox).unwrap_or_default(),
        may_have_run,
    };
    let (shared_in, inbox, cancel) = (shared.clone(), inbox.clone(), cancel.clone());
    let node = run.task(task).map(|task| task.node.as_str());
    let span = info_span!("task", node, %task, attempt);
    let work = async move {
        let started = shared_in.parts.clock.monotonic_ns();
        let pulse = Pulse::new(shared_in.parts.clock.clone());
        let done = match &call {
            Ok(call) => tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                done = AssertUnwindSafe(order.carry_out(&shared_in, call, &pulse)).catch_unwind() => {
                    done.unwrap_or_else(|_| Some(Done::Executed(host_panic(&shared_in))))
                }
            },
            Err(failure) => {
                let failure = failure.clone();
                Some(Done::Executed(Execution::Failed { failure, effects: 0 }))
            }
        };
        let elapsed_ns = shared_in.parts.clock.monotonic_ns().saturating_sub(started);
        let elapsed_ms = elapsed_ns / 1_000_000;
        if let Some(Done::Executed(execution)) = &done {
            shared_in.stats.took.call(execution, elapsed_ns);
        }
        let message = match done {
            Some(Done::Executed(execution)) => {
                let Some(deeds) = order.deeds(&shared_in, &execution, &pulse).await else { return };
                let fact = Fact::Executed { task, attempt, execution, elapsed_ms, deeds };
                Message { keep: order.slot, ..Message::of(fact) }
            }
            Some(Done::Cached(reply)) => Message::of(Fact::Cached { task, attempt, reply }),
            // The host is stopping; the task runs again after the next start.
            None => return,
        };
        let _ = inbox.send(message).await;
    };
    shared.tracker.spawn_on(work.instrument(span), &shared.parts.lanes.plugins);
}

/// What goes with a call.
struct Order {
    tenant: TenantId,
    task: TaskId,
    attempt: u32,
    /// The place of its result in the node's cache.
    slot: Option<Slot>,
    idle_ms: Option<u64>,
    /// What its earlier attempts took of the sandbox.
    spent_before: SandboxUse,
    /// Whether an earlier process may have executed it.
    may_have_run: bool,
}

/// How a call came to its end.
enum Done {
    Executed(Execution),
    Cached(Reply),
}

impl Order {
    /// The kept result, or one execution within the idle time.
    async fn carry_out(&self, shared: &Shared, call: &AgentCall, pulse: &Pulse) -> Option<Done> {
        if let Some(slot) = &self.slot
            && let Some(reply) = slot.get(shared, &call.tenant).await
        {
            return Some(Done::Cached(reply));
        }
        let execution = match self.idle_ms {
            None => execute(shared, call, self.may_have_run, pulse.clone()).await,
            Some(idle_ms) => tokio::select! {
                biased;
                execution = execute(shared, call, self.may_have_run, pulse.clone()) => execution,
                failure = pulse.clone().stops(idle_ms) => {
                    Some(Execution::Failed { failure, effects: 0 })
                }
            },
        };
        execution.map(Done::Executed)
    }

    /// What the task did so far; none where the store is gone. A first attempt that asked nothing
    /// of the host has no record to be read.
    async fn deeds(&self, shared: &Shared, execution: &Execution, pulse: &Pulse) -> Option<Deeds> {
        let has_ended = match execution {
            Execution::Replied(_) | Execution::Failed { .. } => true,
            Execution::Suspended(_) | Execution::Diverged(_) => false,
        };
        // One that failed may have asked in an earlier execution, before it waited.
        let has_replied = matches!(execution, Execution::Replied(_));
        if !has_ended || self.attempt <= 1 && has_replied && !pulse.has_asked() {
            return Some(self.with_sandbox(Deeds::default(), has_ended, pulse));
        }
        match deeds::of_task(shared, &self.tenant, self.task).await {
            Ok(deeds) => {
                let wrote = deeds.wrote || pulse.may_have_written();
                Some(self.with_sandbox(Deeds { wrote, ..deeds }, has_ended, pulse))
            }
            Err(error) => {
                warn!(error = %error, "task dropped: its records cannot be read");
                None
            }
        }
    }
}

impl Order {
    /// The same, with what all attempts took of the sandbox where this one has ended.
    fn with_sandbox(&self, mut deeds: Deeds, has_ended: bool, pulse: &Pulse) -> Deeds {
        if has_ended {
            deeds.usage.sandbox = self.spent_before;
            deeds.usage.sandbox.add(&pulse.sandbox());
        }
        deeds
    }
}

fn slot_of(run: &Run, task: TaskId, call: &Result<AgentCall, Failure>) -> Option<Slot> {
    let ttl_ms = run.node_of(task)?.cache_ms?;
    let mode = run.started.as_ref()?.mock_mode;
    call.as_ref().ok().map(|call| Slot::of(call, mode, ttl_ms))
}

fn idle_of(run: &Run, task: TaskId) -> Option<u64> {
    run.node_of(task)?.idle_ms
}

/// One execution; none where the store is gone, so that nothing is concluded from it.
async fn execute(
    shared: &Shared,
    call: &AgentCall,
    may_have_run: bool,
    pulse: Pulse,
) -> Option<Execution> {
    let parts = &shared.parts;
    // What is not known to be granted would be refused, and the refusal kept.
    if let Err(error) = Directory::load(shared).await {
        warn!(%error, "task dropped: the grants cannot be read");
        return None;
    }
    let context = TaskContext { call, lease: EMBEDDED_LEASE, may_have_run };
    let mut effects = match parts.effects.open(context).await {
        Ok(effects) => {
            let refusals = Refusals::of(&shared.notes, call, &parts.clock);
            Attended::new(effects, (pulse, refusals))
        }
        Err(error) => {
            warn!(error = %error, "task dropped: its effects cannot be read");
            return None;
        }
    };
    loop {
        match in_sandbox(shared, call, &mut effects, u32::MAX).await {
            Ok(execution) => return Some(execution),
            Err(Halt::Busy) => {}
            // Nothing is concluded from a task whose store or lease is gone.
            Err(Halt::Effects(error)) => {
                warn!(error = %error, "task dropped: its effects cannot go on");
                return None;
            }
        }
    }
}

/// Why there is no execution.
pub(crate) enum Halt {
    /// All sandboxes were taken, however often one was looked for.
    Busy,
    /// Store or lease is gone.
    Effects(EffectsError),
}

/// One execution, once there is a sandbox for it; one is looked for at most so often. The runtime
/// itself waits for a sandbox where nothing else waits for the call.
pub(crate) async fn in_sandbox(
    shared: &Shared,
    call: &AgentCall,
    effects: &mut dyn EffectSession,
    tries_max: u32,
) -> Result<Execution, Halt> {
    let parts = &shared.parts;
    shared.stats.tasks_running.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let _running = Running(shared);
    for _ in 0..tries_max {
        if let Some(log) = &parts.call_log {
            log.called(call);
        }
        let result = guarded(shared, call, effects).await;
        if let Some(log) = &parts.call_log {
            log.returned(call);
        }
        let error = match result {
            Ok(execution) => return Ok(redacted(shared, call, execution)),
            Err(RuntimeError::Busy) => {
                let again = parts.clock.now().after_ms(BUSY_WAIT_MS);
                parts.clock.sleep_until(again).await;
                continue;
            }
            Err(RuntimeError::Host(source)) => match source.downcast::<EffectsError>() {
                Ok(error) => return Err(Halt::Effects(*error)),
                Err(source) => RuntimeError::Host(source),
            },
            Err(error) => error,
        };
        return Ok(host_fault(&error, effects.position()));
    }
    Err(Halt::Busy)
}

/// What the call came to, without the tenant's secrets.
fn redacted(shared: &Shared, call: &AgentCall, execution: Execution) -> Execution {
    let effects = &shared.parts.effects;
    if !effects.redacts(&call.tenant) {
        return execution;
    }
    let given = execution.clone();
    let execution = effects.redacted(&call.tenant, execution);
    if execution != given {
        let (actor, resource) =
            (format!("plugin {}", call.plugin), format!("{} {}", call.run, call.node));
        let at = shared.parts.clock.now();
        let note = Note { what: What::Secret, code: "redacted", actor: &actor, resource, at };
        shared.notes.note_in(&call.tenant, call.run, &note);
    }
    execution
}

/// One call, unless the plugin is put away or keeps breaking; it is dropped where it is put away.
async fn guarded(
    shared: &Shared,
    call: &AgentCall,
    effects: &mut dyn EffectSession,
) -> Result<Execution, RuntimeError> {
    let parts = &shared.parts;
    let put_away = quarantine::begins(shared, &call.tenant, call.component);
    let passing = match shared.breakers.enter(call, parts.clock.as_ref()) {
        Ok(passing) => passing,
        Err(failure) => return Ok(Execution::Failed { failure, effects: effects.position() }),
    };
    let calling = AssertUnwindSafe(parts.runtime.call(call, effects)).catch_unwind();
    let result = tokio::select! {
        biased;
        reason = put_away => {
            let component = call.component;
            return Ok(Execution::Suspended(Waiting::Quarantine { component, reason }));
        }
        result = calling => result,
    };
    let execution = result.unwrap_or_else(|_| Ok(host_panic(shared)))?;
    passing.ends(&execution);
    Ok(execution)
}

/// What becomes of a call on which a part of the host broke: it fails, and nothing else.
fn host_panic(shared: &Shared) -> Execution {
    shared.stats.host_panics.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    error!("a part of the host broke on a call; the report above says where");
    let failure = Failure::Failed(Problem::new(HOST_PANIC, "the host broke on this call"));
    Execution::Failed { failure, effects: 0 }
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
