//! Inbound webhooks: a signed URL with which somebody outside starts a run, or answers a question.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{HookName, InboundId, Key, QuestionId, RunId, Timestamp};

/// The longest JSON pointer into a body, in bytes.
pub const POINTER_BYTES_MAX: usize = 512;
/// Input keys that are taken out of one body.
pub const INPUTS_MAX: usize = 64;

/// An inbound webhook, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundHook {
    /// Its name.
    pub name: HookName,
    /// What its URLs call it, which says nothing of its tenant.
    pub id: InboundId,
    /// What a post does.
    pub action: InboundAction,
    /// How a post's body is signed beside its URL.
    #[serde(default)]
    pub verify: BodySignature,
    /// Whether posts are taken.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub by: String,
}

/// What a post does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InboundAction {
    /// Starts a run.
    Start(StartAction),
    /// Answers a question, once.
    Resume(ResumeAction),
}

/// A run of a registered workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartAction {
    /// Its name; the newest version.
    pub workflow: String,
    /// What of the body becomes which input key, by JSON pointers; `""` is the whole body. Without
    /// it the whole body becomes the key `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<BTreeMap<Key, String>>,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResumeAction {
    /// The run.
    pub run: RunId,
    /// The question.
    pub interrupt: QuestionId,
    /// What of the body is the answer, by a JSON pointer; the whole body by default.
    #[serde(default)]
    pub answer: String,
}

impl InboundAction {
    /// What a URL is bound to: it never does anything else than what it was made for.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Start(start) => format!("start {}", start.workflow),
            Self::Resume(resume) => format!("resume {} {}", resume.run, resume.interrupt),
        }
    }
}

/// How a body is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BodySignature {
    /// It is not: whoever has the URL may post.
    #[default]
    None,
    /// By the Standard Webhooks specification: `webhook-id`, `webhook-timestamp`,
    /// `webhook-signature`.
    Standard,
    /// As GitHub signs: `X-Hub-Signature-256`.
    Github,
}

impl BodySignature {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Standard => "standard",
            Self::Github => "github",
        }
    }
}
