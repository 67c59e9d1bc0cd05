//! How many requests a tenant may make in a time, on average and at once.
//!
//! The algorithm is GCRA, by the crate governor; the time is the host's clock.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::Reference;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use wforge_model::tenancy::Quotas;
use wforge_model::{InboundId, TenantId};
use wforge_ports::Clock;

use crate::codes;
use crate::error::ApiError;

/// Of how many hooks posts are counted at once.
const HOOKS_REMEMBERED_MAX: usize = 65_536;

/// The host's clock as governor reads one.
#[derive(Debug, Clone)]
pub(crate) struct ClockOf(pub(crate) Arc<dyn Clock>);

impl governor::clock::Clock for ClockOf {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.monotonic_ns())
    }
}

/// Until when whoever was too fast must wait, in milliseconds.
pub(crate) fn wait_ms<P: Reference>(
    over: &NotUntil<P>,
    clock: &impl governor::clock::Clock<Instant = P>,
) -> u64 {
    let wait = over.wait_time_from(clock.now());
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, ClockOf, NoOpMiddleware<Nanos>>;

/// The rates of all tenants.
pub(crate) struct Rates {
    clock: ClockOf,
    tenants: Mutex<HashMap<TenantId, (Speed, Arc<Limiter>)>>,
}

/// What a limiter was made for; another one is made where it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Speed {
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

impl Rates {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock: ClockOf(clock), tenants: Mutex::default() }
    }

    /// Lets one request of a tenant in.
    ///
    /// # Errors
    /// It makes more than it may.
    pub(crate) fn check(&self, tenant: &TenantId, quotas: &Quotas) -> Result<(), ApiError> {
        let count = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let speed = Speed {
            per_second: count(quotas.requests_per_second_max),
            burst: count(quotas.requests_burst_max),
        };
        self.limiter(tenant, speed).check().map_err(|over| {
            let detail = format!(
                "the tenant may make {} requests in a second, {} at once",
                speed.per_second, speed.burst
            );
            ApiError::new(&codes::RATE, detail).retry_after_ms(wait_ms(&over, &self.clock))
        })
    }

    fn limiter(&self, tenant: &TenantId, speed: Speed) -> Arc<Limiter> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, limiter)) = tenants.get(tenant).filter(|(of, _)| *of == speed) {
            return limiter.clone();
        }
        let quota = Quota::per_second(speed.per_second).allow_burst(speed.burst);
        let state = InMemoryState::default();
        let limiter = Arc::new(RateLimiter::new(quota, state, self.clock.clone()));
        tenants.insert(tenant.clone(), (speed, limiter.clone()));
        limiter
    }
}

type HookLimiter =
    RateLimiter<InboundId, HashMapStateStore<InboundId>, ClockOf, NoOpMiddleware<Nanos>>;

/// How often each inbound webhook is posted to.
pub(crate) struct HookRates {
    clock: ClockOf,
    hooks: HookLimiter,
}

impl std::fmt::Debug for HookRates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookRates").finish_non_exhaustive()
    }
}

impl HookRates {
    /// So many in a second, and at once.
    pub(crate) fn new(per_second_max: u32, clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_second(NonZeroU32::new(per_second_max).unwrap_or(NonZeroU32::MIN));
        let clock = ClockOf(clock);
        let hooks = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { clock, hooks }
    }

    /// Lets one post in.
    ///
    /// # Errors
    /// The hook is posted to more often than it may be.
    pub(crate) fn check(&self, hook: InboundId) -> Result<(), ApiError> {
        // Those of removed hooks and of quiet ones are not remembered for ever.
        if self.hooks.len() > HOOKS_REMEMBERED_MAX {
            self.hooks.retain_recent();
        }
        self.hooks.check_key(&hook).map_err(|over| {
            let detail = "more posts in a second than are taken here; come back later";
            ApiError::new(&codes::RATE, detail).retry_after_ms(wait_ms(&over, &self.clock))
        })
    }
}
