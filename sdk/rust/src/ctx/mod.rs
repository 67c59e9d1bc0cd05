//! What an agent may do beside computing: read its call, log, and ask the host.
//!
//! This file has what needs no grant; each capability that needs one has a file of its own.

mod blobs;
pub(crate) mod http;
mod human;
mod kv;
mod llm;
mod tools;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use blobs::Blob;
pub use human::Question;

use crate::bindings::exports::workflowforge::plugin::agent::Call;
use crate::host::Host;
use crate::json::{read, write};
use crate::{Failure, Level, Secret};

/// The call that an agent serves. Every effect goes through it; each may be denied, which is a
/// value like any other failure.
///
/// What asks the host for several things at once ends in `_all`: its elements run side by side, and
/// its answers are in the order of the requests, each an answer or a failure.
#[derive(Debug)]
pub struct Ctx {
    call: Call,
    host: Host,
}

impl Ctx {
    pub(crate) fn new(call: Call, host: Host) -> Self {
        Self { call, host }
    }

    /// The call: task, run, node, step, attempt and the rest. Its input was taken out.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The node's configuration. A third parameter of the agent is the same, and gives the
    /// manifest its schema too.
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
        self.host.log(level, message, &fields);
    }

    /// Writes a log line for the author.
    pub fn debug(&self, message: &str) {
        self.log(Level::Debug, message, &[]);
    }

    /// Writes a log line for whoever watches the run.
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message, &[]);
    }

    /// Writes a log line about something unexpected that the agent could handle.
    pub fn warn(&self, message: &str) {
        self.log(Level::Warn, message, &[]);
    }

    /// Writes a log line about something that the agent could not handle.
    pub fn error(&self, message: &str) {
        self.log(Level::Error, message, &[]);
    }

    /// Publishes progress under a topic of the run's event stream.
    ///
    /// # Errors
    /// The payload is no JSON, or the budget is used up.
    pub fn emit(&self, topic: &str, payload: &impl Serialize) -> Result<(), Failure> {
        self.host.emit(topic, &write("payload", payload)?)
    }

    /// Waits so long. The sandbox is gone meanwhile: the function runs from its top again, and
    /// what it did before is answered from the record.
    ///
    /// # Errors
    /// The host cannot wait.
    pub fn sleep(&self, time: Duration) -> Result<(), Failure> {
        self.host.sleep(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// The host's time in milliseconds since 1970. It stands still while the agent computes, moves
    /// with what the host answers, and is the same when the function runs again.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    /// Takes hold of a secret. Needs `secret:<name>:hold`; its text needs `secret:<name>:reveal`.
    ///
    /// # Errors
    /// Denied.
    pub fn secret(&self, name: &str) -> Result<Secret, Failure> {
        self.host.secret(name)
    }
}
