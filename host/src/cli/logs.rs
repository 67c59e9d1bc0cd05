//! `wforge logs`: what happened in runs, and what their plugins wrote, line by line.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{BoxStream, SelectAll};
use serde::Serialize;
use wforge_model::head::RunHead;
use wforge_model::{RunId, Seq, TaskId, Timestamp};
use wforge_ports::Clock as _;

use super::admin::duration_ms;
use super::args::{LogLevel, LogsArgs};
use super::follow::Stops;
use super::refusal::EXIT_INTERRUPTED;
use super::tell::{Told, tell};
use super::ui::{Paint, Ui, harmless};
use super::{Session, run_id, thread_id};
use crate::client::{self, Client, Message};
use crate::clock::SystemClock;
use crate::compose::Mode;
use wforge_view::Trail;

/// Runs that are looked at for a plugin.
const RUNS_MAX: usize = 50;
/// Of these, runs that are followed at the same time.
const FOLLOWED_MAX: usize = 32;
/// How often it is looked for new ones.
const LOOK: Duration = Duration::from_secs(1);

type Messages = BoxStream<'static, anyhow::Result<(RunId, Message)>>;

/// The command.
pub(crate) async fn run(session: &Session, args: &LogsArgs) -> anyhow::Result<u8> {
    let since = args.since.as_deref().map(|text| duration_ms("--since", text)).transpose()?;
    let since = since.map(|ms| Timestamp(SystemClock.now().0.saturating_sub(ms)));
    let (level, plugin) = (args.level, args.plugin.clone());
    let names_runs = args.run.is_none();
    let ui = session.ui.clone();
    let mut printer = Printer { ui, level, since, plugin, names_runs, trails: HashMap::new() };
    let client = client::open(&session.config, Mode::Look).await?;
    let result = logs(&client, args, &mut printer).await;
    client.finish(result).await
}

async fn logs(client: &Client, args: &LogsArgs, printer: &mut Printer) -> anyhow::Result<u8> {
    let mut stops = Stops::listen()?;
    let done = tokio::select! {
        biased;
        () = stops.next() => return Ok(EXIT_INTERRUPTED),
        done = told(client, args, printer) => done,
    };
    done?;
    if args.follow && client.is_embedded() {
        printer.ui.note("nothing more comes while no server holds the data directory");
        let label = printer.ui.paint(Paint::Cyan, "help:");
        printer.ui.note(&format!("{label} wforge serve drives its runs; ask again then"));
    }
    Ok(0)
}

async fn told(client: &Client, args: &LogsArgs, printer: &mut Printer) -> anyhow::Result<()> {
    // Nobody drives a run here, so its log is all that comes.
    let goes_on = args.follow && !client.is_embedded();
    if let Some(thread) = &args.thread {
        let thread = thread_id(thread)?;
        let Some(newest) = client.thread(thread).await?.row.head else { return Ok(()) };
        let until = client.report(newest).await?.head;
        let messages = client.follow_thread(thread, None).await?;
        return print(messages, printer, (!goes_on).then_some(&until)).await;
    }
    if let Some(run) = &args.run {
        let head = client.report(run_id(run)?).await?.head;
        let messages = of_run(client, head.run).await?;
        return print(messages, printer, (!goes_on).then_some(&head)).await;
    }
    let mut newest = client.runs(RUNS_MAX).await?;
    newest.reverse();
    for head in newest.iter().filter(|head| !goes_on || head.status.is_final()) {
        print(of_run(client, head.run).await?, printer, Some(head)).await?;
    }
    if goes_on {
        let known = newest.last().map(|head| head.run);
        newest.retain(|head| !head.status.is_final());
        return follow_all(client, (newest, known), printer).await;
    }
    Ok(())
}

async fn of_run(client: &Client, run: RunId) -> anyhow::Result<Messages> {
    let messages = client.follow(run, Seq(0)).await?;
    Ok(messages.map(move |message| message.map(|message| (run, message))).boxed())
}

/// Prints what comes: to the end of a run's log as it was, or to the stream's.
async fn print(
    mut messages: Messages,
    printer: &mut Printer,
    until: Option<&RunHead>,
) -> anyhow::Result<()> {
    while let Some((run, message)) = messages.next().await.transpose()? {
        let seq = match &message {
            Message::Event(event) => event.seq,
            Message::Line { .. } | Message::Lagged { .. } => Seq(0),
        };
        printer.take(run, &message)?;
        if until.is_some_and(|until| until.run == run && seq >= until.seq) {
            break;
        }
    }
    Ok(())
}

