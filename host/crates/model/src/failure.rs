//! Why something did not succeed, as the contract with plugins has it (wit/types.wit).

use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};

use crate::Value;

/// What went wrong, in a form that a retry policy can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = FailureProblem))]
pub struct Problem {
    /// A stable code in `snake_case`. Programs read this, never the message.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// Whether the same call may succeed later.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub retryable: bool,
    /// The earliest moment at which a retry makes sense, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Anything else that helps.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

impl Problem {
    /// A problem that no retry will cure.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_string(),
            message: message.into(),
            retryable: false,
            retry_after_ms: None,
            details: Value::Null,
        }
    }

    /// The same, said to be worth a retry.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// A capability that was asked for and not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Denial {
    /// The capability, such as `http`.
    pub capability: String,
    /// What it was asked for.
    pub resource: String,
    /// The exact line or command with which an operator would grant it.
    pub hint: String,
}

/// Why a task, an attempt or a host call did not succeed.
///
/// The first six are the contract's; the rest are what only the host can say of a guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// The input does not fit what the agent accepts.
    #[serde(rename = "invalid-input")]
    InvalidInput(Problem),
    /// A capability, or an exit, that was not granted.
    Denied(Denial),
    /// A budget is used up.
    Limit(Problem),
    /// A system outside the host failed.
    Upstream(Problem),
    /// The run was cancelled.
    Cancelled(Problem),
    /// The agent itself failed; the code `exception` is a panic or an uncaught exception.
    Failed(Problem),
    /// The sandbox ended the guest: memory out of bounds, stack overflow, a broken contract.
    Trap(Problem),
    /// The attempt took longer than its timeout.
    Timeout(Problem),
    /// The reply fits neither the agent's schema nor the state's.
    BadOutput(Problem),
    /// No plugin serves the agent, or the one that does is switched off.
    Missing(Problem),
}

/// The kinds of [`Failure`], as retry and fallback policies name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// [`Failure::InvalidInput`].
    #[serde(rename = "invalid-input")]
    InvalidInput,
    /// [`Failure::Denied`].
    Denied,
    /// [`Failure::Limit`].
    Limit,
    /// [`Failure::Upstream`].
    Upstream,
    /// [`Failure::Cancelled`].
    Cancelled,
    /// [`Failure::Failed`].
    Failed,
    /// [`Failure::Trap`].
    Trap,
    /// [`Failure::Timeout`].
    Timeout,
    /// [`Failure::BadOutput`].
    BadOutput,
    /// [`Failure::Missing`].
    Missing,
}

impl FailureKind {
    /// All kinds and how a workflow file writes them.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::InvalidInput, "invalid-input"),
        (Self::Denied, "denied"),
        (Self::Limit, "limit"),
        (Self::Upstream, "upstream"),
        (Self::Cancelled, "cancelled"),
        (Self::Failed, "failed"),
        (Self::Trap, "trap"),
        (Self::Timeout, "timeout"),
        (Self::BadOutput, "bad_output"),
        (Self::Missing, "missing"),
    ];

    /// How a workflow file writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("failed", |(_, text)| text)
    }

    /// The kind that a workflow file writes so.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind)
    }
}

impl Failure {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::InvalidInput(_) => FailureKind::InvalidInput,
            Self::Denied(_) => FailureKind::Denied,
            Self::Limit(_) => FailureKind::Limit,
            Self::Upstream(_) => FailureKind::Upstream,
            Self::Cancelled(_) => FailureKind::Cancelled,
            Self::Failed(_) => FailureKind::Failed,
            Self::Trap(_) => FailureKind::Trap,
            Self::Timeout(_) => FailureKind::Timeout,
            Self::BadOutput(_) => FailureKind::BadOutput,
            Self::Missing(_) => FailureKind::Missing,
        }
    }

    /// The problem inside; none for a denial.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Denied(_) => None,
            Self::InvalidInput(problem)
            | Self::Limit(problem)
            | Self::Upstream(problem)
            | Self::Cancelled(problem)
            | Self::Failed(problem)
            | Self::Trap(problem)
            | Self::Timeout(problem)
            | Self::BadOutput(problem)
            | Self::Missing(problem) => Some(problem),
        }
    }

    /// The code that a retry policy compares; `denied` for a denial.
    #[must_use]
    pub fn code(&self) -> &str {
        self.problem().map_or("denied", |problem| &problem.code)
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self, self.problem()) {
            (Self::Denied(denial), _) => {
                write!(f, "denied: {} on {}; {}", denial.capability, denial.resource, denial.hint)
            }
            (_, Some(problem)) => {
                write!(f, "{} ({}): {}", self.kind().as_str(), problem.code, problem.message)
            }
            (_, None) => f.write_str(self.kind().as_str()),
        }
    }
}
