//! Answers for a native test: JSON in the order in which the agent asks, as the contract has it.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;

use crate::bindings::workflowforge::plugin as wit;
use crate::failure::{Denial, Failure};
use crate::{http, kv, llm};

/// Answers for a native test, and what the agent did meanwhile.
///
/// One answer serves one question, tool, model, request or access to memory, whatever is next. A
/// model says the text; a server says `{ "status", "body" }`; memory gives the value, none for
/// null, and takes any answer to a write as done.
#[derive(Debug, Default)]
pub struct Rehearsal {
    answers: RefCell<VecDeque<Result<Value, Failure>>>,
    done: RefCell<Vec<String>>,
}

impl Rehearsal {
    /// Adds the answer to what the agent asks next.
    pub fn answer(&self, answer: Result<Value, Failure>) {
        self.answers.borrow_mut().push_back(answer);
    }

    /// What the agent did so far, one line each, such as `ask Publish?` or `sleep 250`.
    #[must_use]
    pub fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }

    pub(super) fn note(&self, line: String) {
        self.done.borrow_mut().push(line);
    }

    pub(super) fn next(&self, asked: [&str; 2], line: String) -> Result<Value, Failure> {
        let [capability, resource] = asked;
        self.note(line);
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| Err(denied(capability, resource)))
    }
}

/// What a host says that granted nothing.
pub(super) fn denied(capability: &str, resource: &str) -> Failure {
    Failure::Denied(Denial {
        capability: capability.to_owned(),
        resource: resource.to_owned(),
        hint: "no host is here; a native test hands in answers through Ctx::rehearsal".to_owned(),
    })
}

/// A text as it is, any other JSON as JSON.
pub(super) fn text(answer: &Value) -> String {
    answer.as_str().map_or_else(|| answer.to_string(), ToOwned::to_owned)
}

pub(super) fn last_text(request: &llm::Request) -> String {
    request.messages.last().map(llm::Message::text).unwrap_or_default()
}

pub(super) fn model_says(model: &str, answer: &Value) -> llm::Response {
    llm::Response {
        message: llm::Message::text_of("assistant", &text(answer)),
        finish: "stop".to_owned(),
        usage: llm::Usage { input_tokens: 0, output_tokens: 0, extra: "{}".to_owned() },
        model: model.to_owned(),
        extra: "{}".to_owned(),
    }
}

/// `http POST https://api.example.com {"n":1}`, without the body where that is no text.
pub(super) fn sent(request: &http::Request<'_>) -> String {
    let line = format!("http {} {}", request.method, request.url);
    match &request.body {
        Some(http::Body::Bytes(bytes)) => format!("{line} {}", String::from_utf8_lossy(bytes)),
        Some(http::Body::Blob(_)) | None => line,
    }
}

pub(super) fn server_says(answer: &Value) -> http::Response {
    let status = answer.get("status").and_then(Value::as_u64).unwrap_or(200);
    http::Response {
        status: u16::try_from(status).unwrap_or(u16::MAX),
        headers: Vec::new(),
        body: http::Body::Bytes(answer.get("body").map(text).unwrap_or_default().into_bytes()),
        extra: "{}".to_owned(),
    }
}

pub(super) fn entry(key: &str, value: &str) -> kv::Entry {
    kv::Entry { key: key.to_owned(), value: value.to_owned(), version: 1 }
}

pub(super) fn tool(answer: &Value) -> wit::tools::Tool {
    let field = |name| answer.get(name).map(text).unwrap_or_default();
    wit::tools::Tool {
        name: field("name"),
        description: field("description"),
        input_schema: field("input_schema"),
        output_schema: field("output_schema"),
    }
}
