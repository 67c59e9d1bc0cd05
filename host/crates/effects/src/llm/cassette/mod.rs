//! Answers of models that are kept and played again. A cassette is JSON lines; the host reads and
//! writes them, here are only their entries.

mod entry;
mod nearest;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::json;
use wforge_model::effect::RequestHash;
use wforge_model::{Failure, Problem, Value};
use wforge_ports::BoxError;

pub use self::entry::{CassetteEntry, CassetteError};
use self::nearest::Nearest;
use super::answer::text_of;
use super::models::{Answers, Asking, Model};

/// Where the entries of cassettes that are made go.
pub trait CassetteSink: Debug + Send + Sync {
    /// Keeps an entry; the answer is not given to anybody before.
    ///
    /// # Errors
    /// Why it could not be kept; the question fails with that.
    fn keep(&self, cassette: &str, entry: &CassetteEntry) -> Result<(), BoxError>;
}

/// Answers from a cassette, and with nothing else.
#[derive(Debug)]
pub(crate) struct Replay {
    cassette: String,
    entries: BTreeMap<RequestHash, CassetteEntry>,
}

impl Replay {
    /// Of several answers to one request the first good one holds, as it would in a record; a
    /// failure only where there is no good one.
    pub(crate) fn new(cassette: String, all: &[CassetteEntry]) -> Self {
        let mut entries: BTreeMap<RequestHash, CassetteEntry> = BTreeMap::new();
        for entry in all {
            let known = entries.get(&entry.hash);
            if known.is_none_or(|known| known.answer.is_err() && entry.answer.is_ok()) {
                entries.insert(entry.hash, entry.clone());
            }
        }
        Self { cassette, entries }
    }

    fn answer(&self, asking: &Asking<'_>) -> Result<Value, Failure> {
        match self.entries.get(&asking.call.hash) {
            Some(entry) => entry.answer.clone(),
            None => Err(self.miss(asking.call.request)),
        }
    }

    fn miss(&self, asked: &Value) -> Failure {
        let cassette = &self.cassette;
        let recorded = self.entries.values().filter_map(|entry| entry.request.as_ref());
        let mut problem = Problem::new("cassette_miss", "");
        match Nearest::of(asked, recorded) {
            None => {
                problem.message =
                    format!("the cassette {cassette} has no answer to this, and no request at all");
            }
            Some(nearest) => {
                problem.message =
                    format!("the cassette {cassette} has no answer to this; {nearest}");
                problem.details = json!({ "asked": nearest.asked, "nearest": nearest.recorded });
            }
        }
        Failure::Failed(problem)
    }
}

impl Answers for Replay {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Value, Failure>> {
        let answer = self.answer(&asking);
        if let Ok(answer) = &answer {
            asking.deltas.push(&text_of(answer));
        }
        Box::pin(std::future::ready(answer))
    }
}

/// Lets another model answer, and keeps its answers. Failures are not kept: the next take may do
/// better.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) cassette: String,
    pub(crate) through: Arc<Model>,
    pub(crate) sink: Arc<dyn CassetteSink>,
}

impl Recording {
    async fn answer(&self, asking: Asking<'_>) -> Result<Value, Failure> {
        let answer = self.through.provider.ask(asking).await?;
        let (hash, request) = (asking.call.hash, Some(asking.call.request.clone()));
        let entry = CassetteEntry { hash, request, answer: Ok(answer.clone()) };
        self.sink.keep(&self.cassette, &entry).map_err(|error| {
            let message = format!("the cassette {} cannot be written: {error}", self.cassette);
            Failure::Failed(Problem::new("cassette_write", message))
        })?;
        Ok(answer)
    }
}

impl Answers for Recording {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Value, Failure>> {
        Box::pin(self.answer(asking))
    }
}
