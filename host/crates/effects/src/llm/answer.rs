//! The answer of `llm.complete` as its JSON has it.

use serde_json::json;
use wforge_model::{Failure, ModelUsage, Object, Problem, Value};

use super::request::{Part, ToolCall};

/// The most parts of one answer.
pub(crate) const PARTS_MAX: usize = 256;
/// Bytes of JSON text that count as one token where nobody has counted.
const BYTES_PER_TOKEN: usize = 3;

/// Tokens of one call of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl Usage {
    /// What an answer says that it used; none where it is no answer of a model.
    #[must_use]
    pub fn of(answer: &Value) -> Option<Self> {
        let usage = answer.get("usage")?;
        let tokens = |field| usage.get(field).and_then(Value::as_u64);
        Some(Self {
            input_tokens: tokens("input_tokens")?,
            output_tokens: tokens("output_tokens")?,
        })
    }

    /// As the usage of one call.
    #[must_use]
    pub const fn of_one_call(self) -> ModelUsage {
        let Self { input_tokens, output_tokens } = self;
        ModelUsage { calls: 1, failed: 0, input_tokens, output_tokens }
    }

    /// Both together.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// Tokens of a text that nobody has counted: a third of its bytes, rounded up.
pub(crate) fn estimated_tokens(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64
}

/// What a model answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) parts: Vec<Part>,
    pub(crate) finish: String,
    /// None: the provider did not say, so it is estimated.
    pub(crate) usage: Option<Usage>,
    /// What else the provider says of it.
    pub(crate) usage_extra: Object,
}

impl Answer {
    /// The answer as the guest gets it, to a request of so many bytes.
    pub(crate) fn into_value(mut self, model: &str, request_bytes: usize) -> Value {
        let parts = json!(self.parts);
        let usage = self.usage.unwrap_or_else(|| {
            self.usage_extra.insert("estimated".to_owned(), Value::Bool(true));
            Usage {
                input_tokens: estimated_tokens(request_bytes),
                output_tokens: estimated_tokens(parts.to_string().len()),
            }
        });
        json!({
            "message": { "role": "assistant", "parts": parts },
            "finish": self.finish,
            "usage": {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "extra": self.usage_extra,
            },
            "model": model,
            "extra": {},
        })
    }

    /// Adds text, if there is any.
    pub(crate) fn push_text(&mut self, text: String) {
        if !text.is_empty() {
            self.parts.push(Part::Text { text });
        }
    }

    /// Adds a tool call whose arguments are still text.
    pub(crate) fn push_call(
        &mut self,
        id: String,
        name: String,
        arguments: &str,
    ) -> Result<(), Failure> {
        if name.is_empty() {
            return Err(bad_answer("a tool call has no name"));
        }
        let arguments = match arguments.trim() {
            "" => Value::Object(Object::new()),
            text => serde_json::from_str(text)
                .map_err(|_| bad_answer(format!("the arguments for {name} are no JSON")))?,
        };
        self.parts.push(Part::ToolCall(ToolCall { id, name, arguments }));
        Ok(())
    }

    /// Whether it asks for tools.
    pub(crate) fn has_calls(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::ToolCall(_)))
    }
}

/// The texts of an answer's JSON, one after the other.
pub(crate) fn text_of(answer: &Value) -> String {
    let parts = answer.pointer("/message/parts").and_then(Value::as_array);
    let texts = parts.into_iter().flatten().filter_map(|part| part.get("text")?.as_str());
    texts.collect()
}

/// What a provider sent is not what its interface says. Another try may bring something better.
pub(crate) fn bad_answer(message: impl Into<String>) -> Failure {
    Failure::Upstream(Problem::new("bad_answer", message).retryable())
}

/// The answer stopped before its end.
pub(crate) fn broken(message: impl Into<String>) -> Failure {
    Failure::Upstream(Problem::new("broken", message).retryable())
}
