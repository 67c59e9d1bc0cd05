//! A model at a server, whatever it speaks.

use std::fmt::Debug;
use std::ops::ControlFlow;

use futures::future::BoxFuture;
use wforge_model::{Failure, Value};

use super::answer::{Answer, bad_answer, text_of};
use super::deltas::Deltas;
use super::events::{Events, is_event_stream};
use super::exchange::{Exchange, printable, whole};
use super::models::{Answers, Asking};
use super::secret::SecretText;

/// What one kind of server understands and says.
pub(crate) trait Dialect: Debug + Send + Sync {
    /// Where questions go, below the base URL.
    const PATH: &'static str;
    /// Headers of every request.
    const HEADERS: &'static [(&'static str, &'static str)];
    /// What has come of a stream.
    type Gathered: Gathered;

    /// The question as the server wants it.
    fn body(&self, asking: &Asking<'_>) -> Result<Value, Failure>;

    /// An answer that came in one piece.
    fn whole(body: Value) -> Result<Answer, Failure>;
}

/// An answer that comes in pieces.
pub(crate) trait Gathered: Default + Send {
    /// Takes the data of one event in; breaks where it was the last.
    fn take(&mut self, data: &str, deltas: &Deltas<'_>) -> Result<ControlFlow<()>, Failure>;

    /// The answer, where all of it has come.
    fn finish(self) -> Result<Answer, Failure>;
}

/// A model at a server.
#[derive(Debug)]
pub(crate) struct Remote<D> {
    pub(crate) dialect: D,
    pub(crate) exchange: Exchange,
}

impl<D: Dialect> Remote<D> {
    async fn answer(&self, asking: Asking<'_>, key: Option<&SecretText>) -> Result<Value, Failure> {
        let body = self.dialect.body(&asking)?;
        let response = self.exchange.send(&asking.call, key, &body).await?;
        if is_event_stream(&response) {
            let answer = gather::<D>(Events::new(response.body), asking.deltas).await?;
            return Ok(answer.into_value(asking.model, asking.request_bytes));
        }
        // Servers that cannot stream answer in one piece, whatever they were asked.
        let bytes = whole(response.body).await?;
        let body = serde_json::from_slice(&bytes);
        let answer = D::whole(body.map_err(|_| bad_answer("the answer is no JSON"))?)?;
        let answer = answer.into_value(asking.model, asking.request_bytes);
        asking.deltas.push(&text_of(&answer));
        Ok(answer)
    }
}

async fn gather<D: Dialect>(mut events: Events, deltas: &Deltas<'_>) -> Result<Answer, Failure> {
    let mut gathered = D::Gathered::default();
    while let Some(data) = events.next().await? {
        if gathered.take(&data, deltas)?.is_break() {
            break;
        }
    }
    gathered.finish()
}

impl<D: Dialect> Answers for Remote<D> {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Value, Failure>> {
        Box::pin(async move {
            let key = self.exchange.endpoint.key.of(asking.call.call).await?;
            let answer = self.answer(asking, key.as_ref()).await;
            answer.map_err(|failure| printable(failure, key.as_ref()))
        })
    }
}
