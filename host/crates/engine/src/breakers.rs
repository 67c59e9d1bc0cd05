//! The breakers of all plugins: one for each tenant and component, since what one tenant feeds a
//! plugin says nothing of another's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wforge_model::agent::{AgentCall, Execution};
use wforge_model::limits::BreakerLimits;
use wforge_model::{Digest, Failure, FailureKind, Problem, TenantId, Timestamp};
use wforge_ports::Clock;

use crate::breaker::{Breaker, Circuit, Ended, Pass};
use crate::perform::HOST_PANIC;

/// The code of a panic or an uncaught exception of an agent.
const EXCEPTION: &str = "exception";

/// Breakers that are remembered; past it those that are closed are forgotten.
const BREAKERS_MAX: usize = 10_000;

/// The breakers of one process. They begin anew with it.
#[derive(Debug)]
pub(crate) struct Breakers {
    limits: BreakerLimits,
    refused: AtomicU64,
    /// Only those that have something to remember.
    known: Mutex<HashMap<(TenantId, Digest), Breaker>>,
}

/// A call that was let through. What is dropped without an end was not seen to one.
pub(crate) struct Passing<'a> {
    breakers: &'a Breakers,
    clock: &'a dyn Clock,
    call: &'a AgentCall,
    pass: Pass,
    ended: Ended,
}

impl Breakers {
    pub(crate) fn new(limits: BreakerLimits) -> Self {
        Self { limits, refused: AtomicU64::new(0), known: Mutex::default() }
    }

    /// Lets a call through, or gives the failure that it is.
    pub(crate) fn enter<'a>(
        &'a self,
        call: &'a AgentCall,
        clock: &'a dyn Clock,
    ) -> Result<Passing<'a>, Failure> {
        let now = clock.now();
        let entered = match self.known().get_mut(&key(call)) {
            None => Ok(Pass::Usual),
            Some(breaker) => breaker.enter(now),
        };
        match entered {
            Ok(pass) => Ok(Passing { breakers: self, clock, call, pass, ended: Ended::Unknown }),
            Err(until) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(circuit_open(call, until, now))
            }
        }
    }

    /// How the calls of a component stand; none where there is nothing to tell.
    pub(crate) fn circuit(
        &self,
        tenant: &TenantId,
        component: Digest,
        now: Timestamp,
    ) -> Option<Circuit> {
        let known = self.known();
        known.get(&(tenant.clone(), component)).map(|breaker| breaker.circuit(now))
    }

    /// How many are open, and how many calls were not made.
    pub(crate) fn figures(&self) -> (u64, u64) {
        let open = self.known().values().filter(|breaker| breaker.is_open()).count();
        (u64::try_from(open).unwrap_or(u64::MAX), self.refused.load(Ordering::Relaxed))
    }

    fn note(&self, call: &AgentCall, pass: Pass, ended: Ended, now: Timestamp) {
        let mut known = self.known();
        if ended != Ended::Broke && !known.contains_key(&key(call)) {
            return;
        }
        if known.len() >= BREAKERS_MAX {
            known.retain(|_, breaker| breaker.is_open());
        }
        let breaker = known.entry(key(call)).or_default();
        let was_open = breaker.is_open();
        breaker.ended(pass, ended, now, &self.limits);
        if breaker.is_open() && !was_open {
            let (plugin, component) = (&call.plugin, call.component);
            tracing::warn!(tenant = %call.tenant, %plugin, %component, "a plugin keeps breaking");
        }
        if breaker.is_quiet() {
            known.remove(&key(call));
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(TenantId, Digest), Breaker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passing<'_> {
    /// Is told what came of the call.
    pub(crate) fn ends(mut self, execution: &Execution) {
        self.ended = match execution {
            Execution::Failed { failure, .. } if broke(failure) => Ended::Broke,
            Execution::Failed { .. }
            | Execution::Replied(_)
            | Execution::Suspended(_)
            | Execution::Diverged(_) => Ended::Well,
        };
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.breakers.note(self.call, self.pass, self.ended, self.clock.now());
    }
}

/// Whether it is the plugin that does not work, rather than what it was asked or asks of others.
fn broke(failure: &Failure) -> bool {
    match failure.kind() {
        FailureKind::Trap | FailureKind::Timeout => true,
        FailureKind::Failed => [EXCEPTION, HOST_PANIC].contains(&failure.code()),
        FailureKind::InvalidInput
        | FailureKind::Denied
        | FailureKind::Limit
        | FailureKind::Upstream
        | FailureKind::Cancelled
        | FailureKind::BadOutput
        | FailureKind::Missing => false,
    }
}

fn key(call: &AgentCall) -> (TenantId, Digest) {
    (call.tenant.clone(), call.component)
}

fn circuit_open(call: &AgentCall, until: Timestamp, now: Timestamp) -> Failure {
    let message = format!(
        "{} broke too often in a row and is not called until {until}; its failures are in the runs \
         before",
        call.plugin
    );
    let mut problem = Problem::new("circuit_open", message).retryable();
    problem.retry_after_ms = Some(until.0.saturating_sub(now.0));
    Failure::Limit(problem)
}
