//! What a run streams, of either engine: chunks with the ids under which they can be gone on from.

use std::collections::VecDeque;

use anyhow::{Context as _, bail};
use futures::stream::{BoxStream, StreamExt as _, iter, try_unfold};
use serde::{Deserialize, Serialize};
use wforge_engine::{StreamRequest, Streamed};
use wforge_graph::{Chunk, StreamMode, apply, project};
use wforge_model::head::RunHead;
use wforge_model::{RunId, Seq, Value};

use super::problem::{of_api, of_engine};
use super::sse::{Frame, Frames};
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
            chunks.extend(projected.into_iter().map(|chunk| Ok((Some(stored.seq), chunk))));
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
    let sent = chunks.map(move |chunk| {
        let (of, Chunk { mode, ns, data }) = chunk?;
        let id = of.map(|of| {
            number = if of == seq { number + 1 } else { 1 };
            seq = of;
            format!("{seq}.{number}")
        });
        Ok(Sent { id, mode: mode.as_str().to_owned(), ns, data })
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
        let reading = Reading { remote: self.clone(), path, after, open: None };
        let chunks = try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|sent| (sent, reading)))
        });
        Ok(chunks.boxed())
    }
}

/// A stream of a server; goes on where it broke off.
struct Reading {
    remote: Remote,
    path: String,
    after: String,
    open: Option<Open>,
}

struct Open {
    response: reqwest::Response,
    frames: Frames,
    ready: VecDeque<Frame>,
    /// Whether this connection gave anything; one that gives nothing is not opened again.
    gave: bool,
}

impl Reading {
    async fn next(&mut self) -> anyhow::Result<Option<Sent>> {
        loop {
            let Some(open) = &mut self.open else {
                let path = format!("{}&after={}", self.path, self.after);
                let response = self.remote.event_stream(&path).await?;
                if response.status().as_u16() == 204 {
                    return Ok(None);
                }
                let (frames, ready) = (Frames::default(), VecDeque::new());
                self.open = Some(Open { response, frames, ready, gave: false });
                continue;
            };
            if let Some(frame) = open.ready.pop_front() {
                open.gave = true;
                match frame.event.as_str() {
                    "end" => return Ok(None),
                    "error" => {
                        return Err(of_api(self.remote.server(), 500, frame.data.as_bytes()));
                    }
                    _ => {}
                }
                let mut sent: Sent = serde_json::from_str(&frame.data).with_context(|| {
                    format!("{} sent what this version cannot read", self.remote.server())
                })?;
                sent.id.clone_from(&frame.id);
                if let Some(id) = frame.id {
                    self.after = id;
                }
                return Ok(Some(sent));
            }
            match open.response.chunk().await {
                Ok(Some(chunk)) => open.ready.extend(open.frames.take(&chunk)?),
                Ok(None) | Err(_) if open.gave => self.open = None,
                Ok(None) => bail!("{} ended the stream", self.remote.server()),
                Err(error) => return Err(error.without_url().into()),
            }
        }
    }
}
