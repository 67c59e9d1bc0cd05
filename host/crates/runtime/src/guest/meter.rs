//! CPU time of one call: measured around each poll of the guest, looked at as epochs pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

use super::unwind::Unwind;
use crate::tenants::Tenant;

/// Nanoseconds of CPU time that the calling thread has used.
pub(crate) type CpuClock = fn() -> u64;

/// What a guest must have run before it makes room, in nanoseconds. An epoch that passed while it
/// waited in the host is no reason to wait again.
pub(crate) const YIELD_AFTER_NS: u64 = 1_000_000;

/// The clock of the thread itself.
pub(crate) fn of_thread() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// The meter of one call; all its copies are the same one.
#[derive(Debug, Clone)]
pub(crate) struct CpuMeter(Arc<Readings>);

#[derive(Debug)]
struct Readings {
    clock: CpuClock,
    max_ms: u64,
    used_ns: AtomicU64,
    began_ns: AtomicU64,
    has_yielded: AtomicBool,
    tenant: Arc<Tenant>,
}

/// One poll of a guest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) used_ns: u64,
    /// Whether it stopped only to make room.
    pub(crate) has_yielded: bool,
}

impl CpuMeter {
    /// For a call that may use so many milliseconds, which that tenant pays for.
    pub(crate) fn new(max_ms: u64, clock: CpuClock, tenant: &Arc<Tenant>) -> Self {
        Self(Arc::new(Readings {
            clock,
            max_ms,
            used_ns: AtomicU64::new(0),
            began_ns: AtomicU64::new(0),
            has_yielded: AtomicBool::new(false),
            tenant: Arc::clone(tenant),
        }))
    }

    /// The guest is polled, on this thread.
    pub(crate) fn begin(&self) {
        self.0.began_ns.store((self.0.clock)(), Ordering::Relaxed);
    }

    /// The poll has ended, on the same thread.
    pub(crate) fn end(&self) -> Ran {
        let used_ns = self.since_began_ns();
        self.0.used_ns.fetch_add(used_ns, Ordering::Relaxed);
        self.0.tenant.bill_cpu_ns(used_ns);
        Ran { used_ns, has_yielded: self.0.has_yielded.swap(false, Ordering::Relaxed) }
    }

    /// An epoch has passed: whether the guest makes room now, or that it used too much.
    pub(crate) fn must_yield(&self) -> Result<bool, Unwind> {
        let ran_ns = self.since_began_ns();
        let used_ns = self.0.used_ns.load(Ordering::Relaxed).saturating_add(ran_ns);
        let max_ms = self.0.max_ms;
        if used_ns > max_ms.saturating_mul(1_000_000) {
            let message = format!("the agent used more than {max_ms} ms of CPU time");
            return Err(Unwind::Limit { code: "cpu_limit", message });
        }
        let yields = ran_ns >= YIELD_AFTER_NS;
        self.0.has_yielded.store(yields, Ordering::Relaxed);
        Ok(yields)
    }

    /// What the call has used by its last poll.
    pub(crate) fn used_us(&self) -> u64 {
        self.0.used_ns.load(Ordering::Relaxed) / 1_000
    }

    fn since_began_ns(&self) -> u64 {
        (self.0.clock)().saturating_sub(self.0.began_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::CpuMeter;
    use crate::tenants::Tenant;

    thread_local! {
        static NOW_NS: Cell<u64> = const { Cell::new(0) };
    }

    fn runs(us: u64) {
        NOW_NS.set(NOW_NS.get() + us * 1_000);
    }

    fn meter(max_ms: u64) -> (CpuMeter, Arc<Tenant>) {
        let tenant = Arc::new(Tenant::default());
        (CpuMeter::new(max_ms, || NOW_NS.get(), &tenant), tenant)
    }

    #[test]
    fn only_what_passes_while_the_guest_is_polled_counts() {
        let (meter, tenant) = meter(20);
        for _ in 0..3 {
            runs(1_000_000);
            meter.begin();
            runs(5_000);
            assert_eq!(meter.end().used_ns, 5_000_000);
        }
        assert_eq!(tenant.cpu_ms(), 15);
    }

    #[test]
    fn a_guest_ends_once_it_used_more_than_it_may() {
        let (meter, _) = meter(20);
        meter.begin();
        runs(15_000);
        meter.end();
        meter.begin();
        runs(5_000);
        assert!(meter.must_yield().unwrap());
        runs(1);
        let over = meter.must_yield().unwrap_err().to_string();
        assert_eq!(over, "the agent used more than 20 ms of CPU time");
    }

    #[test]
    fn an_epoch_that_passed_in_the_host_is_no_reason_to_make_room() {
        let (meter, _) = meter(20);
        meter.begin();
        runs(10);
        assert!(!meter.must_yield().unwrap());
        assert!(!meter.end().has_yielded);
        meter.begin();
        runs(9_000);
        assert!(meter.must_yield().unwrap());
        assert!(meter.end().has_yielded);
    }
}
