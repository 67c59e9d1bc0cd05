//! The way to the host, and what stands in for it where there is none.
//!
//! On wasm a call goes to the host. Elsewhere, in a native test, a [`Rehearsal`] answers questions
//! and tools in their order, and everything else that needs a grant is denied, as by a host that
//! granted nothing.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;

use crate::bindings::workflowforge::plugin as wit;
use crate::failure::{Denial, Failure};

/// Whether this code runs inside a host.
const HOSTED: bool = cfg!(target_family = "wasm");

/// Answers for a native test, and what the agent did meanwhile.
#[derive(Debug, Default)]
pub struct Rehearsal {
    answers: RefCell<VecDeque<Result<Value, Failure>>>,
    done: RefCell<Vec<String>>,
}

impl Rehearsal {
    /// Adds the answer to the next question or tool call.
    pub fn answer(&self, answer: Result<Value, Failure>) {
        self.answers.borrow_mut().push_back(answer);
    }

    /// What the agent did so far, one line each, such as `ask Publish?` or `sleep 250`.
    #[must_use]
    pub fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }

    fn note(&self, line: String) {
        self.done.borrow_mut().push(line);
    }

    fn next(&self, kind: &str, resource: &str) -> Result<Value, Failure> {
        self.note(format!("{kind} {resource}"));
        self.answers.borrow_mut().pop_front().unwrap_or_else(|| Err(denied(kind, resource)))
    }
}

/// What a host says that granted nothing.
fn denied(kind: &str, resource: &str) -> Failure {
    Failure::Denied(Denial {
        capability: kind.to_owned(),
        resource: resource.to_owned(),
        hint: "no host is here; a native test hands in answers through Ctx::rehearsal".to_owned(),
    })
}

pub(crate) fn log(level: wit::log::Level, message: &str, fields: &[(String, String)]) {
    if HOSTED {
        wit::log::write(level, message, fields);
    }
}

pub(crate) fn emit(script: &Rehearsal, topic: &str, payload: &str) -> Result<(), Failure> {
    if HOSTED {
        return wit::events::emit(topic, payload);
    }
    script.note(format!("emit {topic} {payload}"));
    Ok(())
}

pub(crate) fn sleep(script: &Rehearsal, ms: u64) -> Result<(), Failure> {
    if HOSTED {
        return wit::timer::sleep(ms);
    }
    script.note(format!("sleep {ms}"));
    Ok(())
}

/// Asks one question; the answer is JSON text.
pub(crate) fn ask(script: &Rehearsal, request: wit::human::Request) -> Result<String, Failure> {
    if HOSTED {
        return only(wit::human::ask(&[request])?);
    }
    script.next("ask", &request.prompt).map(|answer| answer.to_string())
}

/// Calls one tool; the answer is JSON text.
pub(crate) fn tool(script: &Rehearsal, request: wit::tools::Request) -> Result<String, Failure> {
    if HOSTED {
        return only(wit::tools::call(&[request])?);
    }
    script.next("tool", &request.name).map(|answer| answer.to_string())
}

pub(crate) fn complete(request: wit::llm::Request) -> Result<wit::llm::Response, Failure> {
    if HOSTED {
        return only(wit::llm::complete(&[request])?);
    }
    Err(denied("llm", &request.model))
}

pub(crate) fn fetch(requests: &[wit::http::Request<'_>]) -> Result<wit::http::Response, Failure> {
    if HOSTED {
        return only(wit::http::fetch(requests)?);
    }
    Err(denied("http", requests.first().map_or("", |request| &request.url)))
}

pub(crate) fn kv<T>(key: &str, call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    if HOSTED { call() } else { Err(denied("kv", key)) }
}

pub(crate) fn secret(name: &str) -> Result<wit::secrets::Secret, Failure> {
    if HOSTED { wit::secrets::get(name) } else { Err(denied("secret", name)) }
}

/// The answer to the only request of a list.
fn only<T>(answers: Vec<Result<T, Failure>>) -> Result<T, Failure> {
    answers.into_iter().next().unwrap_or_else(|| {
        Err(Failure::failed("no_answer", "the host answered an empty list to one request"))
    })
}
