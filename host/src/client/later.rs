//! Later.
use anyhow::bail;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use wforge_model::head::RunHead;
use wforge_model::{QuestionId, RunId, Timestamp, Value};

use super::Client;
use crate::cli::StreamArgs;

/// What happens where another run of the thread is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Multitask {
    /// Refuses.
    #[default]
    Reject,
    Enqueue,
    Interrupt,
    Rollback,
}

/// An open question of any run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Interrupt {
    pub(crate) ask: QuestionId,
    pub(crate) run: RunId,
    pub(crate) path: String,
    pub(crate) prompt: String,
    pub(crate) deadline: Option<Timestamp>,
}

impl Client {
    pub(crate) async fn pause(&self, _: RunId) -> anyhow::Result<RunHead> {
        bail!("later")
    }
    pub(crate) async fn go_on(&self, _: RunId, _: Option<u32>) -> anyhow::Result<RunHead> {
        bail!("later")
    }
    pub(crate) async fn retry(&self, _: RunId) -> anyhow::Result<RunHead> {
        bail!("later")
    }
    pub(crate) async fn interrupts(&self, _: usize) -> anyhow::Result<Vec<Interrupt>> {
        bail!("later")
    }
    pub(crate) async fn run_that_asks(&self, _: QuestionId) -> anyhow::Result<Option<RunId>> {
        bail!("later")
    }
    pub(crate) async fn stream(
        &self,
        _: RunId,
        _: &StreamArgs,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Value>>> {
        bail!("later")
    }
}
