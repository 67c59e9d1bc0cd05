//! `wforge runs list|show|cancel`. Resume is in [`super::run`].

use std::path::Path;

use serde_json::json;
use wforge_model::RunId;
use wforge_model::head::RunHead;

use super::args::RunsCommand;
use super::progress::duration;
use super::ui::{Paint, Ui, columns, harmless};
use super::{Session, page, questions, run_id};
use crate::client::{self, Client, Report, TaskRow};
use crate::compose::Mode;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: RunsCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let open = |mode| client::open(&session.config, mode);
    match command {
        RunsCommand::Resume(args) => return super::run::resume(session, &args).await,
        RunsCommand::List { limit } => {
            let client = open(Mode::Look).await?;
            let result = list(ui, &client, usize::from(limit)).await;
            client.finish(result).await?;
        }
        RunsCommand::Show { run, html, events } => {
            let run = run_id(&run)?;
            let client = open(Mode::Look).await?;
            let result = show(ui, &client, run, html.as_deref(), events).await;
            client.finish(result).await?;
        }
        RunsCommand::Cancel { run, reason } => {
            let run = run_id(&run)?;
            let client = open(Mode::Drive).await?;
            let result = cancel(ui, &client, run, &reason).await;
            client.finish(result).await?;
        }
    }
    Ok(0)
}

async fn list(ui: &Ui, client: &Client, limit: usize) -> anyhow::Result<()> {
    let heads = client.runs(limit).await?;
    if ui.is_json() {
        return ui.out_json(&heads);
    }
    let row = |head: &RunHead| {
        let degraded = if head.degraded { "degraded" } else { "" };
        vec![
            head.run.to_string(),
            head.status.as_str().to_owned(),
            harmless(&format!("{}@{}", head.workflow, head.version)),
            head.started_at.to_string(),
            duration(millis(head)),
            degraded.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = heads.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("no runs");
    }
    Ok(())
}

fn millis(head: &RunHead) -> u64 {
    head.updated_at.0.saturating_sub(head.started_at.0)
}

async fn show(
    ui: &Ui,
    client: &Client,
    run: RunId,
    html: Option<&Path>,
    events: bool,
) -> anyhow::Result<()> {
    if events {
        for event in client.log(run).await? {
            ui.out(&serde_json::to_string(&event)?);
        }
        return Ok(());
    }
    let report = client.report(run).await?;
    if let Some(path) = html {
        let log = client.log(run).await?;
        let draft = client.workflow_of(&report.head).await?;
        fs_err::write(path, page::page(&report, &log, &draft))?;
        ui.note(&format!("wrote {}", path.display()));
        return Ok(());
    }
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
    if let Some(error) = &head.error {
        let text = format!("{} ({})", harmless(&error.message), harmless(&error.code));
        facts.push(vec!["error".to_owned(), text]);
    }
    columns(&facts).iter().for_each(|line| ui.out(line));
    ui.out("");
    let rows = aggregated(&report.tasks);
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

/// One row a step, node and source.
fn aggregated(tasks: &[TaskRow]) -> Vec<Vec<String>> {
    let mut groups: Vec<(&TaskRow, usize, u64)> = Vec::new();
    for task in tasks {
        let same = |(first, _, _): &&mut (&TaskRow, usize, u64)| {
            (first.step, &first.node, first.source) == (task.step, &task.node, task.source)
        };
        match groups.iter_mut().find(same) {
            Some((_, count, ms)) => {
                *count += 1;
                *ms += task.ms;
            }
            None => groups.push((task, 1, task.ms)),
        }
    }
    let row = |(first, count, ms): (&TaskRow, usize, u64)| {
        let source = first.source.map_or(
            if first.failure.is_some() { "failed" } else { "open" },
            wforge_model::mock::TaskSource::as_str,
        );
        let tasks = if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") };
        let why = first.failure.as_ref().map(|failure| harmless(&failure.to_string()));
        vec![
            first.step.to_string(),
            first.node.to_string(),
            first.agent.as_deref().map_or_else(|| "-".to_owned(), harmless),
            source.to_owned(),
            tasks,
            duration(ms),
            why.unwrap_or_default(),
        ]
    };
    groups.into_iter().map(row).collect()
}

async fn cancel(ui: &Ui, client: &Client, run: RunId, reason: &str) -> anyhow::Result<()> {
    let head = client.cancel(run, reason).await?;
    if ui.is_json() {
        return ui.out_json(&json!({ "run_id": head.run, "status": head.status }));
    }
    ui.out(&format!("{} {}", head.run, head.status.as_str()));
    Ok(())
}
