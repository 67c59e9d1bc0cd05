//! What tasks did: what they used of models by their records, what they took of the sandbox, and
//! whether they wrote anything.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};

/// Models that one usage names; what is used of further ones is added up as [`OTHER_MODELS`].
pub const USAGE_MODELS_MAX: usize = 16;
/// The name under which models stand that a usage has no room to name.
pub const OTHER_MODELS: &str = "other";

/// Calls of models and their tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelUsage {
    /// Calls, those that failed among them.
    pub calls: u64,
    /// Calls that came to no answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Tokens read, as providers count them.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

/// What calls of plugins took of the sandbox. Calls that ended in waiting do not count, nor do
/// agents that were called as tools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SandboxUse {
    /// CPU time in microseconds.
    pub cpu_us: u64,
    /// The most memory that one call had.
    pub memory_bytes_peak: u64,
}

/// What was used of models, in all and of each, and of the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Of all models together.
    #[serde(flatten)]
    pub total: ModelUsage,
    /// Of each model, by the name that the operator gave it.
    pub models: BTreeMap<String, ModelUsage>,
    /// Of the sandbox; not known of runs of before.
    #[serde(default, skip_serializing_if = "SandboxUse::is_none")]
    pub sandbox: SandboxUse,
}

/// What a task did beside answering, by its records: over all its attempts, and with what the
/// agents did that it called as tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deeds {
    /// What it used of models.
    pub usage: Usage,
    /// Whether it wrote something that stays where the task fails.
    pub wrote: bool,
}

impl ModelUsage {
    /// Adds as much.
    pub const fn add(&mut self, more: &Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.failed = self.failed.saturating_add(more.failed);
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
    }

    /// What came since.
    #[must_use]
    pub const fn since(&self, before: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(before.calls),
            failed: self.failed.saturating_sub(before.failed),
            input_tokens: self.input_tokens.saturating_sub(before.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(before.output_tokens),
        }
    }
}

impl SandboxUse {
    /// Whether nothing was called.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.cpu_us == 0 && self.memory_bytes_peak == 0
    }

    /// Adds further calls.
    pub fn add(&mut self, more: &Self) {
        self.cpu_us = self.cpu_us.saturating_add(more.cpu_us);
        self.memory_bytes_peak = self.memory_bytes_peak.max(more.memory_bytes_peak);
    }
}

impl Usage {
    /// Whether no model was asked and no sandbox was taken.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.total.calls == 0 && self.sandbox.is_none()
    }

    /// Adds what was used of one model.
    pub fn take(&mut self, model: &str, used: &ModelUsage) {
        self.total.add(used);
        let has_room = self.models.len() < USAGE_MODELS_MAX || self.models.contains_key(model);
        let name = if has_room { model } else { OTHER_MODELS };
        self.models.entry(name.to_string()).or_default().add(used);
    }

    /// Adds all of another.
    pub fn add(&mut self, other: &Self) {
        other.models.iter().for_each(|(model, used)| self.take(model, used));
        self.sandbox.add(&other.sandbox);
    }

    /// What came since.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut since = Self::default();
        for (model, used) in &self.models {
            let earlier = before.models.get(model).copied().unwrap_or_default();
            let used = used.since(&earlier);
            if used != ModelUsage::default() {
                since.take(model, &used);
            }
        }
        since.sandbox = SandboxUse {
            cpu_us: self.sandbox.cpu_us.saturating_sub(before.sandbox.cpu_us),
            memory_bytes_peak: self.sandbox.memory_bytes_peak,
        };
        since
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
