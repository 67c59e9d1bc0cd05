//! Models as the operator writes them: `[[llm.model]]`.

use serde::Deserialize;
use wforge_model::{TenantId, Value};

/// All models of a host.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsConfig {
    /// The models. Empty: one of the provider `mock` that is called `mock`.
    #[serde(default, rename = "model")]
    pub models: Vec<ModelConfig>,
}

/// One `[[llm.model]]`. Which fields it may have depends on its provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What requests and grants call it.
    pub name: String,
    /// Who answers.
    pub provider: Provider,
    /// Whose it is; none: everybody's. A tenant's own hides everybody's of the same name.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// Models that are asked in order where this one cannot answer now; theirs are not followed.
    #[serde(default)]
    pub fallbacks: Vec<String>,
    /// The longest answer where a request does not say, in tokens.
    #[serde(default = "ModelConfig::default_max_tokens")]
    pub max_tokens_default: u32,

    /// Where the provider's interface begins, such as `https://api.openai.com/v1`.
    #[serde(default)]
    pub base_url: Option<String>,
    /// What the provider calls the model.
    #[serde(default)]
    pub model: Option<String>,
    /// The variable that holds the provider's key.
    #[serde(default)]
    pub api_key_variable: Option<String>,
    /// Time for one request and its whole answer, in milliseconds; unset: the
    /// host's `limits.models.timeout_ms`. At most the time that a sandbox has.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// How often a request is sent again after 429, 5xx or no connection; unset:
    /// the host's `limits.models.retries_max`.
    #[serde(default)]
    pub retries_max: Option<u32>,
    /// The longest wait before a retry, in milliseconds; where the server wants a longer one, the
    /// fallbacks come at once. Unset: the host's `limits.models.retry_wait_ms_max`.
    #[serde(default)]
    pub retry_wait_ms_max: Option<u64>,
    /// The largest answer, in bytes; unset: the host's `limits.models.answer_bytes_max`.
    #[serde(default)]
    pub answer_bytes_max: Option<u64>,
    /// How the provider `openai` calls the longest answer; unset: `max_tokens`.
    #[serde(default)]
    pub max_tokens_field: Option<MaxTokensField>,

    /// Another seed gives other answers of the mock.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What the mock answers, in place of what it makes up.
    #[serde(default)]
    pub script: Vec<ScriptLine>,

    /// Whether the cassette is played or made.
    #[serde(default)]
    pub mode: Option<CassetteMode>,
    /// The name of the cassette, such as its path.
    #[serde(default)]
    pub cassette: Option<String>,
    /// The model whose answers are recorded.
    #[serde(default)]
    pub through: Option<String>,
}

impl ModelConfig {
    const fn default_max_tokens() -> u32 {
        4_096
    }

    /// A model of which only this is said.
    #[must_use]
    pub fn new(name: &str, provider: Provider) -> Self {
        Self {
            name: name.to_owned(),
            provider,
            tenant: None,
            fallbacks: Vec::new(),
            max_tokens_default: Self::default_max_tokens(),
            base_url: None,
            model: None,
            api_key_variable: None,
            timeout_ms: None,
            retries_max: None,
            retry_wait_ms_max: None,
            answer_bytes_max: None,
            max_tokens_field: None,
            seed: None,
            script: Vec::new(),
            mode: None,
            cassette: None,
            through: None,
        }
    }
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Any server with OpenAI's chat completions.
    Openai,
    /// Any server with Anthropic's messages.
    Anthropic,
    /// The host itself, the same for the same request.
    Mock,
    /// What was recorded before.
    Cassette,
}

impl Provider {
    /// How configuration writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Mock => "mock",
            Self::Cassette => "cassette",
        }
    }
}

/// How a server calls the longest answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// `max_tokens`, as nearly all do.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, as OpenAI's reasoning models want it.
    MaxCompletionTokens,
}

/// What happens with a cassette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CassetteMode {
    /// Another model answers, and its answers are kept.
    Record,
    /// What was kept answers, and nothing else.
    Replay,
}

/// One answer of a script. Of the lines that match the last text of the user, the first answers
/// it, the second answers once the model has spoken since, and so on; the last stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptLine {
    /// What the last text of the user must contain; none: anything.
    pub when: Option<String>,
    /// What the model says.
    pub text: Option<String>,
    /// The tools that it calls.
    pub tool_calls: Vec<ScriptToolCall>,
    /// That it fails, instead of both.
    pub failure: Option<ScriptFailure>,
}

/// A tool call of a script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Value,
}

/// A failure of a script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptFailure {
    /// Its kind.
    #[serde(default)]
    pub kind: ScriptFailureKind,
    /// Its code.
    pub code: String,
    /// Its message.
    #[serde(default)]
    pub message: String,
    /// Whether it says that a retry may help.
    #[serde(default)]
    pub retryable: bool,
}

/// The kinds of failures that a model can have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptFailureKind {
    /// The provider failed.
    #[default]
    Upstream,
    /// A budget is used up.
    Limit,
    /// The request is wrong.
    InvalidInput,
    /// The host failed.
    Failed,
}

/// Models that cannot be had as they are configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelsError {
    /// A field that the provider needs.
    #[error("model {model}: the provider {provider} needs {field}")]
    Missing {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
        /// Its provider.
        provider: &'static str,
    },
    /// A field that the provider does not know.
    #[error("model {model}: the provider {provider} has no {field}")]
    Misplaced {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
        /// Its provider.
        provider: &'static str,
    },
    /// A field with a value that it cannot have.
    #[error("model {model}: {field} {reason}")]
    Invalid {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Two models of one name for the same tenant, or for everybody.
    #[error("model {model} is there twice")]
    Twice {
        /// The model.
        model: String,
    },
    /// A model is named that is not there for whom it is named.
    #[error("model {model}: {field} names {named:?}, and there is no such model")]
    Unknown {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
        /// What it names.
        named: String,
    },
    /// The key is not there.
    #[error("model {model}: the variable {variable} holds no key")]
    NoKey {
        /// The model.
        model: String,
        /// The variable.
        variable: String,
    },
    /// The cassette is not there.
    #[error("model {model}: there is no cassette {cassette}")]
    NoCassette {
        /// The model.
        model: String,
        /// The cassette.
        cassette: String,
    },
}
