//! How many of one thing are under way, for each tenant and for all together.
//!
//! Nothing queues at a [`Gate`]: what does not fit is refused at once and told when to come back,
//! so that one tenant's burst costs the others nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use wforge_model::TenantId;

use crate::codes;
use crate::error::ApiError;
use crate::limits::Share;

const RETRY_AFTER_MS: u64 = 1_000;

/// Lets one of each tenant in at a time; the others of that tenant wait.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<BTreeMap<TenantId, Arc<tokio::sync::Mutex<()>>>>);

impl Queue {
    /// Waits until no other of that tenant is inside.
    pub(crate) async fn enter(&self, tenant: &TenantId) -> OwnedMutexGuard<()> {
        let door = {
            let mut doors = lock(&self.0);
            doors.retain(|_, door| Arc::strong_count(door) > 1);
            Arc::clone(doors.entry(tenant.clone()).or_default())
        };
        door.lock_owned().await
    }
}

/// Lets so many in.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    what: &'static str,
    share: Share,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    tenants: BTreeMap<TenantId, usize>,
}

/// The place of one that is inside; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    tenant: TenantId,
    inside: Arc<Mutex<Inside>>,
}

impl Gate {
    /// A gate for `what`, in the plural.
    pub(crate) fn new(what: &'static str, share: Share) -> Self {
        Self { what, share, inside: Arc::default() }
    }

    /// Lets one of that tenant in.
    ///
    /// # Errors
    /// Its share, or that of all together, is used up.
    pub(crate) fn enter(&self, tenant: &TenantId) -> Result<Permit, ApiError> {
        let mut inside = lock(&self.inside);
        let of_tenant = inside.tenants.get(tenant).copied().unwrap_or(0);
        if of_tenant >= self.share.tenant_max {
            return Err(self.full(&codes::TENANT_BUSY, self.share.tenant_max));
        }
        if inside.total >= self.share.total_max {
            return Err(self.full(&codes::BUSY, self.share.total_max));
        }
        inside.total += 1;
        inside.tenants.insert(tenant.clone(), of_tenant + 1);
        Ok(Permit { tenant: tenant.clone(), inside: Arc::clone(&self.inside) })
    }

    /// How many are inside.
    pub(crate) fn total(&self) -> usize {
        lock(&self.inside).total
    }

    fn full(&self, code: &'static codes::Code, max: usize) -> ApiError {
        ApiError::new(code, format!("{max} {} are under way; try again shortly", self.what))
            .retry_after_ms(RETRY_AFTER_MS)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inside = lock(&self.inside);
        inside.total = inside.total.saturating_sub(1);
        let left = inside.tenants.get(&self.tenant).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            inside.tenants.remove(&self.tenant);
        } else {
            inside.tenants.insert(self.tenant.clone(), left);
        }
    }
}

/// Both counters are changed under one lock without a call between, so a poisoned lock still holds
/// true numbers.
fn lock<T>(inside: &Mutex<T>) -> MutexGuard<'_, T> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn code(result: Result<Permit, ApiError>) -> &'static str {
        result.err().map_or("in", |error| error.code.id)
    }

    #[test]
    fn a_tenant_is_refused_before_it_takes_the_room_of_others() {
        let gate = Gate::new("requests", Share { total_max: 3, tenant_max: 2 });
        let first = gate.enter(&tenant("a")).unwrap();
        let _second = gate.enter(&tenant("a")).unwrap();
        assert_eq!(code(gate.enter(&tenant("a"))), "WF0429");
        let _third = gate.enter(&tenant("b")).unwrap();
        assert_eq!(code(gate.enter(&tenant("b"))), "WF0503");
        drop(first);
        assert_eq!(code(gate.enter(&tenant("b"))), "in");
    }

    #[test]
    fn nothing_is_left_of_a_tenant_that_has_gone() {
        let gate = Gate::new("requests", Share { total_max: 3, tenant_max: 2 });
        drop((gate.enter(&tenant("a")).unwrap(), gate.enter(&tenant("a")).unwrap()));
        assert_eq!(gate.total(), 0);
        assert!(lock(&gate.inside).tenants.is_empty());
    }

    #[tokio::test]
    async fn a_queue_lets_in_one_of_each_tenant() {
        use futures::FutureExt as _;
        let queue = Queue::default();
        let [acme, other]: [TenantId; 2] = ["acme", "other"].map(|name| name.parse().unwrap());
        let inside = queue.enter(&acme).await;
        assert!(queue.enter(&acme).now_or_never().is_none(), "two of one tenant");
        assert!(queue.enter(&other).now_or_never().is_some(), "the other tenant waits");
        drop(inside);
        assert!(queue.enter(&acme).now_or_never().is_some(), "nobody is inside");
    }
}
