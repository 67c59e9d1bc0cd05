//! The newest border of threads that were used lately, so that a turn does not read the ones
//! before it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use wforge_model::{RunId, TenantId, ThreadId};
use wforge_ports::figures::Kept;

use super::Base;

/// Threads whose newest border is in memory.
const CACHED_MAX: usize = 64;
/// A larger state is read again rather than kept.
const STATE_BYTES_MAX: u64 = 2 << 20;

type ThreadKey = (TenantId, ThreadId);

/// What the newest run of each thread left.
#[derive(Debug, Default)]
pub(crate) struct CarriedCache(Mutex<Cached>);

#[derive(Debug, Default)]
struct Cached {
    bases: HashMap<ThreadKey, Base>,
    /// In the order in which they came; the oldest goes first.
    order: VecDeque<ThreadKey>,
}

impl CarriedCache {
    /// What that run left, where it is the newest that is known.
    pub(crate) fn get(&self, tenant: &TenantId, thread: ThreadId, run: RunId) -> Option<Base> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.bases.get(&(tenant.clone(), thread)).filter(|base| base.at.run == run).cloned()
    }

    pub(crate) fn put(&self, tenant: &TenantId, thread: ThreadId, base: Base, bytes: u64) {
        if bytes > STATE_BYTES_MAX {
            return;
        }
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), thread);
        if cached.bases.insert(key.clone(), base).is_none() {
            cached.order.push_back(key);
        }
        if cached.order.len() > CACHED_MAX
            && let Some(oldest) = cached.order.pop_front()
        {
            cached.bases.remove(&oldest);
        }
    }

    /// Those that are in memory.
    pub(crate) fn kept(&self) -> Kept {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Kept::entries("threads", cached.bases.len())
    }

    /// Forgets the threads of a tenant.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.bases.retain(|(of, _), _| of != tenant);
        cached.order.retain(|(of, _)| of != tenant);
    }

    /// Forgets what that run left, since it is taken up again.
    pub(crate) fn forget(&self, tenant: &TenantId, thread: ThreadId, run: RunId) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), thread);
        if cached.bases.get(&key).is_some_and(|base| base.at.run == run) {
            cached.bases.remove(&key);
            cached.order.retain(|ordered| *ordered != key);
        }
    }
}
