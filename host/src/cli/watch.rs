//! Follows a run until it has settled, asks whoever sits at the terminal, and prints how it stands.

use std::io::IsTerminal as _;

use tokio_util::task::TaskTracker;
use wforge_model::head::RunStatus;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{RunId, Seq, ThreadId};
use wforge_ports::Clock as _;

use super::follow::{Followed, Follower, Stops, abort_at_next, interrupted, since_ms};
use super::questions;
use super::result::{exit_of, how_it_goes_on, print};
use super::ui::{Paint, Ui};
use crate::client::{Client, Report, is_settled};
use crate::clock::SystemClock;

/// A run that is followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched<'a> {
    pub(super) run: RunId,
    pub(super) draft: &'a WorkflowDraft,
    /// What happened up to here is not shown again.
    pub(super) seen: Seq,
    /// Before this has come, a run that waited is about to go on.
    pub(super) from: Seq,
    /// By the monotonic clock.
    pub(super) started_ns: u64,
    /// Whether a person is asked.
    pub(super) ask: bool,
    pub(super) fail_on_degraded: bool,
}

impl<'a> Watched<'a> {
    /// A run, from its beginning.
    pub(super) fn new(run: RunId, draft: &'a WorkflowDraft, fail_on_degraded: bool) -> Self {
        let started_ns = SystemClock.monotonic_ns();
        let (seen, from, ask) = (Seq(0), Seq(0), false);
        Self { run, draft, seen, from, started_ns, ask, fail_on_degraded }
    }
}

/// Whether there is somebody to ask.
pub(super) fn may_ask(ui: &Ui) -> bool {
    ui.progress && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Follows the run; its exit code.
pub(super) async fn to_the_end(
    ui: &Ui,
    client: &Client,
    watched: Watched<'_>,
) -> anyhow::Result<u8> {
    let Watched { run, draft, seen, mut from, .. } = watched;
    let mut stops = Stops::listen()?;
    let mut follower = Follower::new(client, ui, run, (seen, draft)).await?;
    let report = loop {
        let Some(report) = settled(client, &mut follower, (run, from), &mut stops).await? else {
            return interrupted_now(client, run, stops);
        };
        if report.head.status != RunStatus::Waiting || !watched.ask {
            break report;
        }
        let Some(answers) = questions::ask(ui, &report, &mut stops).await? else {
            return interrupted_now(client, run, stops);
        };
        from = client.resume(run, answers).await?.seq;
    };
    print(ui, &report, draft, since_ms(watched.started_ns))?;
    // A server drives what handles the failure, and what waits for its turn; here nobody else does.
    if let Some(handler) = follower.trail().handled_by().filter(|_| client.is_embedded())
        && !Box::pin(to_the_handlers_end(ui, client, handler, &mut stops)).await?
    {
        return interrupted_now(client, handler, stops);
    }
    if let Some(thread) = report.head.thread.filter(|_| report.head.status.is_final())
        && let Some(stopped) =
            Box::pin(to_the_queues_end(ui, client, (thread, run), &mut stops)).await?
    {
        return interrupted_now(client, stopped, stops);
    }
    Ok(exit_of(&report, watched.fail_on_degraded))
}

/// The run once it has settled; none after a signal.
pub(super) async fn settled(
    client: &Client,
    follower: &mut Follower<'_>,
    (run, mut from): (RunId, Seq),
    stops: &mut Stops,
) -> anyhow::Result<Option<Report>> {
    loop {
        if follower.until_settled(stops, from).await? == Followed::Interrupted {
            return Ok(None);
        }
        let report = client.report(run).await?;
        // Within one commit a question may be asked and answered, so what looked settled is looked
        // at again.
        from = report.head.seq;
        // Here nobody drives the run that goes before it; a server drives both.
        let waits_for_turn = report.head.status == RunStatus::Queued && client.is_embedded();
        if (is_settled(&report.head) || waits_for_turn) && follower.seen() >= from {
            return Ok(Some(report));
        }
    }
}

/// Follows the run that handles a failure; whether it has settled.
async fn to_the_handlers_end(
    ui: &Ui,
    client: &Client,
    run: RunId,
    stops: &mut Stops,
) -> anyhow::Result<bool> {
    let draft = client.workflow_of(&client.report(run).await?.head).await?;
    let mut follower = Follower::new(client, ui, run, (Seq(0), &draft)).await?;
    let Some(report) = settled(client, &mut follower, (run, Seq(0)), stops).await? else {
        return Ok(false);
    };
    ui.note(&format!("{run}  {}", report.head.status.as_str()));
    Ok(true)
}

/// Follows the runs that waited for one to end, each until it has settled; the one at which a
/// signal came.
async fn to_the_queues_end(
    ui: &Ui,
    client: &Client,
    (thread, mut after): (ThreadId, RunId),
    stops: &mut Stops,
) -> anyhow::Result<Option<RunId>> {
    while let Some(next) = client.begin_queued(thread).await?.filter(|next| *next != after) {
        let draft = client.workflow_of(&client.report(next).await?.head).await?;
        ui.note(&ui.paint(Paint::Dim, &format!("{next}  waited for its turn")));
        // That it waited is no news.
        let mut follower = Follower::new(client, ui, next, (Seq(1), &draft)).await?;
        let Some(report) = settled(client, &mut follower, (next, Seq(0)), stops).await? else {
            return Ok(Some(next));
        };
        ui.note(&format!("{next}  {}", report.head.status.as_str()));
        if !report.head.status.is_final() {
            let label = ui.paint(Paint::Cyan, "help:");
            ui.note(&format!("{label} {}", how_it_goes_on(&report)));
            return Ok(None);
        }
        after = next;
    }
    Ok(None)
}

/// From here on the next signal ends the process at once.
pub(super) fn interrupted_now(client: &Client, run: RunId, stops: Stops) -> anyhow::Result<u8> {
    TaskTracker::new().spawn(abort_at_next(stops));
    let refusal = interrupted(run);
    if client.is_embedded() {
        return Err(refusal.into());
    }
    let help = format!("the server goes on with it; wforge runs show {run} says how it stands");
    Err(refusal.help(help).into())
}
