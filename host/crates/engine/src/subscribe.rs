//! Listening to a run: its durable events in order, each exactly once, and what is not kept.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::head::RunHead;
use wforge_model::{RunId, Seq, TenantId};

use crate::request::{EngineError, RunMessage, WaitFor};
use crate::service::Shared;

/// Events read at once.
const PAGE: usize = 256;

struct Listener {
    shared: Arc<Shared>,
    tenant: TenantId,
    run: RunId,
    /// The last durable event that was handed out.
    seen: Seq,
    ready: VecDeque<RunMessage>,
    live: broadcast::Receiver<RunMessage>,
    /// Whether the store may hold events that were not handed out.
    behind: bool,
    ended: bool,
}

pub(crate) fn subscribe(
    shared: Arc<Shared>,
    tenant: TenantId,
    run: RunId,
    after: Seq,
) -> BoxStream<'static, Result<RunMessage, EngineError>> {
    // Listening begins before the store is read, so that nothing falls between the two.
    let live = shared.parts.bus.subscribe(&tenant, run);
    let ready = VecDeque::new();
    let listener =
        Listener { shared, tenant, run, seen: after, ready, live, behind: true, ended: false };
    stream::try_unfold(listener, |mut listener| async move {
        Ok(listener.next().await?.map(|message| (message, listener)))
    })
    .boxed()
}

impl Listener {
    async fn next(&mut self) -> Result<Option<RunMessage>, EngineError> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                if let RunMessage::Event(stored) = &message {
                    self.seen = stored.seq;
                    // Whether anything comes after it, the store says.
                    self.behind |= may_be_last(stored);
                }
                return Ok(Some(message));
            }
            if self.ended {
                return Ok(None);
            }
            if self.behind {
                self.read().await?;
                continue;
            }
            self.listen().await;
        }
    }

    /// Reads what the store has and was not handed out yet.
    async fn read(&mut self) -> Result<(), EngineError> {
        let events =
            self.shared.parts.store.events(&self.tenant, self.run, self.seen, PAGE).await?;
        self.behind = events.len() == PAGE;
        self.ready.extend(events.into_iter().map(RunMessage::Event));
        if self.ready.is_empty() {
            // A stream that begins after the run's last event has nothing to wait for.
            let head = self.shared.parts.store.head(&self.tenant, self.run).await?;
            self.ended = head.is_none_or(|head| has_ended(&head) && head.seq <= self.seen);
        }
        if self.ended {
            self.take_lines();
        }
        Ok(())
    }

    /// What guests said of a run that was over before it was looked at.
    fn take_lines(&mut self) {
        loop {
            match self.live.try_recv() {
                Ok(RunMessage::Event(_)) | Err(TryRecvError::Lagged(_)) => {}
                Ok(message) => self.ready.push_back(message),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    async fn listen(&mut self) {
        let message = tokio::select! {
            () = self.shared.shutdown.cancelled() => {
                self.ended = true;
                return;
            }
            message = self.live.recv() => message,
        };
        match message {
            Ok(RunMessage::Event(stored)) if stored.seq <= self.seen => {}
            Ok(RunMessage::Event(stored)) if stored.seq > self.seen.next() => self.behind = true,
            Ok(message) => self.ready.push_back(message),
            Err(RecvError::Lagged(skipped)) => {
                self.ready.push_back(RunMessage::Lagged { after: self.seen, skipped });
                self.behind = true;
            }
            Err(RecvError::Closed) => self.ended = true,
        }
    }
}

/// Whether a run may end with that event. One that failed may be taken up again, or have its
/// failure handled.
fn may_be_last(stored: &StoredEvent) -> bool {
    matches!(
        stored.event.kind,
        EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::FailureHandled { .. }
    )
}

/// Whether nothing comes after the run's last event by itself.
fn has_ended(head: &RunHead) -> bool {
    head.status.is_final() && head.waiting_for.is_empty()
}

/// The row of a run.
pub(crate) async fn head(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
) -> Result<RunHead, EngineError> {
    let head = shared.parts.store.head(tenant, run).await?;
    head.ok_or_else(|| EngineError::NotFound { kind: "run", name: run.to_string() })
}

/// Waits until a run has ended, is blocked, or waits for a person.
pub(crate) async fn wait(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    run: RunId,
    wait: WaitFor,
) -> Result<RunHead, EngineError> {
    // Most of those who wait find the run settled, and a place among the listeners has room for
    // all that they may be behind.
    let first = head(shared, tenant, run).await?;
    if first.is_settled() {
        return Ok(first);
    }
    let mut live = shared.parts.bus.await_events(tenant, run);
    loop {
        // Read again: it may have settled before anybody listened.
        let head = head(shared, tenant, run).await?;
        if head.is_settled() {
            return Ok(head);
        }
        let time_is_up = async {
            match wait {
                WaitFor::Settled => std::future::pending().await,
                WaitFor::SettledBefore(at) => shared.parts.clock.sleep_until(at).await,
            }
        };
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(head),
            () = time_is_up => return Ok(head),
            () = may_settle(&mut live) => {}
        }
    }
}

/// Ends with the next message after which a run may be settled.
async fn may_settle(live: &mut broadcast::Receiver<RunMessage>) {
    loop {
        match live.recv().await {
            Ok(RunMessage::Event(stored)) if may_be_settled_by(&stored.event.kind) => return,
            Ok(RunMessage::Event(_)) => {}
            Ok(RunMessage::Line { .. } | RunMessage::Emitted { .. } | RunMessage::Delta { .. }) => {
            }
            Ok(RunMessage::Lagged { .. }) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}

const fn may_be_settled_by(event: &EventKind) -> bool {
    match event {
        EventKind::TaskSuspended { .. }
        | EventKind::TaskFinished(_)
        | EventKind::StepCommitted { .. }
        | EventKind::Interrupted { .. }
        | EventKind::PauseRequested { .. }
        | EventKind::RunCompleted { .. }
        | EventKind::RunFailed { .. }
        | EventKind::RunCancelled { .. }
        | EventKind::RunBlocked { .. } => true,
        EventKind::RunQueued(_)
        | EventKind::RunStarted(_)
        | EventKind::StepPlanned { .. }
        | EventKind::SubgraphStarted { .. }
        | EventKind::TaskRetried { .. }
        | EventKind::TaskResumed { .. }
        | EventKind::QuestionAssigned { .. }
        | EventKind::QuestionAnswered { .. }
        | EventKind::TaskFailed { .. }
        | EventKind::Continued { .. }
        | EventKind::RunRevived { .. }
        | EventKind::FailureHandled { .. }
        | EventKind::RunUnblocked { .. } => false,
    }
}
