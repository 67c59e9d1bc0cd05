//! What each tenant uses over all its sandboxes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wforge_model::TenantId;

/// All tenants that made a call since the start; what they are billed must not be forgotten.
#[derive(Debug, Default)]
pub(crate) struct Tenants(Mutex<HashMap<TenantId, Arc<Tenant>>>);

impl Tenants {
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<Tenant> {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tenants.get(tenant) {
            Some(known) => Arc::clone(known),
            None => Arc::clone(tenants.entry(tenant.clone()).or_default()),
        }
    }

    /// The linear memory of all sandboxes now.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.values().map(|tenant| tenant.memory_bytes.load(Ordering::Relaxed)).sum()
    }
}

/// What the sandboxes of a tenant have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// CPU time of all of them, in nanoseconds.
    pub cpu_ns: u64,
    /// The most linear memory that they had at one time, in bytes.
    pub memory_bytes_peak: u64,
}

/// One tenant.
#[derive(Debug, Default)]
pub(crate) struct Tenant {
    cpu_ns: AtomicU64,
    memory_bytes: AtomicU64,
    memory_bytes_peak: AtomicU64,
}

impl Tenant {
    pub(crate) fn bill_cpu_ns(&self, used_ns: u64) {
        self.cpu_ns.fetch_add(used_ns, Ordering::Relaxed);
    }

    pub(crate) fn cpu_ms(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed) / 1_000_000
    }

    /// Takes memory for one of its sandboxes; false where all of them would have more than `max`.
    pub(crate) fn take_memory(&self, bytes: u64, max: u64) -> bool {
        let grown = |used: u64| used.checked_add(bytes).filter(|total| *total <= max);
        let before = self.memory_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
        if let Ok(before) = before {
            self.memory_bytes_peak.fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
        }
        before.is_ok()
    }

    pub(crate) fn used(&self) -> Used {
        Used {
            cpu_ns: self.cpu_ns.load(Ordering::Relaxed),
            memory_bytes_peak: self.memory_bytes_peak.load(Ordering::Relaxed),
        }
    }

    /// Gives memory back.
    pub(crate) fn give_memory(&self, bytes: u64) {
        self.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
