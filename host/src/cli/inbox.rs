//! `wforge inbox`: the open questions of all runs, and answers to them.

use wforge_model::QuestionId;

use super::Session;
use super::args::{Inbox, InboxCommand, Watch};
use super::refusal::Refusal;
use super::resume::{GoOn, with_client};
use super::ui::{Paint, Ui, columns, harmless};
use crate::client::{self, Client, Interrupt};
use crate::compose::Mode;

/// One of the commands.
pub(crate) async fn run(session: &Session, inbox: Inbox) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match inbox.command {
        None => {
            let client = client::open(&session.config, Mode::Look).await?;
            let result = list(ui, &client, usize::from(inbox.limit)).await;
            client.finish(result).await?;
            Ok(0)
        }
        Some(InboxCommand::Answer { ask, value, watch }) => {
            let ask = ask_id(&ask)?;
            let client = client::open(&session.config, Mode::Drive).await?;
            let result = answer(ui, &client, (ask, &value), &watch).await;
            client.finish(result).await
        }
    }
}

fn ask_id(text: &str) -> Result<QuestionId, Refusal> {
    text.parse().map_err(|error: wforge_model::id::ParseIdError| {
        Refusal::user("bad_flags", error.to_string()).help("wforge inbox shows the ids")
    })
}

async fn list(ui: &Ui, client: &Client, limit: usize) -> anyhow::Result<()> {
    let interrupts = client.interrupts(limit).await?;
    if ui.is_json() {
        return ui.out_json(&interrupts);
    }
    let row = |it: &Interrupt| {
        let deadline = it.deadline.map(|at| format!("until {at}")).unwrap_or_default();
        vec![
            it.ask.to_string(),
            it.run.to_string(),
            harmless(&it.path),
            harmless(&it.prompt),
            deadline,
        ]
    };
    let rows: Vec<Vec<String>> = interrupts.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("no question is open");
    } else {
        let label = ui.paint(Paint::Cyan, "help:");
        ui.note(&format!("{label} wforge inbox answer ASK VALUE"));
    }
    Ok(())
}

async fn answer(
    ui: &Ui,
    client: &Client,
    (ask, value): (QuestionId, &str),
    watch: &Watch,
) -> anyhow::Result<u8> {
    let run = client.run_that_asks(ask).await?.ok_or_else(|| {
        Refusal::user("not_found", format!("no question \"{ask}\" is open"))
            .help("wforge inbox lists those that are")
    })?;
    let flags = [format!("{ask}={value}")];
    with_client(ui, client, run, GoOn::Answer(&flags), watch).await
}
