//! Questions to people. Needs `ask`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Ctx;
use crate::Failure;
use crate::bindings::workflowforge::plugin::human;
use crate::host::{Answers, only};
use crate::json::read_each;

impl Ctx {
    /// Asks a person; the run waits without a sandbox until the answer is there.
    ///
    /// # Errors
    /// Denied, past its deadline, or answered with something that is no `T`.
    pub fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T, Failure> {
        only(self.ask_all([question]))
    }

    /// Asks several questions at once.
    ///
    /// # Errors
    /// None of them could be asked.
    pub fn ask_all<T: DeserializeOwned>(
        &self,
        questions: impl IntoIterator<Item = Question>,
    ) -> Answers<T> {
        let requests: Vec<_> = questions.into_iter().map(|question| question.0).collect();
        Ok(read_each("answer", self.host.ask(&requests)?))
    }
}

/// A question to a person.
#[derive(Debug, Clone)]
pub struct Question(human::Request);

impl Question {
    /// The question as the person reads it; any JSON will do as the answer.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        Self(human::Request {
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

    /// The same for that person.
    #[must_use]
    pub fn assignee(mut self, name: &str) -> Self {
        self.0.assignee = Some(name.to_owned());
        self
    }
}
