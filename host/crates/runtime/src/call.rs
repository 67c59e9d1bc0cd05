//! One call: a fresh store, the guest polled to its end, and what came of it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::{Either, select};
use wasmtime::{Store, UpdateDeadline};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::defence::{Defence, holds};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Digest, SandboxUse};
use wforge_ports::{Clock, EffectSession, RuntimeError};

use crate::bindings::Plugin;
use crate::bindings::exports::workflowforge::plugin::agent as wit;
use crate::guest::desk::{Attendant, Desk};
use crate::guest::errand::errands;
use crate::guest::meter::{self, CpuMeter};
use crate::guest::state::{Ends, Guest};
use crate::guest::voice::Voice;
use crate::guest::wasi::GuestClock;
use crate::kept;
use crate::load::library::Ready;
use crate::outcome::{self, Ending, Remains};
use crate::tenants::Tenant;
use crate::turns::Turns;

/// What a call needs of its surroundings.
pub(crate) struct Surroundings<'a> {
    pub(crate) ready: &'a Ready,
    /// Those of this call.
    pub(crate) limits: SandboxLimits,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) turns: &'a Arc<Turns>,
    pub(crate) tenant: Arc<Tenant>,
}

impl Surroundings<'_> {
    /// Makes the call.
    pub(crate) async fn call(
        &self,
        call: &AgentCall,
        effects: &mut dyn EffectSession,
    ) -> Result<Execution, RuntimeError> {
        let ending = match self.arguments(call) {
            Ok(arguments) => self.run(call, arguments, effects).await,
            Err(ending) => ending,
        };
        match ending {
            Ending::Execution(execution) => Ok(execution),
            Ending::Failed(failure) => {
                Ok(Execution::Failed { failure, effects: effects.position() })
            }
            Ending::Host(error) => Err(error),
        }
    }

    fn arguments(&self, call: &AgentCall) -> Result<wit::Call, Ending> {
        let (input, config) = (call.input.to_string(), call.config.to_string());
        let context = call.context.to_string();
        let bytes = input.len().saturating_add(config.len()).saturating_add(context.len());
        let max = self.limits.input_bytes_max;
        if u32::try_from(bytes).map_or(true, |bytes| bytes > max) {
            return Err(Ending::Failed(outcome::input_too_large(bytes, max)));
        }
        Ok(wit::Call {
            agent: call.agent.clone(),
            task: call.task.to_string(),
            run: call.run.to_string(),
            thread: call.thread.map(|thread| thread.to_string()),
            workflow: call.workflow.clone(),
            node: call.node.to_string(),
            step: call.step,
            attempt: call.attempt,
            timeout_ms: call.timeout_ms.unwrap_or(0),
            input,
            config,
            context,
            extra: "{}".to_owned(),
        })
    }

    async fn run(
        &self,
        call: &AgentCall,
        arguments: wit::Call,
        effects: &mut dyn EffectSession,
    ) -> Ending {
        let (desk, voice) = (Desk::default(), Voice::new(&self.limits));
        let guest_clock = GuestClock::at(effects.now());
        let cpu = CpuMeter::new(self.limits.cpu_ms_max, meter::of_thread, &self.tenant);
        let at_once_max = usize::try_from(self.limits.http_at_once_max).unwrap_or(1);
        let (errands, taken) = errands(at_once_max);
        let ends = Ends { voice: voice.clone(), desk: desk.clone(), errands };
        let bearers = (&self.tenant, cpu.clone());
        let guest = Guest::new(&self.limits, bearers, &ends, &guest_clock, effects);
        let memory_peak = guest.limiter.memory_peak();
        let guest = self.invoke(call.component, guest, voice.clone(), arguments);
        let guest = self.turns.take(&call.tenant, cpu.clone(), guest);
        let attendant = Attendant { desk, voice: voice.clone(), guest_clock };
        let (wall_ms, is_nodes_own) = self.wall_ms(call);
        let deadline = self.clock.sleep_until(self.clock.now().after_ms(wall_ms));
        let ending = {
            let served = pin!(attendant.serve(guest, taken, effects));
            match select(served, deadline).await {
                Either::Left((ending, _)) => ending,
                Either::Right(((), _)) => Ending::Failed(outcome::timed_out(wall_ms, is_nodes_own)),
            }
        };
        voice.finish(effects);
        effects.spent(SandboxUse {
            cpu_us: cpu.used_us(),
            memory_bytes_peak: memory_peak.load(Ordering::Relaxed),
        });
        ending
    }

    /// The guest's side, which owns its store: dropping this drops the sandbox, wherever it stands.
    /// The store is made on the first turn, so that its first epoch begins with it.
    async fn invoke(
        &self,
        component: Digest,
        guest: Guest,
        voice: Voice,
        arguments: wit::Call,
    ) -> Ending {
        let (mut store, plugin) = self.enter(component, guest).await;
        let (result, plugin) = match plugin {
            Ok(plugin) => {
                let agent = plugin.workflowforge_plugin_agent();
                (agent.call_invoke(&mut store, &arguments).await, Some(plugin))
            }
            Err(error) => (Err(error), None),
        };
        let refused = store.data().limiter.refused();
        kept::leave(component, store, plugin);
        match result {
            Ok(result) => outcome::replied(result, &self.limits),
            Err(error) => {
                let remains = Remains { refused, last_lines: voice.last_lines() };
                outcome::broke_off(error, &remains, &self.limits)
            }
        }
    }

    /// A fresh sandbox, unless one was kept.
    async fn enter(
        &self,
        component: Digest,
        guest: Guest,
    ) -> (Store<Guest>, wasmtime::Result<Plugin>) {
        if let Some(kept) = kept::take(component) {
            let (store, plugin) = kept.entered_by(guest);
            return (store, Ok(plugin));
        }
        let mut store = self.store(guest);
        let plugin = self.ready.pre.instantiate_async(&mut store).await;
        (store, plugin)
    }

    fn store(&self, guest: Guest) -> Store<Guest> {
        let mut store = Store::new(self.ready.pre.engine(), guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(
            usize::try_from(self.limits.host_call_bytes_max).unwrap_or(usize::MAX),
        );
        store.set_max_component_handles(
            usize::try_from(self.limits.handles_max).unwrap_or(usize::MAX),
        );
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            if !context.data().cpu.must_yield()? || !holds(Defence::Lanes) {
                return Ok(UpdateDeadline::Continue(1));
            }
            // Tokio's own yield goes to the back of the queue; wasmtime's would be polled next.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }

    /// The time that the call may take, and whether that is the node's own timeout.
    fn wall_ms(&self, call: &AgentCall) -> (u64, bool) {
        let most = self.limits.wall_ms_max;
        match call.timeout_ms {
            Some(own) if own <= most => (own, true),
            _ => (most, false),
        }
    }
}
