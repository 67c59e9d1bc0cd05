//! Budgets with their defaults. The unit is in the name.

mod admission;
mod breaker;
mod cap;

use serde::{Deserialize, Serialize};

pub use admission::AdmissionLimits;
pub use breaker::BreakerLimits;
pub use cap::{Cap, ParsePatternError, PluginPattern, effective};

/// What one run may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunLimits {
    /// Super-steps until the run fails with `step_limit`.
    pub steps_max: u32,
    /// Time during which a task ran, in milliseconds; waiting for people, timers or admission is
    /// free. 0: no limit.
    pub wall_ms_max: u64,
    /// Tasks of one run at the same time.
    pub parallel_max: u32,
    /// State after a super-step, as JSON text, in bytes.
    pub state_bytes_max: u64,
    /// Tasks in one super-step.
    pub tasks_per_step_max: u32,
    /// Time during which a task of one super-step ran, in milliseconds. 0: no limit.
    #[serde(skip_serializing_if = "is_zero")]
    pub step_ms_max: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            steps_max: 1_000,
            wall_ms_max: 3_600_000,
            parallel_max: 16,
            state_bytes_max: 8 << 20,
            tasks_per_step_max: 4_096,
            step_ms_max: 0,
        }
    }
}

/// What a workflow file says of its runs' limits; where it says nothing, the host's holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AskedLimits {
    /// As [`RunLimits::steps_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_max: Option<u32>,
    /// As [`RunLimits::wall_ms_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms_max: Option<u64>,
    /// As [`RunLimits::parallel_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_max: Option<u32>,
    /// As [`RunLimits::state_bytes_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_bytes_max: Option<u64>,
    /// As [`RunLimits::tasks_per_step_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks_per_step_max: Option<u32>,
    /// As [`RunLimits::step_ms_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_ms_max: Option<u64>,
}

/// A limit of which a workflow asks more than its host allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit {
    /// How the workflow file calls it.
    pub field: &'static str,
    /// How [`RunLimits`] calls it.
    pub limit: &'static str,
    /// What the file asks for; 0 for no limit at all.
    pub asked: u64,
    /// What the host allows.
    pub allowed: u64,
}

impl AskedLimits {
    /// The limits of a run: what was asked for, else the host's.
    #[must_use]
    pub fn over(&self, host: &RunLimits) -> RunLimits {
        RunLimits {
            steps_max: self.steps_max.unwrap_or(host.steps_max),
            wall_ms_max: self.wall_ms_max.unwrap_or(host.wall_ms_max),
            parallel_max: self.parallel_max.unwrap_or(host.parallel_max),
            state_bytes_max: self.state_bytes_max.unwrap_or(host.state_bytes_max),
            tasks_per_step_max: self.tasks_per_step_max.unwrap_or(host.tasks_per_step_max),
            step_ms_max: self.step_ms_max.unwrap_or(host.step_ms_max),
        }
    }

    /// What is asked for beyond the host's.
    pub fn beyond(&self, host: &RunLimits) -> impl Iterator<Item = OverLimit> + use<> {
        let limits = self.over(host);
        let counts = [
            ("steps", "steps_max", limits.steps_max.into(), host.steps_max.into()),
            ("wall", "wall_ms_max", limits.wall_ms_max, host.wall_ms_max),
            ("parallel", "parallel_max", limits.parallel_max.into(), host.parallel_max.into()),
            ("state_bytes_max", "state_bytes_max", limits.state_bytes_max, host.state_bytes_max),
            (
                "tasks_per_step_max",
                "tasks_per_step_max",
                limits.tasks_per_step_max.into(),
                host.tasks_per_step_max.into(),
            ),
            ("step", "step_ms_max", limits.step_ms_max, host.step_ms_max),
        ];
        let over =
            counts.map(|(field, limit, asked, allowed)| OverLimit { field, limit, asked, allowed });
        over.into_iter().filter(OverLimit::is_over)
    }
}

impl OverLimit {
    /// Only of time 0 means no limit, and the other counts are never 0.
    const fn is_over(&self) -> bool {
        self.allowed != 0 && (self.asked == 0 || self.asked > self.allowed)
    }
}

/// What one call of a plugin may use. The manifest may ask for less, never for more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxLimits {
    /// Linear memory, summed over all memories of the sandbox.
    pub memory_bytes_max: u64,
    /// Linear memory of all sandboxes of a tenant at one time.
    pub memory_per_tenant_bytes_max: u64,
    /// Calls of one tenant at the same time; further ones wait for their turn.
    pub calls_per_tenant_max: u32,
    /// Calls of one component by one tenant at the same time; further ones wait for their turn.
    pub calls_per_plugin_max: u32,
    /// Core instances of one component; `CPython` has hundreds.
    pub instances_max: u32,
    /// Memories of one component.
    pub memories_max: u32,
    /// Tables of one component.
    pub tables_max: u32,
    /// Elements of one table.
    pub table_elements_max: u32,
    /// Stack of the guest's WebAssembly frames.
    pub stack_bytes_max: u32,
    /// CPU time of the guest in milliseconds, measured on the threads that it ran on; looked at
    /// with each epoch, so that it may be passed by as much.
    pub cpu_ms_max: u64,
    /// Time of the whole call, host calls included, in milliseconds. A node's timeout can be
    /// shorter.
    pub wall_ms_max: u64,
    /// Calls from the guest into the host.
    pub host_calls_max: u32,
    /// Recorded effects of one task.
    pub effects_max: u32,
    /// Bytes that one host call may copy out of the guest.
    pub host_call_bytes_max: u64,
    /// JSON text of one input.
    pub input_bytes_max: u32,
    /// JSON text of one reply.
    pub output_bytes_max: u32,
    /// Nesting of JSON that a guest hands over.
    pub json_depth_max: u32,
    /// Values in one JSON document that a guest hands over: elements, members, and the whole.
    pub json_values_max: u32,
    /// Log lines of one call; the rest is counted and dropped.
    pub log_lines_max: u32,
    /// Bytes of one log line; the rest of the line is dropped.
    pub log_line_bytes_max: u32,
    /// Bytes of all log lines of one call.
    pub log_bytes_max: u32,
    /// Events that one call may emit.
    pub emits_max: u32,
    /// Random bytes of one request.
    pub random_bytes_max: u32,
    /// Live handles of the component model in one sandbox.
    pub handles_max: u32,
    /// Timers of `wasi:clocks/monotonic-clock` that a guest has at the same time.
    pub timers_max: u32,
    /// Exchanges by `wasi:http` that one call has open at the same time, each until the body of its
    /// response is read or dropped.
    pub http_at_once_max: u32,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 128 << 20,
            memory_per_tenant_bytes_max: 2 << 30,
            calls_per_tenant_max: 128,
            calls_per_plugin_max: 64,
            instances_max: 512,
            memories_max: 32,
            tables_max: 256,
            table_elements_max: 100_000,
            stack_bytes_max: 512 << 10,
            cpu_ms_max: 10_000,
            wall_ms_max: 180_000,
            host_calls_max: 100_000,
            effects_max: 1_000,
            host_call_bytes_max: 8 << 20,
            input_bytes_max: 4 << 20,
            output_bytes_max: 4 << 20,
            json_depth_max: 64,
            json_values_max: 200_000,
            log_lines_max: 1_000,
            log_line_bytes_max: 8 << 10,
            log_bytes_max: 1 << 20,
            emits_max: 10_000,
            random_bytes_max: 64 << 10,
            handles_max: 4_096,
            timers_max: 64,
            http_at_once_max: 8,
        }
    }
}
