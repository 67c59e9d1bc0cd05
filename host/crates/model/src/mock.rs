//! When the built-in mock agent may stand in for a named one.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::workflow::Template;
use crate::{FailureKind, Value};

/// Who may be replaced by the mock agent. Ordered by strictness: the first is the strictest.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MockMode {
    /// Nobody: every agent must be served.
    Off,
    /// Each node's own `fallback` decides.
    #[default]
    Node,
    /// Every node whose fallback is not `none`, when its agent is missing or fails.
    Fallback,
    /// Every node, always.
    Always,
}

impl MockMode {
    /// How configuration writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Node => "node",
            Self::Fallback => "fallback",
            Self::Always => "always",
        }
    }

    /// The mode that configuration writes so.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Off, Self::Node, Self::Fallback, Self::Always]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }

    /// The strictest of those that are set; [`MockMode::Node`] where none is.
    #[must_use]
    pub fn strictest(set: impl IntoIterator<Item = Option<Self>>) -> Self {
        set.into_iter().flatten().min().unwrap_or_default()
    }
}

/// What a workflow says about mocks as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MockSettings {
    /// Whether any node may be mocked; `Some(false)` makes the mode `off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<bool>,
    /// What happens when a mock has stood in.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub on_degraded: OnDegraded,
}

impl Default for MockSettings {
    fn default() -> Self {
        Self { allow: None, on_degraded: OnDegraded::Continue }
    }
}

/// What a run does once a mock has stood in for a named agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnDegraded {
    /// Goes on and says so.
    #[default]
    Continue,
    /// Fails with `degraded`.
    Fail,
}

/// What the mock agent answers at one node, where it is not built from schemas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MockAnswer {
    /// The result itself.
    #[serde(
        default,
        deserialize_with = "crate::workflow::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub output: Option<Value>,
    /// The answer to an `ask` node.
    #[serde(
        default,
        deserialize_with = "crate::workflow::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub answer: Option<Value>,
    /// Seeds the value that is built from schemas; unset: hash of node and input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What the mock agent does, step by step; its result is what the steps set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<MockOp>,
}

/// One step of a script of the mock agent. String leaves of templates are CEL, which sees `input`
/// and `answers` beside the usual names. A script runs from its top again after each answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MockOp {
    /// Sets fields of the result. Each `set` is an update of its own: where the node has no `out`,
    /// two of them write the same key twice.
    Set(BTreeMap<String, Template>),
    /// Sets fields to lists of one item.
    Append(BTreeMap<String, Template>),
    /// Sets fields to text with `{{ CEL }}`.
    Concat(BTreeMap<String, String>),
    /// Sets fields whose writes replace instead of being reduced.
    Overwrite(BTreeMap<String, Template>),
    /// The result is the input.
    Identity,
    /// The result is null, and nothing is written.
    ReturnNone,
    /// Takes an exit.
    Goto(String),
    /// Takes an exit, and sends something along.
    Send {
        /// The exit.
        exit: String,
        /// What is bound as `sent`.
        input: Template,
    },
    /// Asks a person, and goes on with the answer in `answers`.
    Interrupt(Template),
    /// Asks one question for each item of a list, one after the other.
    InterruptEach(Template),
    /// Fails.
    Fail(MockFailure),
    /// Sleeps; the time is in milliseconds.
    Sleep(u64),
    /// Emits an event.
    Emit {
        /// Its topic.
        topic: String,
        /// What is emitted.
        value: Template,
    },
    /// Sets a field to how often the node was called in this run.
    Count(String),
}

/// A failure that a script plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MockFailure {
    /// Its kind.
    pub kind: FailureKind,
    /// Its code.
    pub code: String,
    /// Its message.
    pub message: String,
    /// Whether it says that a retry may help.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub retryable: bool,
    /// Attempts that fail; none: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// How a task got its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskSource {
    /// The agent itself, a `set`, or a person.
    Live,
    /// The mock agent, since the author or whoever started the run chose it.
    Mock,
    /// A stand-in, since the agent is missing or failed.
    Fallback,
    /// The node's cache.
    Cache,
    /// A recorded run.
    Replay,
}

impl TaskSource {
    /// How events and outputs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Mock => "mock",
            Self::Fallback => "fallback",
            Self::Cache => "cache",
            Self::Replay => "replay",
        }
    }
}

/// Why a run may not start in the wanted mode, in words for whoever started it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MockRefused {
    /// One sentence with the fix.
    pub message: String,
}
