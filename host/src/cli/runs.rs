//! `wforge runs …`. What goes on with a run is in [`super::resume`].

use std::collections::HashMap;

use futures::StreamExt as _;
use serde_json::json;
use wforge_model::head::RunHead;
use wforge_model::{Recording, RunId, Usage};
use wforge_view::duration;

use super::args::{Many, RunsCommand, StreamArgs, Watch};
use super::bulk::{self, Deed};
use super::follow::{Stops, interrupted};
use super::refusal::Refusal;
use super::result::{how_it_goes_on, place_in_file, used};
use super::resume::{self, GoOn, go_on};
use super::ui::{Paint, Ui, columns, harmless};
use super::{Session, questions, run_id, run_views};
use crate::client::{self, Client, Report, TaskRow, Wanted};
use crate::compose::Mode;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: RunsCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let open = |mode| client::open(&session.config, mode);
    match command {
        RunsCommand::Resume(args) => return resume::resume(session, &args).await,
        RunsCommand::Watch(args) => return super::watching::run(session, &args).await,
        RunsCommand::Continue { run, steps, watch } => {
            return go_on(session, &run, GoOn::Continue(steps), &watch).await;
        }
        RunsCommand::Step { run, watch } => {
            return go_on(session, &run, GoOn::Continue(Some(1)), &watch).await;
        }
        RunsCommand::Retry { run, many, watch } => {
            return retry(session, run.as_deref(), &many, &watch).await;
        }
        RunsCommand::Receipt { run } => return run_views::receipt(session, run_id(&run)?).await,
        RunsCommand::Report { run, to } => {
            return run_views::report(session, run_id(&run)?, to.as_deref()).await;
        }
        RunsCommand::Export { run, to } => {
            return super::replay::export(session, &run, to.as_deref()).await;
        }
        RunsCommand::Stream(args) => {
            let client = open(Mode::Look).await?;
            let result = stream(ui, &client, &args).await;
            client.finish(result).await?;
        }
        RunsCommand::Pause { run } => {
            let run = run_id(&run)?;
            let client = open(Mode::Drive).await?;
            let result = pause(ui, &client, run).await;
            client.finish(result).await?;
        }
        RunsCommand::List { limit, which } => {
            return run_views::list(session, usize::from(limit), &which).await;
        }
        RunsCommand::Show { run, html: Some(path), .. } => {
            return run_views::report(session, run_id(&run)?, Some(&path)).await;
        }
        RunsCommand::Show { run, events, .. } => {
            let run = run_id(&run)?;
            let client = open(Mode::Look).await?;
            let result = show(ui, &client, run, events).await;
            client.finish(result).await?;
        }
        RunsCommand::Cancel { run, many, reason } => {
            let Some(run) = bulk::meant(run.as_deref(), &many)? else {
                return bulk::run(session, Deed::Cancel { reason }, &many).await;
            };
            cancel_one(session, run_id(run)?, &reason).await?;
        }
    }
    Ok(0)
}

async fn retry(
    session: &Session,
    run: Option<&str>,
    many: &Many,
    watch: &Watch,
) -> anyhow::Result<u8> {
    match bulk::meant(run, many)? {
        Some(run) => go_on(session, run, GoOn::Retry, watch).await,
        None if watch.fail_on_degraded => {
            let message = "--fail-on-degraded is for one run, which is waited for";
            let help = "name the run, or leave the flag out";
            Err(Refusal::user("bad_flags", message).help(help).into())
        }
        None => bulk::run(session, Deed::Retry, many).await,
    }
}

async fn cancel_one(session: &Session, run: RunId, reason: &str) -> anyhow::Result<()> {
    let client = client::open(&session.config, Mode::Drive).await?;
    let result = cancel(&session.ui, &client, run, reason).await;
    client.finish(result).await
}

pub(super) fn millis(head: &RunHead) -> u64 {
    head.updated_at.0.saturating_sub(head.started_at.0)
}

async fn show(ui: &Ui, client: &Client, run: RunId, events: bool) -> anyhow::Result<()> {
    if events {
        for event in client.log(run).await? {
            ui.out(&serde_json::to_string(&event)?);
        }
        return Ok(());
    }
    let report = client.report(run).await?;
    if ui.is_json() {
        return ui.out_json(&report);
    }
    print(ui, &report);
    Ok(())
}

