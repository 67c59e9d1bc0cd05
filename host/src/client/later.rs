//! Later.
use anyhow::bail;
use futures::stream::BoxStream;
use serde::Serialize;
use wforge_model::{RunId, Value};

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

impl Client {
    pub(crate) async fn stream(
        &self,
        _: RunId,
        _: &StreamArgs,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Value>>> {
        bail!("later")
    }
}
