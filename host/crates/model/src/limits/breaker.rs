//! When a plugin that keeps breaking is left alone, and for how long.

use serde::{Deserialize, Serialize};

/// When calls of a plugin are not made any more for a while, for one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerLimits {
    /// Calls that broke in a row: by a trap, an exception, or no end in time. 0: no limit.
    pub failures_max: u32,
    /// Those of so long ago count, in milliseconds.
    pub window_ms: u64,
    /// The first wait, in milliseconds. Each further one is twice as long.
    pub open_ms: u64,
    /// The longest wait, in milliseconds.
    pub open_ms_max: u64,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures_max: 5, window_ms: 60_000, open_ms: 5_000, open_ms_max: 300_000 }
    }
}
