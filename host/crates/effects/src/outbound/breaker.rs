//! Leaves a server alone for a while that does not answer, so that runs fail at once instead of
//! waiting for it, and it is not asked all the more.
//!
//! Each tenant has its own view of each server: what one tenant does to its servers says nothing to
//! another, and closes nothing for it. An answer of any status is an answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use wforge_model::{TenantId, Timestamp};
use wforge_ports::Clock;

use super::url::{Peer, URL_BYTES_MAX, canonical};
use super::{Outbound, OutboundError, OutboundRequest, OutboundResponse};

/// Servers that are watched, over all tenants; only those are that failed lately.
const SERVERS_MAX: usize = 16_384;
/// When to ask again while somebody else finds out whether it answers, in milliseconds.
const PROBE_RETRY_MS: u64 = 1_000;

/// When a server is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures one after the other. 0: it is never left alone.
    pub failures_max: u32,
    /// For how long at first, in milliseconds; twice as long each time that it fails again.
    pub rest_ms: u64,
    /// For how long at most, in milliseconds.
    pub rest_ms_max: u64,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures_max: 5, rest_ms: 30_000, rest_ms_max: 300_000 }
    }
}

/// An outbound path that asks no server which keeps failing.
#[derive(Debug)]
pub struct Breaker {
    inner: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    options: BreakerOptions,
    servers: Mutex<HashMap<(TenantId, Peer), State>>,
}

/// A server that failed since it last answered.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    failures: u32,
    /// Until then it is left alone.
    until: Timestamp,
    /// Whether one request is under way that finds out whether it answers again.
    is_probed: bool,
}

impl Breaker {
    /// Watches the servers behind that path.
    #[must_use]
    pub fn new(inner: Arc<dyn Outbound>, clock: Arc<dyn Clock>, options: BreakerOptions) -> Self {
        Self { inner, clock, options, servers: Mutex::default() }
    }

    async fn watched(
        &self,
        tenant: &TenantId,
        request: OutboundRequest,
    ) -> Result<OutboundResponse, OutboundError> {
        // What is wrong with a URL is said by the path itself.
        let Ok(url) = canonical(&request.url, URL_BYTES_MAX) else {
            return self.inner.send(tenant, request).await;
        };
        let key = (tenant.clone(), Peer::of(&url));
        let probe = self.enter(&key)?;
        let result = self.inner.send(tenant, request).await;
        drop(probe);
        self.note(key, result.as_ref().err());
        result
    }

    /// Whether the server is asked; the one who finds out whether it answers again leaves a mark
    /// for as long as that takes.
    fn enter<'a>(&'a self, key: &'a (TenantId, Peer)) -> Result<Option<Probe<'a>>, OutboundError> {
        let now = self.clock.now();
        let resting = |retry_after_ms| {
            Err(OutboundError::Resting { host: key.1.host.clone(), retry_after_ms })
        };
        self.servers(|servers| match servers.get_mut(key) {
            Some(state) if self.is_open(state) => {
                if state.until > now {
                    return resting(state.until.0.saturating_sub(now.0));
                }
                if state.is_probed {
                    return resting(PROBE_RETRY_MS);
                }
                state.is_probed = true;
                Ok(Some(Probe { breaker: self, key }))
            }
            Some(_) | None => Ok(None),
        })
    }

    const fn is_open(&self, state: &State) -> bool {
        self.options.failures_max > 0 && state.failures >= self.options.failures_max
    }

    fn note(&self, key: (TenantId, Peer), error: Option<&OutboundError>) {
        match error {
            Some(
                OutboundError::Unreachable { .. }
                | OutboundError::Broken { .. }
                | OutboundError::Timeout { .. },
            ) => self.failed(key),
            // The server was not asked, or was not at fault.
            Some(
                OutboundError::Invalid { .. }
                | OutboundError::Forbidden { .. }
                | OutboundError::Resting { .. },
            ) => {}
            Some(OutboundError::TooLarge { .. }) | None => {
                self.servers(|servers| servers.remove(&key));
            }
        }
    }

    fn failed(&self, key: (TenantId, Peer)) {
        let now = self.clock.now();
        self.servers(|servers| {
            if servers.len() >= SERVERS_MAX && !servers.contains_key(&key) {
                servers.retain(|_, state| state.until > now);
                if servers.len() >= SERVERS_MAX {
                    return;
                }
            }
            let state = servers.entry(key).or_default();
            state.failures = state.failures.saturating_add(1);
            if self.is_open(state) {
                state.until = now.after_ms(self.rest_ms(state.failures));
            }
        });
    }

    fn rest_ms(&self, failures: u32) -> u64 {
        let again = failures.saturating_sub(self.options.failures_max);
        let factor = 1_u64.checked_shl(again).unwrap_or(u64::MAX);
        self.options.rest_ms.saturating_mul(factor).min(self.options.rest_ms_max)
    }

    fn servers<T>(&self, act: impl FnOnce(&mut HashMap<(TenantId, Peer), State>) -> T) -> T {
        act(&mut self.servers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Outbound for Breaker {
    fn send<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
        Box::pin(self.watched(tenant, request))
    }
}

/// The mark of whoever finds out whether a server answers again; gone however that ends.
struct Probe<'a> {
    breaker: &'a Breaker,
    key: &'a (TenantId, Peer),
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.breaker.servers(|servers| {
            if let Some(state) = servers.get_mut(self.key) {
                state.is_probed = false;
            }
        });
    }
}
