//! What an agent may do beside computing: read its call, log, and ask the host.
//!
//! This file has what needs no grant; each capability that needs one has a file of its own.

mod blobs;
mod http;
mod human;
mod kv;
mod llm;
mod tools;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use blobs::Blob;
pub use human::Question;

use crate::bindings::exports::workflowforge::plugin::agent::Call;
use crate::bindings::workflowforge::plugin as wit;
use crate::json::{read, write};
use crate::{Failure, Level, Rehearsal, host};

/// The call that an agent serves. Every effect goes through it; each may be denied, which is a
/// value like any other failure.
///
/// What asks the host for several things at once ends in `_all`: its elements run side by side, and
/// its answers are in the order of the requests, each an answer or a failure.
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

    /// Takes hold of a secret. Needs `secret:<name>:hold`; its text needs `secret:<name>:reveal`.
    ///
    /// # Errors
    /// Denied.
    pub fn secret(&self, name: &str) -> Result<wit::secrets::Secret, Failure> {
        host::secret(&self.rehearsal, name)
    }
}
