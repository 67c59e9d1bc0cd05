//! Which blobs a task may open: those that its call names, and those that it wrote or had fetched.
//!
//! What a plugin keeps in its memory, or has others repeat, is neither: any digest can stand there.

use std::collections::BTreeSet;

use wforge_model::agent::AgentCall;
use wforge_model::effect::Operation;
use wforge_model::{Digest, Value};

use crate::session::Answer;

/// Blobs that one task may open.
const REFERENCES_MAX: usize = 65_536;

/// The blobs that a task may open.
#[derive(Debug, Default)]
pub(crate) struct References(BTreeSet<Digest>);

impl References {
    /// Those that a call names anywhere in its input, config and context.
    pub(crate) fn of(call: &AgentCall) -> Self {
        let mut all = Self::default();
        [&call.input, &call.config, &call.context].into_iter().for_each(|value| all.note(value));
        all
    }

    /// Adds those in the answers to a host call.
    pub(crate) fn learn(&mut self, operation: Operation, answers: &[Answer]) {
        let is_told_by_the_host = match operation {
            Operation::BlobsCreate | Operation::HttpFetch => true,
            // A model, a tool or a person may repeat whatever digest it was told.
            Operation::LlmComplete
            | Operation::ToolsCall
            | Operation::HumanAsk
            | Operation::KvGet
            | Operation::KvSet
            | Operation::KvDelete
            | Operation::KvList
            | Operation::KvCompareAndSwap
            | Operation::ToolsList
            | Operation::TimerSleep
            | Operation::SecretsGet
            | Operation::SecretsReveal
            | Operation::BlobsRead => false,
        };
        if is_told_by_the_host {
            answers.iter().flatten().for_each(|value| self.note(value));
        }
    }

    /// Whether the task may open that blob.
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.0.contains(digest)
    }

    /// Whether there may be others that had no room here.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= REFERENCES_MAX
    }

    /// The first reference in a request that the task may not hand on.
    pub(crate) fn foreign<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match value {
            Value::Object(fields) => {
                let own = reference(value).filter(|digest| !self.contains(digest)).map(|_| value);
                own.or_else(|| fields.values().find_map(|inner| self.foreign(inner)))
            }
            Value::Array(items) => items.iter().find_map(|inner| self.foreign(inner)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }

    fn note(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(digest) = reference(value).filter(|_| !self.is_full()) {
                    self.0.insert(digest);
                }
                fields.values().for_each(|inner| self.note(inner));
            }
            Value::Array(items) => items.iter().for_each(|inner| self.note(inner)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The blob that an object names as a reference.
pub(crate) fn reference(value: &Value) -> Option<Digest> {
    value.get("$blob")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let mut found = References::default();
        for number in 0..=REFERENCES_MAX {
            assert_eq!(found.is_full(), number == REFERENCES_MAX);
            found.note(&json!({ "$blob": format!("sha256:{number:064x}") }));
        }
        assert_eq!(found.0.len(), REFERENCES_MAX);
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let mut found = References::default();
        found.note(&json!({
            "document": { "$blob": digest("a"), "size": 1, "media_type": "text/plain" },
            "files": [[{ "of": { "$blob": digest("b") } }], { "$blob": "sha256:short" }],
            "$blob": { "$blob": digest("c") },
            "text": digest("d"),
        }));
        let all: Vec<String> = found.0.iter().map(ToString::to_string).collect();
        assert_eq!(all, [digest("a"), digest("b"), digest("c")]);
    }
}
