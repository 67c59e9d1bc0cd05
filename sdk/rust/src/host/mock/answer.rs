//! What can be scripted as an answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{Failure, http, llm};

/// An answer of a [`MockHost`](crate::MockHost), or a failure in its place.
#[derive(Debug, Clone)]
pub struct Answer<T>(pub(super) Result<T, Failure>);

impl<T> From<Failure> for Answer<T> {
    fn from(failure: Failure) -> Self {
        Self(Err(failure))
    }
}

impl From<Value> for Answer<Value> {
    fn from(value: Value) -> Self {
        Self(Ok(value))
    }
}

impl From<&str> for Answer<Value> {
    fn from(text: &str) -> Self {
        Self(Ok(text.into()))
    }
}

impl From<bool> for Answer<Value> {
    fn from(yes: bool) -> Self {
        Self(Ok(yes.into()))
    }
}

impl From<llm::Response> for Answer<llm::Response> {
    fn from(response: llm::Response) -> Self {
        Self(Ok(response))
    }
}

impl From<llm::Message> for Answer<llm::Response> {
    fn from(message: llm::Message) -> Self {
        let wants_tools = !message.tool_calls().is_empty();
        Self(Ok(llm::Response {
            message,
            finish: if wants_tools { "tool_calls" } else { "stop" }.to_owned(),
            usage: llm::Usage { input_tokens: 0, output_tokens: 0, extra: "{}".to_owned() },
            // Whoever is asked puts its own name here.
            model: String::new(),
            extra: "{}".to_owned(),
        }))
    }
}

impl From<&str> for Answer<llm::Response> {
    fn from(text: &str) -> Self {
        llm::Message::text_of("assistant", text).into()
    }
}

impl From<String> for Answer<llm::Response> {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Value> for Answer<llm::Response> {
    fn from(value: Value) -> Self {
        text(value).into()
    }
}

impl From<http::Response> for Answer<http::Response> {
    fn from(response: http::Response) -> Self {
        Self(Ok(response))
    }
}

impl From<&str> for Answer<http::Response> {
    fn from(body: &str) -> Self {
        http::Response::new(200, body).into()
    }
}

impl From<Value> for Answer<http::Response> {
    fn from(described: Value) -> Self {
        let described = Described::deserialize(described).map_err(|error| {
            let message = format!("MockHost::http takes {{ status, headers, body }}: {error}");
            Failure::failed("unreadable_script", message)
        });
        Self(described.map(http::Response::from))
    }
}

/// A response as a test writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

fn ok() -> u16 {
    200
}

impl From<Described> for http::Response {
    fn from(described: Described) -> Self {
        let body = if described.body.is_null() { String::new() } else { text(described.body) };
        let headers = described.headers.into_iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Self { headers, ..Self::new(described.status, body) }
    }
}

/// A text as it is, any other JSON as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