fn print(ui: &Ui, report: &Report) {
    let head = &report.head;
    let outcome = head.outcome.as_deref().map(|it| format!(": {}", harmless(it)));
    let status = format!("{}{}", head.status.as_str(), outcome.unwrap_or_default());
    let mut facts = vec![
        vec!["run".to_owned(), head.run.to_string()],
        vec!["workflow".to_owned(), harmless(&format!("{}@{}", head.workflow, head.version))],
        vec!["status".to_owned(), status],
        vec!["degraded".to_owned(), head.degraded.to_string()],
        vec!["started".to_owned(), format!("{} by {}", head.started_at, harmless(&head.by))],
        vec!["took".to_owned(), duration(millis(head))],
        vec!["step".to_owned(), head.step.to_string()],
    ];
    let models = head.usage.models.iter();
    facts.extend(models.filter_map(|(model, usage)| {
        Some(vec!["model".to_owned(), format!("{}: {}", harmless(model), used(usage)?)])
    }));
    if !head.labels.is_empty() {
        facts.push(vec!["labels".to_owned(), harmless(&head.labels.to_string())]);
    }
    if let Some(thread) = head.thread {
        facts.push(vec!["thread".to_owned(), thread.to_string()]);
    }
    if let Some(base) = head.base {
        facts.push(vec!["begun at".to_owned(), base.to_string()]);
    }
    if let Some(error) = &head.error {
        let text = format!("{} ({})", harmless(&error.message), harmless(&error.code));
        facts.push(vec!["error".to_owned(), text]);
    }
    if let Some(place) = place_in_file(head) {
        facts.push(vec!["at".to_owned(), harmless(&place)]);
    }
    columns(&facts).iter().for_each(|line| ui.out(line));
    ui.out("");
    let rows = aggregated(report);
    columns(&rows).iter().for_each(|line| ui.out(line));
    if !report.questions.is_empty() {
        ui.out("");
        questions::tell(ui, report);
    }
    if let Some(output) = &report.output {
        let keys: Vec<&str> = output.keys().map(String::as_str).collect();
        let hint = format!("output: {} (--output json shows it)", harmless(&keys.join(", ")));
        ui.note(&ui.paint(Paint::Dim, &hint));
    }
}

/// The tasks of a step and node that got their result in the same way.
struct Group<'a> {
    /// The steps, and the path of the node.
    place: (String, String),
    first: &'a TaskRow,
    count: usize,
    ms: u64,
    usage: Usage,
}

/// One row a step, node and source.
fn aggregated(report: &Report) -> Vec<Vec<String>> {
    let paths = report.paths();
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut place_of = HashMap::new();
    for task in &report.tasks {
        let place = (paths.steps(task.task), paths.of(task.task));
        let key = (place.clone(), task.source);
        let number = *place_of.entry(key).or_insert_with(|| {
            groups.push(Group { place, first: task, count: 0, ms: 0, usage: Usage::default() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(number) {
            group.count += 1;
            group.ms += task.ms;
            group.usage.add(&task.usage);
        }
    }
    let row = |Group { place: (steps, path), first, count, ms, usage }: Group<'_>| {
        let source = first.source.map_or(
            if first.failure.is_some() { "failed" } else { "open" },
            wforge_model::mock::TaskSource::as_str,
        );
        let tasks = if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") };
        let is_partial = first.effects == Recording::Partial;
        let partial = if is_partial { "effects: partial" } else { "" };
        let why = first.failure.as_ref().map(|failure| harmless(&failure.to_string()));
        vec![
            steps,
            path,
            first.agent.as_deref().map_or_else(|| "-".to_owned(), harmless),
            source.to_owned(),
            tasks,
            duration(ms),
            used(&usage.total).unwrap_or_default(),
            partial.to_owned(),
            why.unwrap_or_default(),
        ]
    };
    groups.into_iter().map(row).collect()
}

/// Waits until the run stands at its border, so that what it says holds.
async fn pause(ui: &Ui, client: &Client, run: RunId) -> anyhow::Result<()> {
    let head = client.pause(run).await?;
    told(ui, &head)?;
    if !head.status.is_final() {
        let label = ui.paint(Paint::Cyan, "help:");
        ui.note(&format!("{label} wforge runs continue {run} lets it go on"));
    }
    Ok(())
}

async fn stream(ui: &Ui, client: &Client, args: &StreamArgs) -> anyhow::Result<()> {
    let run = run_id(&args.run)?;
    let modes = args.mode.iter().map(|mode| (*mode).into()).collect();
    let wanted = Wanted { modes, subgraphs: args.subgraphs, after: args.after.clone() };
    let mut stops = Stops::listen()?;
    let mut chunks = client.stream(run, wanted).await?;
    loop {
        let chunk = tokio::select! {
            biased;
            () = stops.next() => return Err(interrupted(run).into()),
            chunk = chunks.next() => chunk,
        };
        match chunk.transpose()? {
            Some(chunk) => ui.out(&serde_json::to_string(&chunk)?),
            None => return not_driven(ui, client, run).await,
        }
    }
}

/// A stream that ends before its run does says so: without a server nobody drives the run.
async fn not_driven(ui: &Ui, client: &Client, run: RunId) -> anyhow::Result<()> {
    let report = client.report(run).await?;
    if !client.is_embedded() || report.head.status.is_final() {
        return Ok(());
    }
    let status = report.head.status.as_str();
    ui.note(&format!(
        "the stream ends with the log: {run} is {status}, and nobody drives it while no server holds \
         the data directory"
    ));
    let label = ui.paint(Paint::Cyan, "help:");
    let how = how_it_goes_on(&report);
    ui.note(&format!("{label} {how}; or wforge serve drives all runs of the data directory"));
    Ok(())
}

async fn cancel(ui: &Ui, client: &Client, run: RunId, reason: &str) -> anyhow::Result<()> {
    told(ui, &client.cancel(run, reason).await?)
}

fn told(ui: &Ui, head: &RunHead) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(&json!({ "run_id": head.run, "status": head.status }));
    }
    ui.out(&format!("{} {}", head.run, head.status.as_str()));
    Ok(())
}
