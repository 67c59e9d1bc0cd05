//! `wforge runs resume|continue|retry` and `wforge inbox answer`: what goes on with a run, and then
//! follows it.

use wforge_model::RunId;
use wforge_model::head::RunHead;
use wforge_ports::Clock as _;

use super::args::{ResumeArgs, Watch};
use super::ui::{Paint, Ui, harmless};
use super::watch::{Watched, may_ask, to_the_end};
use super::{Session, questions, run_id};
use crate::client::{self, Client, Report, is_settled};
use crate::clock::SystemClock;
use crate::compose::Mode;

/// How a run goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum GoOn<'a> {
    /// With answers, or as it is where there are none.
    Answer(&'a [String]),
    /// A blocked one, with an empty record.
    DiscardEffects,
    /// A paused one, for so many super-steps or to its end.
    Continue(Option<u32>),
    /// A failed one.
    Retry,
}

/// `wforge runs resume`.
pub(super) async fn resume(session: &Session, args: &ResumeArgs) -> anyhow::Result<u8> {
    let how = if args.discard_effects { GoOn::DiscardEffects } else { GoOn::Answer(&args.answers) };
    go_on(session, &args.run, how, &args.watch).await
}

/// Goes on with a run, and follows it.
pub(super) async fn go_on(
    session: &Session,
    run: &str,
    how: GoOn<'_>,
    watch: &Watch,
) -> anyhow::Result<u8> {
    let run = run_id(run)?;
    let client = client::open(&session.config, Mode::Drive).await?;
    let result = with_client(&session.ui, &client, run, how, watch).await;
    client.finish(result).await
}

/// The same, of an engine that is open already.
pub(super) async fn with_client(
    ui: &Ui,
    client: &Client,
    run: RunId,
    how: GoOn<'_>,
    watch: &Watch,
) -> anyhow::Result<u8> {
    let started_ns = SystemClock.monotonic_ns();
    let before = client.report(run).await?;
    let seen = before.head.seq;
    let from = match how {
        GoOn::Answer(flags) => match answered(client, &before, flags).await? {
            Some(head) => head.seq,
            None => seen,
        },
        GoOn::DiscardEffects => client.discard_effects(run).await?.seq,
        GoOn::Continue(steps) => client.go_on(run, steps).await?.seq,
        GoOn::Retry => client.retry(run).await?.seq,
    };
    let draft = client.workflow_of(&before.head).await?;
    ui.note(&ui.paint(Paint::Dim, &format!("{run}  {}", title(&before.head))));
    let watched = Watched::new(run, &draft, watch.fail_on_degraded);
    let watched = Watched { seen, from, started_ns, ask: may_ask(ui), ..watched };
    to_the_end(ui, client, watched).await
}

/// The row after the answers; none where the run has questions, and none of them is answered here.
async fn answered(
    client: &Client,
    before: &Report,
    flags: &[String],
) -> anyhow::Result<Option<RunHead>> {
    let run = before.head.run;
    if before.head.status.is_final() {
        // Refused with the reason, whatever the answers are.
        client.resume(run, Vec::new()).await?;
    }
    let answers = questions::given(before, flags)?;
    let waits = answers.is_empty() && !before.questions.is_empty() && is_settled(&before.head);
    if waits {
        return Ok(None);
    }
    client.resume(run, answers).await.map(Some)
}

fn title(head: &RunHead) -> String {
    format!("{}@{}", harmless(&head.workflow), head.version)
}
