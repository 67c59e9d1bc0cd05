//! The breakers of all plugins: one for each tenant and component, since what one tenant feeds a
//! plugin says nothing of another's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wforge_model::agent::{AgentCall, Execution};
use wforge_model::limits::BreakerLimits;
use wforge_model::{Digest, Failure, FailureKind, Problem, TenantId, Timestamp};
use wforge_ports::Clock;
use wforge_ports::figures::Kept;

use crate::breaker::{Breaker, Circuit, Ended, Pass};
use crate::perform::HOST_PANIC;

/// The code of a panic or an uncaught exception of an agent.
const EXCEPTION: &str = "exception";

/// Breakers that are remembered; past it those that are closed are forgotten, and where all are
/// open those of the tenant that has the most.
const BREAKERS_MAX: usize = 10_000;

/// The breakers of one process. They begin anew with it.
#[derive(Debug)]
pub(crate) struct Breakers {
    limits: BreakerLimits,
    refused: AtomicU64,
    /// Only those that have something to remember.
    known: Mutex<Known>,
}

type Known = HashMap<(TenantId, Digest), Breaker>;

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

    /// Those that are remembered.
    pub(crate) fn kept(&self) -> Kept {
        Kept::entries("breakers", self.known().len())
    }

    fn note(&self, call: &AgentCall, pass: Pass, ended: Ended, now: Timestamp) {
        let mut known = self.known();
        if ended != Ended::Broke && !known.contains_key(&key(call)) {
            return;
        }
        if known.len() >= BREAKERS_MAX && !known.contains_key(&key(call)) {
            make_room(&mut known);
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

    /// Forgets what the plugins of a tenant did.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        self.known().retain(|(of, _), _| of != tenant);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
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

/// A tenant that installs ever more plugins that break has its own called again, nobody else's.
fn make_room(known: &mut Known) {
    known.retain(|_, breaker| breaker.is_open());
    if known.len() < BREAKERS_MAX {
        return;
    }
    let mut counts: HashMap<&TenantId, usize> = HashMap::new();
    known.keys().for_each(|(tenant, _)| *counts.entry(tenant).or_default() += 1);
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    if let Some(most) = most.map(|(tenant, _)| tenant.clone()) {
        known.retain(|(tenant, _), _| *tenant != most);
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

#[cfg(test)]
mod tests {
    use wforge_testkit::SimClock;

    use super::*;

    /// Has a component of a tenant break so often that it is left alone.
    fn breaks(breakers: &Breakers, clock: &SimClock, tenant: &str, component: u64) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&component.to_be_bytes());
        let component = Digest::from_bytes(bytes);
        let tenant = tenant.parse().unwrap();
        let call = AgentCall { tenant, component, ..wforge_testkit::call() };
        let failure = Failure::Trap(Problem::new("unreachable", "it broke"));
        let passing = breakers.enter(&call, clock).unwrap();
        passing.ends(&Execution::Failed { failure, effects: 0 });
    }

    fn left_alone(breakers: &Breakers, tenant: &str) -> usize {
        let tenant: TenantId = tenant.parse().unwrap();
        breakers.known().iter().filter(|((of, _), one)| *of == tenant && one.is_open()).count()
    }

    fn limits() -> BreakerLimits {
        BreakerLimits { failures_max: 1, ..BreakerLimits::default() }
    }

    #[test]
    fn whoever_has_ever_more_plugins_that_break_takes_no_more_room_and_no_one_elses() {
        let (breakers, clock) = (Breakers::new(limits()), SimClock::at(Timestamp(0)));
        breaks(&breakers, &clock, "acme", 0);
        for component in 0..3 * BREAKERS_MAX as u64 {
            breaks(&breakers, &clock, "mallory", component);
            assert!(breakers.known().len() <= BREAKERS_MAX, "{component}");
        }
        assert_eq!(left_alone(&breakers, "acme"), 1);
        assert!(left_alone(&breakers, "mallory") > 0);
    }

    #[test]
    fn nothing_is_known_of_the_plugins_of_a_tenant_that_was_erased() {
        let (breakers, clock) = (Breakers::new(limits()), SimClock::at(Timestamp(0)));
        breaks(&breakers, &clock, "acme", 0);
        breaks(&breakers, &clock, "mallory", 0);
        breakers.forget_tenant(&"mallory".parse().unwrap());
        assert_eq!((left_alone(&breakers, "acme"), left_alone(&breakers, "mallory")), (1, 0));
    }
}
