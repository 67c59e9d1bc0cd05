//! What a run streams.

use anyhow::bail;
use futures::stream::BoxStream;
use wforge_model::{RunId, Value};

use super::Client;
use crate::cli::StreamArgs;

impl Client {
    /// The chunks of a run, from its beginning to its end.
    pub(crate) async fn stream(
        &self,
        _run: RunId,
        _args: &StreamArgs,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Value>>> {
        bail!("later")
    }
}
