//! Why an agent did not succeed, with a short way to say each case.

use serde_json::{Value, json};

pub use crate::bindings::workflowforge::plugin::types::{Denial, Failure, Problem};

impl Failure {
    /// The input cannot be worked on; never retried.
    #[must_use]
    pub fn invalid_input(code: &str, message: impl Into<String>) -> Self {
        Self::InvalidInput(Problem::new(code, message))
    }

    /// A budget of the agent's own is used up.
    #[must_use]
    pub fn limit(code: &str, message: impl Into<String>) -> Self {
        Self::Limit(Problem::new(code, message))
    }

    /// A system outside the host failed.
    #[must_use]
    pub fn upstream(code: &str, message: impl Into<String>) -> Self {
        Self::Upstream(Problem::new(code, message))
    }

    /// The agent itself failed.
    #[must_use]
    pub fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::Failed(Problem::new(code, message))
    }

    /// The capability is not granted; `hint` says what would grant it.
    #[must_use]
    pub fn denied(capability: &str, resource: &str, hint: impl Into<String>) -> Self {
        Self::Denied(Denial {
            capability: capability.to_owned(),
            resource: resource.to_owned(),
            hint: hint.into(),
        })
    }

    /// The same, where a later call may succeed. A denial stays as it is.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        if let Some(problem) = self.problem_mut() {
            problem.retryable = true;
        }
        self
    }

    /// Which case it is, as the contract writes it, such as `invalid-input`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "invalid-input",
            Self::Denied(_) => "denied",
            Self::Limit(_) => "limit",
            Self::Upstream(_) => "upstream",
            Self::Cancelled(_) => "cancelled",
            Self::Failed(_) => "failed",
        }
    }

    /// The problem, unless it is a denial.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Denied(_) => None,
            Self::InvalidInput(problem)
            | Self::Limit(problem)
            | Self::Upstream(problem)
            | Self::Cancelled(problem)
            | Self::Failed(problem) => Some(problem),
        }
    }

    /// The problem's code; none of a denial.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }

    fn problem_mut(&mut self) -> Option<&mut Problem> {
        match self {
            Self::Denied(_) => None,
            Self::InvalidInput(problem)
            | Self::Limit(problem)
            | Self::Upstream(problem)
            | Self::Cancelled(problem)
            | Self::Failed(problem) => Some(problem),
        }
    }
}

impl Problem {
    /// A problem that a retry does not cure.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            retryable: false,
            retry_after_ms: None,
            details: "{}".to_owned(),
        }
    }

    /// The same, where a later call may succeed.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self { retryable: true, ..self }
    }

    /// The same, where a later call may succeed, though not before so many milliseconds.
    #[must_use]
    pub fn retry_after_ms(self, ms: u64) -> Self {
        Self { retryable: true, retry_after_ms: Some(ms), ..self }
    }

    /// The same with more for programs to read.
    #[must_use]
    pub fn details(self, details: &Value) -> Self {
        Self { details: details.to_string(), ..self }
    }
}

/// JSON of the contract that does not have the shape the agent expects.
pub(crate) fn unreadable(what: &str, error: &serde_json::Error) -> Failure {
    let place = json!({ "line": error.line(), "column": error.column() });
    Failure::InvalidInput(
        Problem::new("invalid_json", format!("the {what} does not fit: {error}")).details(&place),
    )
}

/// A value of the agent that is no JSON, such as a map whose keys are no text.
pub(crate) fn unwritable(what: &str, error: &serde_json::Error) -> Failure {
    Failure::failed("unwritable_json", format!("the {what} is no JSON: {error}"))
}
