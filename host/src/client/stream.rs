//! What a run streams, of either engine: chunks with the ids under which they can be gone on from.

use anyhow::Context as _;
use futures::stream::{BoxStream, StreamExt as _, iter, try_unfold};
use serde::{Deserialize, Serialize};
use wforge_engine::{StreamRequest, Streamed};
use wforge_graph::{Chunk, StreamMode, apply, project};
use wforge_model::head::RunHead;
use wforge_model::{RunId, Seq, Value};

use super::problem::of_engine;
use super::reading::Reading;
use super::{Client, Embedded, Remote};

/// What is wanted of a run.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) modes: Vec<StreamMode>,
    /// Also what happens inside of subgraphs.
    pub(crate) subgraphs: bool,
    /// The chunk after which it begins, as [`Sent::id`] says it.
    pub(crate) after: Option<String>,
}

/// One chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// `seq.n`, the n-th of an event; none where it is not kept.
    #[serde(default)]
    pub(crate) id: Option<String>,
    pub(crate) mode: String,
    pub(crate) ns: Vec<String>,
    pub(crate) data: Value,
}

type Chunks = BoxStream<'static, anyhow::Result<Sent>>;

impl Client {
    /// The chunks of a run. Behind a server they come as long as the run goes on; here nobody
    /// drives a run that has not ended, so it is told as far as it came.
    pub(crate) async fn stream(&self, run: RunId, wanted: Wanted) -> anyhow::Result<Chunks> {
        match self {
            Self::Embedded(client) => {
                let head = self.report(run).await?.head;
                let chunks = if head.status.is_final() {
                    client.stream(run, &wanted).await?
                } else {
                    self.so_far(&head, &wanted).await?
                };
                Ok(after(numbered(chunks), wanted.after.as_deref()))
            }
            Self::Remote(client) => client.stream(run, wanted).await,
        }
    }

    /// What the log of a run says.
    async fn so_far(&self, head: &RunHead, wanted: &Wanted) -> anyhow::Result<BoxedChunks> {
        let log = self.log(head.run).await?;
        let lineage = self.lineage(head, &log).await?;
        let mut run = lineage.folded(head.run).map_err(anyhow::Error::msg)?;
        let mut chunks = Vec::new();
        for stored in &log {
            apply(&mut run, &stored.event);
            let projected = project(&run, stored, &wanted.modes, wanted.subgraphs);
            chunks.extend(
                projected.into_iter().map(|chunk| Ok(Streamed::Chunk(Some(stored.seq), chunk))),
            );
        }
        Ok(iter(chunks).boxed())
    }
}

type BoxedChunks = BoxStream<'static, anyhow::Result<Streamed>>;

impl Embedded {
    async fn stream(&self, run: RunId, wanted: &Wanted) -> anyhow::Result<BoxedChunks> {
        let Wanted { modes, subgraphs, .. } = wanted.clone();
        let request = StreamRequest { modes, subgraphs, after: Seq(0) };
        let chunks = self.host.handle.stream(&self.tenant, run, request).await;
        Ok(chunks.map_err(of_engine)?.map(|chunk| chunk.map_err(of_engine)).boxed())
    }
}

/// Each chunk with its id.
fn numbered(chunks: BoxedChunks) -> Chunks {
    let (mut seq, mut number) = (Seq(0), 0_u64);
    let sent = chunks.filter_map(move |chunk| {
        let sent = match chunk {
            Ok(Streamed::Chunk(of, Chunk { mode, ns, data })) => {
                let id = of.map(|of| {
                    number = if of == seq { number + 1 } else { 1 };
                    seq = of;
                    format!("{seq}.{number}")
                });
                Some(Ok(Sent { id, mode: mode.as_str().to_owned(), ns, data }))
            }
            Ok(Streamed::Lagged { .. }) => None,
            Err(error) => Some(Err(error)),
        };
        futures::future::ready(sent)
    });
    sent.boxed()
}

/// The chunks after one of them, or after all of an event.
fn after(chunks: Chunks, id: Option<&str>) -> Chunks {
    let place = |id: &str| -> (u64, u64) {
        let (seq, number) = id.split_once('.').unwrap_or((id, ""));
        (seq.parse().unwrap_or(0), number.parse().unwrap_or(u64::MAX))
    };
    let Some(begin) = id.map(place) else { return chunks };
    let is_new = move |sent: &anyhow::Result<Sent>| match sent {
        Ok(Sent { id: Some(id), .. }) => place(id) > begin,
        Ok(_) | Err(_) => true,
    };
    chunks.filter(move |sent| futures::future::ready(is_new(sent))).boxed()
}

impl Remote {
    async fn stream(&self, run: RunId, wanted: Wanted) -> anyhow::Result<Chunks> {
        let modes: Vec<&str> = wanted.modes.iter().map(|mode| mode.as_str()).collect();
        let path = format!(
            "/v1/runs/{run}/stream?mode={}&subgraphs={}",
            modes.join(","),
            wanted.subgraphs
        );
        let after = wanted.after.unwrap_or_else(|| "0".to_owned());
        let reading = Reading::new(self, path, after);
        let chunks = try_unfold(reading, |mut reading| async move {
            anyhow::Ok(next(&mut reading).await?.map(|sent| (sent, reading)))
        });
        Ok(chunks.boxed())
    }
}

/// The next chunk; none where the run has ended.
async fn next(reading: &mut Reading) -> anyhow::Result<Option<Sent>> {
    loop {
        let Some(frame) = reading.next().await? else { return Ok(None) };
        match frame.event.as_str() {
            "end" => return Ok(None),
            // What is kept follows; the rest was for those who watch.
            "lagged" => {}
            _ => {
                let sent: Sent = serde_json::from_str(&frame.data)
                    .context("the server sent a chunk that this version cannot read")?;
                return Ok(Some(Sent { id: frame.id, ..sent }));
            }
        }
    }
}
