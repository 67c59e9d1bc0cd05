//! The request of `llm.complete` as its JSON has it, read once and checked.

use serde::{Deserialize, Serialize};
use wforge_model::{Failure, Object, Problem, Value};

/// The providers that have options of their own; `options` has an object for each.
const WITH_OPTIONS: [&str; 2] = ["openai", "anthropic"];

/// One question to a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Request {
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    #[serde(default)]
    pub(crate) tools: Vec<Tool>,
    #[serde(default)]
    pub(crate) response_schema: Option<Value>,
    #[serde(default)]
    pub(crate) max_tokens: Option<u32>,
    #[serde(default)]
    pub(crate) temperature: Option<f64>,
    #[serde(default)]
    pub(crate) stream_to: Option<String>,
    #[serde(default)]
    options: Option<Object>,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) parts: Vec<Part>,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// A piece of a message, in requests and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Part {
    Text { text: String },
    Blob { blob: Value },
    ToolCall(ToolCall),
    ToolResult(ToolResult),
    Other { value: Value },
}

/// A call that the model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolResult {
    pub(crate) id: String,
    pub(crate) content: Value,
    #[serde(default)]
    pub(crate) is_error: bool,
}

/// A tool that the model may ask for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) parameters: Value,
}

impl Request {
    /// Reads the element of a host call.
    pub(crate) fn read(element: &Value) -> Result<Self, Failure> {
        let request = Self::deserialize(element)
            .map_err(|error| invalid("bad_request", format!("the request: {error}")))?;
        if request.messages.is_empty() {
            return Err(invalid("no_messages", "a request needs at least one message"));
        }
        request.messages.iter().try_for_each(Message::check)?;
        let names = request.options.iter().flat_map(Object::keys);
        match names.into_iter().find(|name| !WITH_OPTIONS.contains(&name.as_str())) {
            Some(name) => {
                let known = WITH_OPTIONS.join(" and ");
                let message =
                    format!("options has an object for each provider, {known}; not {name:?}");
                Err(invalid("unknown_option", message))
            }
            None => Ok(request),
        }
    }

    /// The options for one provider: those that can change neither the model nor what is held
    /// against budgets.
    pub(crate) fn options(&self, provider: &str, allowed: &[&str]) -> Result<Object, Failure> {
        let own = self.options.as_ref().and_then(|options| options.get(provider));
        let own = match own {
            None => return Ok(Object::new()),
            Some(Value::Object(own)) => own,
            Some(_) => {
                let message = format!("options.{provider} must be an object");
                return Err(invalid("bad_options", message));
            }
        };
        if let Some(name) = own.keys().find(|name| !allowed.contains(&name.as_str())) {
            let known = allowed.join(", ");
            let message = format!("options.{provider}.{name} is none of {known}");
            return Err(invalid("unknown_option", message));
        }
        Ok(own.clone())
    }

    /// The system's texts, one after the other; none where there are none.
    pub(crate) fn system(&self) -> Option<String> {
        let system = self.messages.iter().filter(|message| message.role == Role::System);
        let texts: Vec<&str> = system.flat_map(Message::texts).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }
}

impl Message {
    /// Its texts in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            Part::Blob { .. } | Part::ToolCall(_) | Part::ToolResult(_) | Part::Other { .. } => {
                None
            }
        })
    }

    /// Which parts may stand in whose message.
    fn check(&self) -> Result<(), Failure> {
        let fits = |part: &Part| match part {
            Part::Text { .. } => self.role != Role::Tool,
            Part::Blob { .. } => self.role == Role::User,
            Part::ToolCall(_) => self.role == Role::Assistant,
            Part::ToolResult(_) => matches!(self.role, Role::Tool | Role::User),
            Part::Other { .. } => self.role == Role::Assistant,
        };
        if self.parts.iter().all(fits) {
            return Ok(());
        }
        Err(invalid(
            "bad_message",
            "text stands in messages of system, user and assistant, a blob in those of user, a \
             tool_result in those of tool and user, tool_call and other in those of assistant",
        ))
    }
}

/// The parts of an assistant's message that a provider itself wrote and takes back.
pub(crate) fn own_part<'v>(value: &'v Value, known: &[&str]) -> Result<&'v Value, Failure> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    if known.contains(&kind) {
        return Ok(value);
    }
    let known = known.join(", ");
    Err(invalid("other_part", format!("this model takes back parts of the types {known} only")))
}

pub(crate) fn invalid(code: &str, message: impl Into<String>) -> Failure {
    Failure::InvalidInput(Problem::new(code, message))
}
