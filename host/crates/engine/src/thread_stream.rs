//! Listening to a thread: the events of its runs, one run after the other, then whatever comes.
//!
//! Runs of a thread begin one at a time, so the log of a thread is the logs of its runs in the
//! order in which they began. A run that waits for its turn is told of once it has begun, from its
//! first event; one that never began is no part of it.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::{broadcast, watch};
use wforge_model::{Checkpoint, RunId, Seq, TenantId, ThreadId, Version};
use wforge_ports::threads::ThreadRun;

use crate::request::{EngineError, RunMessage};
use crate::service::Shared;
use crate::subscribe;
use crate::threads::existing;

/// Runs that are looked up at once.
const PAGE: usize = 256;

/// What a subscriber of a thread receives.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadMessage {
    /// The run that it comes from.
    pub run: RunId,
    /// What comes.
    pub message: RunMessage,
}

/// A run that is followed.
struct Current {
    run: RunId,
    /// The last durable event that was handed out.
    seen: Seq,
    /// None once the run has ended.
    messages: Option<BoxStream<'static, Result<RunMessage, EngineError>>>,
}

struct Follower {
    shared: Arc<Shared>,
    tenant: TenantId,
    thread: ThreadId,
    /// Changes whenever a run begins.
    begun: watch::Receiver<()>,
    current: Option<Current>,
    /// The runs that come after it, as far as they are known.
    next: VecDeque<RunId>,
    /// The first place of the thread at which no run was looked for.
    unseen: Version,
}

/// The events of a thread's runs after one of them (none: from the first of its history).
pub(crate) async fn subscribe(
    shared: Arc<Shared>,
    tenant: TenantId,
    thread: ThreadId,
    after: Option<Checkpoint>,
) -> Result<BoxStream<'static, Result<ThreadMessage, EngineError>>, EngineError> {
    // Listening begins before the store is read, so that nothing falls between the two.
    let begun = shared.parts.bus.await_runs(&tenant, thread);
    let unseen = existing(&shared, &tenant, thread).await?.row.pruned_before;
    let (current, next) = (None, VecDeque::new());
    let mut follower = Follower { shared, tenant, thread, begun, current, next, unseen };
    follower.look().await?;
    if let Some(after) = after {
        follower.skip_to(after);
    }
    Ok(stream::try_unfold(follower, |mut follower| async move {
        Ok(follower.next().await?.map(|message| (message, follower)))
    })
    .boxed())
}

impl Follower {
    async fn next(&mut self) -> Result<Option<ThreadMessage>, EngineError> {
        loop {
            if let Some(message) = self.of_current().await? {
                return Ok(Some(message));
            }
            if self.shared.shutdown.is_cancelled() {
                return Ok(None);
            }
            match self.next.pop_front() {
                Some(run) => self.open(run, Seq(0)),
                None if self.wait().await? => {}
                None => return Ok(None),
            }
        }
    }

    /// The next message of the run that is followed; none where it has ended.
    async fn of_current(&mut self) -> Result<Option<ThreadMessage>, EngineError> {
        let Some(Current { run, seen, messages }) = &mut self.current else { return Ok(None) };
        let Some(open) = messages else { return Ok(None) };
        let Some(message) = open.next().await.transpose()? else {
            *messages = None;
            return Ok(None);
        };
        if let RunMessage::Event(stored) = &message {
            *seen = stored.seq;
        }
        Ok(Some(ThreadMessage { run: *run, message }))
    }

    fn open(&mut self, run: RunId, seen: Seq) {
        let messages = subscribe::subscribe(self.shared.clone(), self.tenant.clone(), run, seen);
        self.current = Some(Current { run, seen, messages: Some(messages) });
    }

    /// Goes on after an event. Its run may have left the thread since; ids of runs sort in the
    /// order in which they came, so those that came later are left.
    fn skip_to(&mut self, after: Checkpoint) {
        match self.next.iter().position(|run| *run == after.run) {
            Some(at) => {
                self.next.drain(..=at);
                self.open(after.run, after.seq);
            }
            None => self.next.retain(|run| *run > after.run),
        }
    }

    /// Looks for runs that have begun since.
    async fn look(&mut self) -> Result<(), EngineError> {
        let store = &self.shared.parts.store;
        let (mut found, mut before) = (VecDeque::new(), None);
        loop {
            let page = store.thread_runs(&self.tenant, self.thread, before, PAGE).await?;
            let is_last = page.len() < PAGE;
            let new = page.iter().take_while(|listed| listed.place >= self.unseen);
            let count = new.clone().count();
            new.for_each(|listed| found.push_front(*listed));
            if is_last || count < page.len() {
                break;
            }
            before = page.last().map(|listed| listed.place);
        }
        if let Some(ThreadRun { place, .. }) = found.back() {
            self.unseen = Version(place.0.saturating_add(1));
        }
        self.next.extend(found.iter().map(|listed| listed.run));
        Ok(())
    }

    /// Waits until there is more: the newest run went on after its end, or another began. Nothing
    /// comes any more where the process stops or the thread is gone.
    async fn wait(&mut self) -> Result<bool, EngineError> {
        let last = self.current.as_ref().map(|current| (current.run, current.seen));
        let bus = &self.shared.parts.bus;
        let mut live = last.map(|(run, _)| bus.await_events(&self.tenant, run));
        loop {
            // What begins from here on is heard below.
            self.begun.borrow_and_update();
            // A run that failed may be taken up again, as long as no other has begun.
            if let Some((run, seen)) = last
                && seq_of(&self.shared, &self.tenant, run).await?.is_some_and(|seq| seq > seen)
            {
                self.open(run, seen);
                return Ok(true);
            }
            self.look().await?;
            if !self.next.is_empty() {
                return Ok(true);
            }
            let stored = self.shared.parts.store.thread(&self.tenant, self.thread).await?;
            if stored.is_none() {
                return Ok(false);
            }
            tokio::select! {
                () = self.shared.shutdown.cancelled() => return Ok(false),
                changed = self.begun.changed() => if changed.is_err() { return Ok(false) },
                () = heard(&mut live) => {}
            }
        }
    }
}

/// How far a run came; none where it is gone.
async fn seq_of(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
) -> Result<Option<Seq>, EngineError> {
    let head = shared.parts.store.head(tenant, run).await?;
    Ok(head.map(|head| head.seq))
}

/// Ends with whatever is heard of a run.
async fn heard(live: &mut Option<broadcast::Receiver<RunMessage>>) {
    match live {
        Some(live) => drop(live.recv().await),
        None => std::future::pending().await,
    }
}
