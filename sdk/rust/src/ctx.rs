//! What an agent may do beside computing: read its call, log, and ask the host.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bindings::exports::workflowforge::plugin::agent::Call;
use crate::bindings::workflowforge::plugin as wit;
use crate::failure::{unreadable, unwritable};
use crate::{Failure, Level, Rehearsal, host};

/// The call that an agent serves. Every effect goes through it; each may be denied, which is a
/// value like any other failure.
#[derive(Debug)]
pub struct Ctx {
    call: Call,
    rehearsal: Rehearsal,
}

impl Ctx {
    pub(crate) fn of(call: Call) -> Self {
        Self { call, rehearsal: Rehearsal::default() }
    }

    /// A context for native tests, with that configuration.
    #[must_use]
    pub fn for_test(config: &Value) -> Self {
        Self::of(Call {
            agent: "main".to_owned(),
            task: "task_test".to_owned(),
            run: "run_test".to_owned(),
            thread: None,
            workflow: "test@0.0.0".to_owned(),
            node: "test".to_owned(),
            step: 1,
            attempt: 1,
            timeout_ms: 0,
            input: String::new(),
            config: config.to_string(),
            context: "{}".to_owned(),
            extra: "{}".to_owned(),
        })
    }

    /// Answers for a native test, and what the agent did; without meaning inside a host.
    #[must_use]
    pub fn rehearsal(&self) -> &Rehearsal {
        &self.rehearsal
    }

    /// The call: task, run, node, step, attempt and the rest. Its input was taken out.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The node's configuration.
    ///
    /// # Errors
    /// It does not fit `T`.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read("configuration", &self.call.config)
    }

    /// The read-only JSON that whoever started the run handed in.
    ///
    /// # Errors
    /// It does not fit `T`.
    pub fn context<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read("context", &self.call.context)
    }

    /// Writes a log line with fields.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, &dyn ToString)]) {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        host::log(level, message, &fields);
    }

    /// Writes a log line for whoever watches the run.
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message, &[]);
    }

    /// Publishes progress under a topic of the run's event stream.
    ///
    /// # Errors
    /// The payload is no JSON, or the budget is used up.
    pub fn emit(&self, topic: &str, payload: &impl Serialize) -> Result<(), Failure> {
        host::emit(&self.rehearsal, topic, &write("payload", payload)?)
    }

    /// Waits so long. The sandbox is gone meanwhile: the function runs from its top again, and
    /// what it did before is answered from the record.
    ///
    /// # Errors
    /// The host cannot wait.
    pub fn sleep(&self, time: Duration) -> Result<(), Failure> {
        host::sleep(&self.rehearsal, u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// Asks a person; the run waits without a sandbox until the answer is there. Needs `ask`.
    ///
    /// # Errors
    /// Denied, past its deadline, or answered with something that is no `T`.
    pub fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T, Failure> {
        read("answer", &host::ask(&self.rehearsal, question.0)?)
    }

    /// Calls another agent or an MCP tool. Needs `tool:<name>`.
    ///
    /// # Errors
    /// Denied, failed, or answered with something that is no `T`.
    pub fn tool<T: DeserializeOwned>(
        &self,
        name: &str,
        input: &impl Serialize,
    ) -> Result<T, Failure> {
        let request = wit::tools::Request {
            name: name.to_owned(),
            input: write("tool's input", input)?,
            options: "{}".to_owned(),
        };
        read("tool's answer", &host::tool(&self.rehearsal, request)?)
    }

    /// Asks a language model. Needs `llm:<model>`.
    ///
    /// # Errors
    /// Denied, over budget, or failed.
    pub fn complete(&self, request: wit::llm::Request) -> Result<wit::llm::Response, Failure> {
        host::complete(request)
    }

    /// Asks a language model with one text and gives back the text of its answer.
    ///
    /// # Errors
    /// As [`Ctx::complete`].
    pub fn prompt(&self, model: &str, text: &str) -> Result<String, Failure> {
        let parts = self.complete(prompt(model, text))?.message.parts;
        Ok(parts.into_iter().filter_map(text_of).collect())
    }

    /// Sends one HTTP request through the host. Needs `http:<rule>`.
    ///
    /// # Errors
    /// Denied, over budget, or not answered.
    pub fn fetch(&self, request: wit::http::Request<'_>) -> Result<wit::http::Response, Failure> {
        host::fetch(&[request])
    }

    /// Reads a key. Needs `kv:<scope>:ro`.
    ///
    /// # Errors
    /// Denied, or the value is no `T`.
    pub fn kv_get<T: DeserializeOwned>(
        &self,
        scope: wit::kv::Scope,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        let entry = host::kv(key, || wit::kv::get(scope, key))?;
        entry.map(|entry| read("stored value", &entry.value)).transpose()
    }

    /// Writes a key. Needs `kv:<scope>`.
    ///
    /// # Errors
    /// Denied, over budget, or the value is no JSON.
    pub fn kv_set(
        &self,
        scope: wit::kv::Scope,
        key: &str,
        value: &impl Serialize,
    ) -> Result<(), Failure> {
        let value = write("value", value)?;
        host::kv(key, || wit::kv::set(scope, key, &value, None)).map(drop)
    }

    /// Takes hold of a secret. Needs `secret:<name>:hold`; its text needs `secret:<name>:reveal`.
    ///
    /// # Errors
    /// Denied.
    pub fn secret(&self, name: &str) -> Result<wit::secrets::Secret, Failure> {
        host::secret(name)
    }
}

/// A question to a person.
#[derive(Debug, Clone)]
pub struct Question(wit::human::Request);

impl Question {
    /// The question as the person reads it; any JSON will do as the answer.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        Self(wit::human::Request {
            prompt: prompt.to_owned(),
            schema: None,
            deadline_ms: None,
            assignee: None,
            options: "{}".to_owned(),
        })
    }

    /// The same with a JSON Schema that the answer must fit.
    #[must_use]
    pub fn schema(mut self, schema: &Value) -> Self {
        self.0.schema = Some(schema.to_string());
        self
    }

    /// The same with a longest time to wait.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.0.deadline_ms = u64::try_from(time.as_millis()).ok();
        self
    }
}

fn prompt(model: &str, text: &str) -> wit::llm::Request {
    let parts = vec![wit::llm::Part::Text(text.to_owned())];
    wit::llm::Request {
        model: model.to_owned(),
        messages: vec![wit::llm::Message { role: "user".to_owned(), parts }],
        tools: Vec::new(),
        response_schema: None,
        max_tokens: None,
        temperature: None,
        stream_to: None,
        options: "{}".to_owned(),
    }
}

fn text_of(part: wit::llm::Part) -> Option<String> {
    match part {
        wit::llm::Part::Text(text) => Some(text),
        _ => None,
    }
}

fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

fn write(what: &str, value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| unwritable(what, &error))
}
