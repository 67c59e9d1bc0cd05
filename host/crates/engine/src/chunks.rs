//! A run as a stream of chunks: what its durable events project to, and what agents emit meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use serde_json::json;
use wforge_graph::{Chunk, Run, StreamMode, apply, project};
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::{RunId, Seq, TenantId};

use crate::load::{carried_at, unfolded};
use crate::request::{EngineError, RunMessage, StreamRequest};
use crate::service::Shared;
use crate::subscribe::subscribe;

/// What a stream of chunks carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Streamed {
    /// A chunk, with the sequence of the event that it follows from; none where it is not kept.
    Chunk(Option<Seq>, Chunk),
    /// The reader was too slow: chunks that are not kept are lost to it. The others follow.
    Lagged {
        /// The last event whose chunks it was given.
        after: Seq,
        /// How many messages were skipped, durable ones among them.
        skipped: u64,
    },
}

struct Projection {
    shared: Arc<Shared>,
    tenant: TenantId,
    run: Run,
    /// The last event that was folded.
    folded: Seq,
    request: StreamRequest,
    messages: BoxStream<'static, Result<RunMessage, EngineError>>,
    ready: VecDeque<Streamed>,
}

/// The chunks of a run after an event, then whatever comes; ends with the run.
pub(crate) async fn chunks(
    shared: Arc<Shared>,
    tenant: TenantId,
    run: RunId,
    request: StreamRequest,
) -> Result<BoxStream<'static, Result<Streamed, EngineError>>, EngineError> {
    // Every chunk follows from the run as it stood, so the log is folded from its beginning.
    let messages = subscribe(shared.clone(), tenant.clone(), run, Seq(0));
    let run = unfolded(&shared, &tenant, run).await?;
    let ready = VecDeque::new();
    let folded = Seq(0);
    let projection = Projection { shared, tenant, run, folded, request, messages, ready };
    let stream = stream::try_unfold(projection, |mut projection| async move {
        Ok(projection.next().await?.map(|chunk| (chunk, projection)))
    });
    Ok(stream.boxed())
}

impl Projection {
    async fn next(&mut self) -> Result<Option<Streamed>, EngineError> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            match self.messages.next().await.transpose()? {
                Some(RunMessage::Event(stored)) => self.take(&stored).await?,
                Some(RunMessage::Emitted { node, task, topic, payload, .. }) => {
                    let data = json!({
                        "topic": topic, "payload": payload, "node": node, "task": task,
                    });
                    let wanted = self.request.modes.contains(&StreamMode::Custom);
                    let chunk = Chunk { mode: StreamMode::Custom, ns: Vec::new(), data };
                    self.ready.extend(wanted.then_some(Streamed::Chunk(None, chunk)));
                }
                Some(RunMessage::Delta { node, task, position, n, topic, text }) => {
                    let data = json!({
                        "topic": topic, "delta": text, "n": n, "position": position,
                        "node": node, "task": task,
                    });
                    let wanted = self.request.modes.contains(&StreamMode::Custom);
                    let chunk = Chunk { mode: StreamMode::Custom, ns: Vec::new(), data };
                    self.ready.extend(wanted.then_some(Streamed::Chunk(None, chunk)));
                }
                Some(RunMessage::Lagged { skipped, .. }) => {
                    // What comes before the place at which it began is folded, not handed out.
                    let after = self.folded.max(self.request.after);
                    self.ready.push_back(Streamed::Lagged { after, skipped });
                }
                Some(RunMessage::Line { .. }) => {}
                None => return Ok(None),
            }
        }
    }

    async fn take(&mut self, stored: &StoredEvent) -> Result<(), EngineError> {
        if let EventKind::RunStarted(started) = &stored.event.kind
            && let Some(base) = started.base
        {
            let (carried, _) = carried_at(&self.shared, &self.tenant, base).await?;
            self.run = self.run.clone().with_carried(carried);
        }
        apply(&mut self.run, &stored.event);
        self.folded = stored.seq;
        if stored.seq > self.request.after {
            let StreamRequest { modes, subgraphs, .. } = &self.request;
            let chunks = project(&self.run, stored, modes, *subgraphs);
            self.ready
                .extend(chunks.into_iter().map(|chunk| Streamed::Chunk(Some(stored.seq), chunk)));
        }
        Ok(())
    }
}
