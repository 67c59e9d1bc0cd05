//! Budgets that wasmtime asks about: memory and tables as they grow, CPU time as epochs pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

use crate::engine::{
    CORE_INSTANCES_PER_COMPONENT_MAX, MEMORIES_PER_COMPONENT_MAX, TABLES_PER_COMPONENT_MAX, TICK_MS,
};

use super::unwind::Unwind;

/// A growth that was refused; the guest may live on, but if it then dies, this is why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Memory over its budget of so many bytes.
    Memory(u64),
    /// A table over its budget of so many elements.
    Table(usize),
}

/// Memory is counted over all memories of the store, so that many small ones are no way around.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_used: u64,
    memory_max: u64,
    pending: u64,
    table_elements_max: usize,
    refused: Option<Refused>,
}

impl Limiter {
    pub(crate) fn new(memory_max: u64, table_elements_max: u32) -> Self {
        let table_elements_max = usize::try_from(table_elements_max).unwrap_or(usize::MAX);
        Self { memory_used: 0, memory_max, pending: 0, table_elements_max, refused: None }
    }

    /// The last growth that was refused.
    pub(crate) const fn refused(&self) -> Option<Refused> {
        self.refused
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
        let total = self.memory_used.saturating_add(growth);
        if total > self.memory_max {
            self.refused = Some(Refused::Memory(self.memory_max));
            return Ok(false);
        }
        self.memory_used = total;
        self.pending = growth;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_used = self.memory_used.saturating_sub(std::mem::take(&mut self.pending));
        self.refused = Some(Refused::Memory(self.memory_max));
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired <= self.table_elements_max;
        if !fits {
            self.refused = Some(Refused::Table(self.table_elements_max));
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        widened(CORE_INSTANCES_PER_COMPONENT_MAX)
    }

    fn tables(&self) -> usize {
        widened(TABLES_PER_COMPONENT_MAX)
    }

    fn memories(&self) -> usize {
        widened(MEMORIES_PER_COMPONENT_MAX)
    }
}

fn widened(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// CPU time of one call, counted in ticks that passed while the guest was running. A call shorter
/// than a tick is hit by one as often as it is long, so that many of them add up all the same.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    ticks: u64,
    ticks_max: u64,
    free_tick: bool,
    /// The milliseconds of the tenant.
    bill: Arc<AtomicU64>,
}

impl CpuMeter {
    pub(crate) fn new(cpu_ms_max: u64) -> Self {
        let ticks_max = cpu_ms_max.div_ceil(TICK_MS).max(1);
        Self { ticks: 0, ticks_max, free_tick: false, bill: Arc::default() }
    }

    /// Adds what is counted to the milliseconds of a tenant.
    pub(crate) fn bill_to(&mut self, bill: &Arc<AtomicU64>) {
        self.bill = Arc::clone(bill);
    }

    /// The guest has waited in the host for longer than a tick: the next one is not its own.
    pub(crate) fn waited(&mut self) {
        self.free_tick = true;
    }

    /// A tick has passed.
    pub(crate) fn tick(&mut self) -> Result<(), Unwind> {
        if std::mem::take(&mut self.free_tick) {
            return Ok(());
        }
        self.ticks = self.ticks.saturating_add(1);
        self.bill.fetch_add(TICK_MS, Ordering::Relaxed);
        if self.ticks < self.ticks_max {
            return Ok(());
        }
        let ms = self.ticks_max.saturating_mul(TICK_MS);
        let message = format!("the agent used more than {ms} ms of CPU time");
        Err(Unwind::Limit { code: "cpu_limit", message })
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter;

    use super::{CpuMeter, Limiter, Refused};

    #[test]
    fn memory_is_summed_over_all_memories() {
        let mut limiter = Limiter::new(100, 10);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!(limiter.refused(), Some(Refused::Memory(100)));
        assert!(limiter.memory_growing(0, 40, None).unwrap());
    }

    #[test]
    fn growth_that_failed_is_given_back() {
        let mut limiter = Limiter::new(100, 10);
        assert!(limiter.memory_growing(0, 80, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn a_tick_that_passed_in_the_host_is_free() {
        let mut meter = CpuMeter::new(20);
        meter.waited();
        assert!(meter.tick().is_ok());
        assert!(meter.tick().is_ok());
        assert!(meter.tick().is_err());
    }
}
