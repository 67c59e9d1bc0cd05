//! `wforge runs watch`: a run to its end, or how the newest runs stand, as long as one looks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use wforge_model::head::RunHead;
use wforge_model::{RunId, Seq};
use wforge_ports::Clock as _;
use wforge_view::duration;

use super::args::WatchArgs;
use super::follow::{Stops, since_ms};
use super::progress::Progress;
use super::refusal::EXIT_INTERRUPTED;
use super::result::{exit_of, how_it_goes_on, print};
use super::screen::Screen;
use super::ui::{Paint, Ui, columns, harmless};
use super::{Session, run_id};
use crate::client::{self, Client, Message};
use crate::clock::SystemClock;
use crate::compose::Mode;

/// Between two looks at the runs.
const LOOK: Duration = Duration::from_secs(1);

/// The command.
pub(crate) async fn run(session: &Session, args: &WatchArgs) -> anyhow::Result<u8> {
    let run = args.run.as_deref().map(run_id).transpose()?;
    let client = client::open(&session.config, Mode::Look).await?;
    let result = match run {
        Some(run) => one(&session.ui, &client, run).await,
        None => all(&session.ui, &client, usize::from(args.limit)).await,
    };
    client.finish(result).await
}

/// Shows the steps of a run from its beginning, over its questions and pauses, until it has ended.
async fn one(ui: &Ui, client: &Client, run: RunId) -> anyhow::Result<u8> {
    let (started_ns, mut stops) = (SystemClock.monotonic_ns(), Stops::listen()?);
    let head = client.report(run).await?.head;
    let draft = client.workflow_of(&head).await?;
    let mut progress = Progress::new(ui, Arc::new(SystemClock), Seq(0), &draft);
    let mut messages = client.follow(run, Seq(0)).await?;
    loop {
        let message = tokio::select! {
            biased;
            () = stops.next() => {
                ui.clear_status();
                return Ok(EXIT_INTERRUPTED);
            }
            message = messages.next() => message.transpose()?,
        };
        match message {
            None => break,
            Some(Message::Lagged { .. }) => {}
            Some(Message::Line { node, level, message, .. }) => {
                progress.line(&node, &level, &message);
            }
            Some(Message::Event(event)) => {
                progress.take(&event);
                // Without a server nobody drives it, so its log is all that comes.
                if client.is_embedded() && event.seq >= head.seq {
                    break;
                }
            }
        }
    }
    ui.clear_status();
    let report = client.report(run).await?;
    print(ui, &report, &draft, since_ms(started_ns))?;
    if !report.head.status.is_final() {
        let label = ui.paint(Paint::Cyan, "help:");
        ui.note(&format!("{label} {}", how_it_goes_on(&report)));
    }
    Ok(exit_of(&report, false))
}

/// Shows the newest runs: a table that is drawn again and again, or a line for each change.
async fn all(ui: &Ui, client: &Client, limit: usize) -> anyhow::Result<u8> {
    let mut stops = Stops::listen()?;
    let screen = if ui.is_json() || client.is_embedded() { None } else { Screen::open() };
    let (mut seen, mut heads) = (HashMap::new(), client.runs(limit).await?);
    loop {
        match &screen {
            Some(screen) => screen.draw(&table(ui, &heads)),
            None => changes(ui, &heads, &mut seen)?,
        }
        if client.is_embedded() {
            ui.note("nothing changes while no server holds the data directory");
            return Ok(0);
        }
        let next = async {
            SystemClock.sleep_until(SystemClock.now().after(LOOK)).await;
            client.runs(limit).await
        };
        heads = tokio::select! {
            biased;
            () = stops.next() => return Ok(EXIT_INTERRUPTED),
            next = next => next?,
        };
    }
}

/// One line for each run that is new, or stands otherwise than before; the oldest first.
fn changes(ui: &Ui, heads: &[RunHead], seen: &mut HashMap<RunId, Seq>) -> anyhow::Result<()> {
    for head in heads.iter().rev() {
        if seen.insert(head.run, head.seq) == Some(head.seq) {
            continue;
        }
        if ui.is_json() {
            ui.out(&serde_json::to_string(head)?);
        } else {
            ui.out(&row(head).join("  "));
        }
    }
    // What is listed no more will not come back.
    seen.retain(|run, _| heads.iter().any(|head| head.run == *run));
    Ok(())
}

fn table(ui: &Ui, heads: &[RunHead]) -> Vec<String> {
    let title = ["run", "status", "workflow", "tasks", "took", "waits for"];
    let mut rows = vec![title.map(str::to_owned).to_vec()];
    rows.extend(heads.iter().map(row));
    let mut lines = columns(&rows);
    for (line, status) in lines.iter_mut().skip(1).zip(heads.iter().map(|head| head.status)) {
        let paint = match status.as_str() {
            "running" => Paint::Green,
            "failed" | "blocked" => Paint::Red,
            "waiting" | "paused" | "queued" => Paint::Yellow,
            _ => Paint::Dim,
        };
        *line = ui.paint_out(paint, line);
    }
    if let Some(title) = lines.first_mut() {
        *title = ui.paint_out(Paint::Bold, title);
    }
    lines
}

fn row(head: &RunHead) -> Vec<String> {
    let until = if head.status.is_final() { head.updated_at } else { SystemClock.now() };
    let took = u64::try_from(until.since(head.started_at).as_millis()).unwrap_or(u64::MAX);
    let waits: Vec<String> = head
        .waiting_for
        .iter()
        .filter(|_| !head.status.is_final())
        .filter_map(|waiting| waiting.node.as_ref().map(ToString::to_string))
        .collect();
    vec![
        head.run.to_string(),
        head.status.as_str().to_owned(),
        harmless(&format!("{}@{}", head.workflow, head.version)),
        format!("{}/{}", head.tasks_finished, head.tasks_finished + head.tasks_open),
        duration(took),
        waits.join(" "),
    ]
}
