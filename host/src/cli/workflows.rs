//! `wforge validate` and `wforge workflow …`.

use std::path::PathBuf;

use serde_json::json;
use wforge_engine::WorkflowInfo;
use wforge_ports::workflows::{Report, WorkflowReader as _};

use super::admin::with_control;
use super::args::{ThreadsCommand, WorkflowCommand};
use super::refusal::EXIT_REFUSED;
use super::run::read_file;
use super::ui::{Paint, columns, harmless};
use super::{Session, inputs, line, reader};
use crate::client::{self, Control, in_query};
use crate::compose::Mode;

/// `wforge validate`: every problem of every file.
pub(crate) fn validate(session: &Session, files: &[PathBuf]) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let reader = reader();
    let mut reports: Vec<Report> = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let text = inputs::workflow_text(path)?;
        let found = match reader.read(&name, &text) {
            Ok(read) => read.warnings,
            Err(reports) => reports,
        };
        let errors = found.iter().any(|report| report.severity == "error");
        if !errors {
            ui.note(&format!("{}  {name}", ui.paint(Paint::Green, "valid")));
        }
        reports.extend(found);
    }
    let wrong = reports.iter().any(|report| report.severity == "error");
    if ui.is_json() {
        ui.out_json(&json!({ "valid": !wrong, "reports": reports }))?;
    } else {
        reports.iter().for_each(|report| ui.out(&harmless(&line(report))));
    }
    Ok(if wrong { EXIT_REFUSED } else { 0 })
}

/// `wforge workflow …`.
pub(crate) async fn run(session: &Session, command: WorkflowCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        WorkflowCommand::Register { file } => {
            let file = read_file(session, &file)?;
            let client = client::open(&session.config, Mode::Look).await?;
            let info = client.register(file).await;
            let info = client.finish(info).await?;
            if ui.is_json() {
                ui.out_json(&info)?;
            } else {
                ui.out(&format!("{}@{}  {}", info.name, info.version, info.digest));
            }
        }
        WorkflowCommand::Versions { name } => return versions(session, &name).await,
        WorkflowCommand::Migrate(args) => {
            return super::threads::run(session, ThreadsCommand::Migrate(args)).await;
        }
        WorkflowCommand::List => {
            let client = client::open(&session.config, Mode::Look).await?;
            let infos = client.workflows().await;
            let infos = client.finish(infos).await?;
            if ui.is_json() {
                ui.out_json(&infos)?;
                return Ok(0);
            }
            let rows: Vec<Vec<String>> = infos.iter().map(row).collect();
            columns(&rows).iter().for_each(|line| ui.out(line));
            if rows.is_empty() {
                ui.note("no workflow is registered; wforge workflow register FILE");
            }
        }
    }
    Ok(0)
}

fn row(info: &WorkflowInfo) -> Vec<String> {
    let name = format!("{}@{}", info.name, info.version);
    vec![name, info.registered_at.to_string(), info.digest.to_string()]
}

/// `wforge workflow versions`.
async fn versions(session: &Session, name: &str) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let path = format!("/v1/workflows/{}/versions", in_query(name));
    let found = with_control(session, async |control: &Control| control.list(&path).await);
    let infos: Vec<WorkflowInfo> = serde_json::from_value(found.await?.into())?;
    if ui.is_json() {
        ui.out_json(&infos)?;
    } else {
        let rows: Vec<Vec<String>> = infos.iter().map(row).collect();
        columns(&rows).iter().for_each(|line| ui.out(line));
    }
    Ok(0)
}