/// Prints what comes of these runs, and of those that begin meanwhile.
async fn follow_all(
    client: &Client,
    (live, mut known): (Vec<RunHead>, Option<RunId>),
    printer: &mut Printer,
) -> anyhow::Result<()> {
    let mut all: SelectAll<Messages> = SelectAll::new();
    for head in live.iter().rev() {
        follow_one(client, head.run, &mut all, &printer.ui).await?;
    }
    // Messages do not put it off.
    let mut look_at = SystemClock.now().after(LOOK);
    loop {
        let look = SystemClock.sleep_until(look_at);
        tokio::select! {
            Some(message) = all.next() => {
                let (run, message) = message?;
                printer.take(run, &message)?;
            }
            () = look => {
                let heads = client.runs(RUNS_MAX).await?;
                let before = known;
                for head in heads.iter().rev().filter(|head| Some(head.run) > before) {
                    known = Some(head.run);
                    follow_one(client, head.run, &mut all, &printer.ui).await?;
                }
                look_at = SystemClock.now().after(LOOK);
            }
        }
    }
}

/// Follows one run more, where that are not too many.
async fn follow_one(
    client: &Client,
    run: RunId,
    all: &mut SelectAll<Messages>,
    ui: &Ui,
) -> anyhow::Result<()> {
    if all.len() < FOLLOWED_MAX {
        all.push(of_run(client, run).await?);
    } else {
        ui.note(&format!("{run} is not followed: {FOLLOWED_MAX} are at the same time"));
    }
    Ok(())
}

/// Prints what fits.
struct Printer {
    ui: Ui,
    level: LogLevel,
    since: Option<Timestamp>,
    plugin: Option<String>,
    /// Whether lines say their run.
    names_runs: bool,
    trails: HashMap<RunId, Trail>,
}

/// A line, as `--output json` has it.
#[derive(Debug, Serialize)]
struct Line {
    at: Timestamp,
    level: &'static str,
    run: RunId,
    /// The path of the node, where it is about one.
    node: Option<String>,
    /// `host`, or `plugin` for what a plugin wrote.
    source: &'static str,
    message: String,
}

impl Printer {
    fn take(&mut self, run: RunId, message: &Message) -> anyhow::Result<()> {
        self.make_room(run);
        match message {
            Message::Event(stored) => {
                let event = &stored.event;
                let trail = self.trails.entry(run).or_default();
                trail.take(&event.kind);
                let Told { level, task, text } = tell(trail, &event.kind);
                let node = task.map(|task| trail.name(task));
                let concerns = self.concerns(run, task);
                let line = Line {
                    at: event.at,
                    level: level.as_str(),
                    run,
                    node,
                    source: "host",
                    message: text,
                };
                if concerns && level >= self.level {
                    self.print(&line)?;
                }
            }
            Message::Line { node, task, level, message } => {
                let level = LogLevel::of_text(level);
                let trail = self.trails.entry(run).or_default();
                let name = trail.place(*task).map_or(node, |place| &place.path).clone();
                let line = Line {
                    at: SystemClock.now(),
                    level: level.as_str(),
                    run,
                    node: Some(name),
                    source: "plugin",
                    message: message.clone(),
                };
                if self.concerns(run, Some(*task)) && level >= self.level {
                    self.print(&line)?;
                }
            }
            Message::Lagged { skipped } => {
                let text = format!("{run}: {skipped} lines came faster than they were read");
                self.ui.note(&self.ui.paint(Paint::Yellow, &text));
            }
        }
        Ok(())
    }

    /// Forgets the runs that have ended before it begins with one too many.
    fn make_room(&mut self, next: RunId) {
        if self.trails.len() >= RUNS_MAX && !self.trails.contains_key(&next) {
            self.trails.retain(|_, trail| !trail.has_ended());
        }
    }

    /// Whether something is about the plugin that is wanted.
    fn concerns(&self, run: RunId, task: Option<TaskId>) -> bool {
        let Some(plugin) = &self.plugin else { return true };
        let agent = task.and_then(|task| self.trails.get(&run)?.agent(task));
        agent.is_some_and(|agent| {
            let rest = agent.strip_prefix(plugin.as_str());
            rest.is_some_and(|rest| rest.starts_with(['.', '@']))
        })
    }

    fn print(&self, line: &Line) -> anyhow::Result<()> {
        if self.since.is_some_and(|since| line.at < since) {
            return Ok(());
        }
        if self.ui.is_json() {
            self.ui.out(&serde_json::to_string(line)?);
            return Ok(());
        }
        let run = if self.names_runs { format!("{}  ", line.run) } else { String::new() };
        let node = line.node.as_deref().map(|node| format!("{}: ", harmless(node)));
        let (node, message) = (node.unwrap_or_default(), harmless(&line.message));
        let level = format!("{:5}", line.level);
        let level = match line.level {
            "error" => self.ui.paint_out(Paint::Red, &level),
            "warn" => self.ui.paint_out(Paint::Yellow, &level),
            _ => level,
        };
        self.ui.out(&format!("{}  {level}  {run}{node}{message}", line.at));
        Ok(())
    }
}
