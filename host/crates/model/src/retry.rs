//! What follows where an attempt of a node failed: another one, or a stand-in.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::AgentRef;

/// When a failed attempt is followed by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    /// Failure kinds or problem codes; empty: every retryable failure.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub on: Vec<String>,
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Wait before the second attempt, in milliseconds.
    pub initial_ms: u64,
    /// By how much each wait is longer than the one before.
    pub factor: f64,
    /// The longest wait, in milliseconds.
    pub max_ms: u64,
    /// Whether up to half of the wait is taken away, by a hash of task and attempt.
    pub jitter: bool,
    /// What the next attempt keeps of the recorded effects; none: rule 3 decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<RetryEffects>,
}

/// What an attempt keeps of the recorded effects of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetryEffects {
    /// All of them.
    Keep,
    /// None of them, people's answers excepted.
    Discard,
}

impl Default for RetryRule {
    /// As LangGraph's default policy has it.
    fn default() -> Self {
        Self {
            on: Vec::new(),
            max_attempts: 3,
            initial_ms: 500,
            factor: 2.0,
            max_ms: 128_000,
            jitter: true,
            effects: None,
        }
    }
}

/// Who stands in for an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Nobody, whatever the mode.
    None,
    /// The mock agent.
    Mock,
    /// Another agent, which is called as a further attempt.
    Agent(AgentRef),
}
