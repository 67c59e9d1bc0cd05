//! Budgets that wasmtime asks about: memory and tables as they grow, and how many there may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::ResourceLimiter;
use wforge_model::limits::SandboxLimits;

use crate::tenants::Tenant;

/// A growth that was refused; the guest may live on, but if it then dies, this is why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Memory over its budget of so many bytes.
    Memory(u64),
    /// Memory over the budget of so many bytes that all sandboxes of its tenant share.
    TenantMemory(u64),
    /// A table over its budget of so many elements.
    Table(u32),
}

/// Memory is counted over all memories of the store, so that many small ones are no way around, and
/// over all stores of the tenant. What the store had is given back with it.
#[derive(Debug)]
pub(crate) struct Limiter {
    tenant: Arc<Tenant>,
    limits: SandboxLimits,
    memory_used: u64,
    /// The most of that; outlives the store, for whoever asks what the call took.
    memory_peak: Arc<AtomicU64>,
    pending: u64,
    refused: Option<Refused>,
}

impl Limiter {
    pub(crate) fn new(limits: &SandboxLimits, tenant: &Arc<Tenant>) -> Self {
        let (limits, tenant) = (limits.clone(), Arc::clone(tenant));
        let memory_peak = Arc::default();
        Self { tenant, limits, memory_used: 0, memory_peak, pending: 0, refused: None }
    }

    /// The most bytes of memory that the store had.
    pub(crate) fn memory_peak(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.memory_peak)
    }

    /// The last growth that was refused.
    pub(crate) const fn refused(&self) -> Option<Refused> {
        self.refused
    }

    fn take_memory(&mut self, growth: u64) -> Result<(), Refused> {
        let (own_max, shared_max) =
            (self.limits.memory_bytes_max, self.limits.memory_per_tenant_bytes_max);
        self.pending = 0;
        let total = self.memory_used.saturating_add(growth);
        if total > own_max {
            return Err(Refused::Memory(own_max));
        }
        if !self.tenant.take_memory(growth, shared_max) {
            return Err(Refused::TenantMemory(shared_max));
        }
        self.memory_used = total;
        self.memory_peak.fetch_max(total, Ordering::Relaxed);
        self.pending = growth;
        Ok(())
    }

    fn fits(&mut self, taken: Result<(), Refused>) -> bool {
        self.refused = taken.err().or(self.refused);
        taken.is_ok()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
        let taken = self.take_memory(growth);
        Ok(self.fits(taken))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        let failed = std::mem::take(&mut self.pending);
        self.memory_used = self.memory_used.saturating_sub(failed);
        self.tenant.give_memory(failed);
        self.refused = Some(Refused::Memory(self.limits.memory_bytes_max));
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let max = self.limits.table_elements_max;
        let fits = desired <= widened(max);
        Ok(self.fits(if fits { Ok(()) } else { Err(Refused::Table(max)) }))
    }

    fn instances(&self) -> usize {
        widened(self.limits.instances_max)
    }

    fn tables(&self) -> usize {
        widened(self.limits.tables_max)
    }

    fn memories(&self) -> usize {
        widened(self.limits.memories_max)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.tenant.give_memory(self.memory_used);
    }
}

fn widened(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wasmtime::ResourceLimiter;
    use wforge_model::limits::SandboxLimits;

    use super::{Limiter, Refused};
    use crate::tenants::Tenant;

    fn limiter(tenant: &Arc<Tenant>) -> Limiter {
        let limits = SandboxLimits {
            memory_bytes_max: 100,
            memory_per_tenant_bytes_max: 150,
            ..SandboxLimits::default()
        };
        Limiter::new(&limits, tenant)
    }

    #[test]
    fn memory_is_summed_over_all_memories() {
        let mut limiter = limiter(&Arc::default());
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!(limiter.refused(), Some(Refused::Memory(100)));
        assert!(limiter.memory_growing(0, 40, None).unwrap());
    }

    #[test]
    fn memory_is_summed_over_all_sandboxes_of_a_tenant_until_they_are_gone() {
        let tenant = Arc::default();
        let (mut first, mut second) = (limiter(&tenant), limiter(&tenant));
        assert!(first.memory_growing(0, 90, None).unwrap());
        assert!(!second.memory_growing(0, 61, None).unwrap());
        assert_eq!(second.refused(), Some(Refused::TenantMemory(150)));
        assert!(limiter(&Arc::default()).memory_growing(0, 61, None).unwrap());
        drop(first);
        assert!(second.memory_growing(0, 61, None).unwrap());
    }

    #[test]
    fn growth_that_failed_is_given_back() {
        let tenant = Arc::default();
        let mut limiter = limiter(&tenant);
        assert!(limiter.memory_growing(0, 80, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert!(limiter.memory_growing(0, 100, None).unwrap());
        drop(limiter);
        assert!(tenant.take_memory(150, 150));
    }
}
