//! Test cases of a plugin, as its `tests/*.yaml` have them: how a case is called, what the host
//! that is played answers, what must come of it.
//!
//! Never here: running them, which needs a sandbox.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wforge_model::{Capability, Failure, FailureKind};

pub use crate::parse::suite::read;

/// The JSON Schema of a file of cases, for editors. The reader does not use it: its messages would
/// have no lines and no suggestions. A test holds the two to the same fields.
pub const SUITE_SCHEMA: &str = include_str!("../../../../docs/reference/tests.schema.json");

/// What a host call is answered with.
pub type Answer = Result<Value, Failure>;

/// The cases of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Suite {
    /// In the order of the file.
    pub cases: Vec<Case>,
}

/// One call of an agent, and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name, once in the file.
    pub name: String,
    /// The line in which it begins.
    pub line: u32,
    /// The agent; the plugin's only one where it is left out.
    pub agent: Option<String>,
    /// The input.
    pub input: Value,
    /// The configuration.
    pub config: Value,
    /// What whoever starts a run hands in.
    pub context: Value,
    /// What is granted; all that the manifest needs where it is left out.
    pub grants: Option<Vec<Capability>>,
    /// What host calls are answered with.
    pub script: Script,
    /// A file with recorded answers of models, relative to the file of the case.
    pub cassette: Option<String>,
    /// What must come of it.
    pub expect: Expect,
}

/// What must come of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// What came of it when it was written down last.
    Snapshot,
    /// What is written in the file.
    Given(Box<Expected>),
}

/// What a file says of a case's end. What it leaves out may be anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// The output, exactly.
    pub output: Option<Value>,
    /// The exits that it takes, exactly.
    pub exits: Option<Vec<String>>,
    /// The failure in which it ends; without one it must not fail.
    pub failure: Option<ExpectedFailure>,
    /// Its events, exactly.
    pub events: Option<Vec<ExpectedEvent>>,
    /// Texts that its log lines hold, in this order; others may stand between them.
    pub logs: Option<Vec<String>>,
    /// Its effects, exactly, as lines.
    pub effects: Option<Vec<String>>,
    /// What it was denied: capabilities, or their kinds.
    pub denied: Option<Vec<String>>,
    /// What it may take.
    pub limits: ExpectedLimits,
}

/// The failure in which a case ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFailure {
    /// Its kind.
    pub kind: FailureKind,
    /// Its code; any where it is left out.
    pub code: Option<String>,
    /// A part of its message.
    pub message: Option<String>,
}

/// An event that a case emits.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedEvent {
    /// Its topic.
    pub topic: String,
    /// Its payload; any where it is left out.
    pub payload: Option<Value>,
}

/// What a case may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectedLimits {
    /// CPU time, in milliseconds.
    pub cpu_ms_max: Option<u64>,
    /// Linear memory, in MiB.
    pub memory_mib_max: Option<u64>,
    /// Elements of host calls.
    pub host_calls_max: Option<u32>,
}

/// What a host that is played answers, each list in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// Answers of models: a text, `{text, tool_calls}`, or `{message}` for a whole one.
    pub llm: Vec<Answer>,
    /// Answers of servers.
    pub http: Vec<HttpAnswer>,
    /// Answers of tools; one without an answer is only listed.
    pub tools: Vec<ToolAnswer>,
    /// Answers of people.
    pub ask: Vec<Answer>,
    /// What is remembered, by scope and key.
    pub kv: BTreeMap<String, BTreeMap<String, Value>>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
    /// The time at which it begins, in milliseconds since 1970.
    pub clock_ms: Option<u64>,
}

/// The answer of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAnswer {
    /// The URL that it answers; `*` at its end stands for anything.
    pub url: String,
    /// The method that it answers; each where it is left out.
    pub method: Option<String>,
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body: a text, or JSON.
    pub body: Option<Value>,
    /// Why there is no answer.
    pub failure: Option<Failure>,
}

/// A tool, and what it answers once.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolAnswer {
    /// Its name.
    pub name: String,
    /// What it is for, in words.
    pub description: String,
    /// JSON Schema of its input.
    pub input_schema: Value,
    /// What it answers; none: it is only listed.
    pub answer: Option<Answer>,
}

impl ToolAnswer {
    /// Whether it is more than listed.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// As a list of tools tells it.
    #[must_use]
    pub fn told(&self) -> Value {
        json!({
            "name": self.name,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": {},
        })
    }
}
