//! Follows a run until it has settled, or the person at the terminal has had enough.

use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{RunId, Seq};
use wforge_ports::Clock;
use wforge_view::Trail;

use super::progress::Progress;
use super::refusal::{EXIT_INTERRUPTED, Refusal};
use super::ui::Ui;
use crate::client::{Client, Message};
use crate::clock::SystemClock;

/// Ends of a follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// By its log nothing happens any more until somebody does something; its row says whether.
    Settled,
    /// The person pressed Ctrl-C, or the process was told to end.
    Interrupted,
}

/// SIGINT and SIGTERM.
#[derive(Debug)]
pub(crate) struct Stops {
    int: Signal,
    term: Signal,
}

impl Stops {
    /// Listens from now on; the signals do not end the process by themselves any more.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self { int: listen(SignalKind::interrupt())?, term: listen(SignalKind::terminate())? })
    }

    /// The next of either.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}

/// Shows the progress of a run.
pub(crate) struct Follower<'a> {
    client: &'a Client,
    ui: &'a Ui,
    run: RunId,
    seen: Seq,
    progress: Progress,
    messages: BoxStream<'static, anyhow::Result<Message>>,
}

impl<'a> Follower<'a> {
    /// Follows from the beginning; what happened up to `seen` is not shown again.
    pub(crate) async fn new(
        client: &'a Client,
        ui: &'a Ui,
        run: RunId,
        (seen, draft): (Seq, &WorkflowDraft),
    ) -> anyhow::Result<Self> {
        let messages = client.follow(run, Seq(0)).await?;
        let progress = Progress::new(ui, Arc::new(SystemClock), seen, draft);
        Ok(Self { client, ui, run, seen: Seq(0), progress, messages })
    }

    /// What the log told so far.
    pub(crate) const fn trail(&self) -> &Trail {
        self.progress.trail()
    }

    /// The last event that came.
    pub(crate) const fn seen(&self) -> Seq {
        self.seen
    }

    /// Until the run looks settled, `from` being reached: before it has come, a run that waited is
    /// about to go on.
    pub(crate) async fn until_settled(
        &mut self,
        stops: &mut Stops,
        from: Seq,
    ) -> anyhow::Result<Followed> {
        loop {
            let message = tokio::select! {
                biased;
                () = stops.next() => {
                    self.ui.clear_status();
                    return Ok(Followed::Interrupted);
                }
                message = self.messages.next() => message,
            };
            match message.transpose()? {
                None => return self.ended().await,
                Some(Message::Lagged { .. }) => {}
                Some(Message::Line { node, level, message, .. }) => {
                    self.progress.line(&node, &level, &message);
                }
                Some(Message::Event(event)) => {
                    self.seen = event.seq;
                    self.progress.take(&event);
                    if event.seq >= from && self.progress.trail().may_have_settled() {
                        self.ui.clear_status();
                        return Ok(Followed::Settled);
                    }
                }
            }
        }
    }

    /// A stream that ended: the run has, or whoever drove it stopped.
    async fn ended(&mut self) -> anyhow::Result<Followed> {
        self.ui.clear_status();
        let head = self.client.report(self.run).await?.head;
        if head.status.is_final() {
            self.seen = head.seq;
            return Ok(Followed::Settled);
        }
        let message = format!("{} is not driven any more", self.run);
        Err(Refusal::failed("stopped", message)
            .help(format!("wforge runs resume {} goes on with it", self.run))
            .into())
    }
}

/// What to say and return after an interruption.
pub(crate) fn interrupted(run: RunId) -> Refusal {
    let mut refusal = Refusal::user("interrupted", format!("interrupted; {run} is kept"))
        .help(format!("wforge runs resume {run} goes on from its last finished step"));
    refusal.exit = EXIT_INTERRUPTED;
    refusal
}

/// Ends the process at the next signal, without waiting for anything: the second Ctrl-C.
pub(crate) async fn abort_at_next(mut stops: Stops) {
    stops.next().await;
    end_now();
}

#[expect(clippy::exit, reason = "a person who presses Ctrl-C twice wants no more clean-up")]
fn end_now() {
    std::process::exit(i32::from(EXIT_INTERRUPTED));
}

/// Milliseconds since a moment of the monotonic clock.
pub(crate) fn since_ms(started_ns: u64) -> u64 {
    SystemClock.monotonic_ns().saturating_sub(started_ns) / 1_000_000
}
