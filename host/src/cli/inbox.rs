//! `wforge inbox`: the open questions of all runs, and answers to them.

use wforge_model::event::InterruptedAt;
use wforge_model::{NodeId, QuestionId};
use wforge_view::when_text;

use super::Session;
use super::args::{Inbox, InboxCommand, Watch};
use super::refusal::Refusal;
use super::resume::{GoOn, with_client};
use super::ui::{Paint, Ui, columns, harmless};
use crate::client::{self, Client, Interrupt, Wants};
use crate::compose::Mode;

/// One of the commands.
pub(crate) async fn run(session: &Session, inbox: Inbox) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match inbox.command {
        None => {
            let client = client::open(&session.config, Mode::Look).await?;
            let result =
                list(ui, &client, usize::from(inbox.limit), inbox.assignee.as_deref()).await;
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

async fn list(
    ui: &Ui,
    client: &Client,
    limit: usize,
    assignee: Option<&str>,
) -> anyhow::Result<()> {
    let interrupts = client.interrupts(limit, assignee).await?;
    if ui.is_json() {
        return ui.out_json(&interrupts);
    }
    let row = |it: &Interrupt| {
        let deadline = it.deadline.map(|at| format!("until {at}")).unwrap_or_default();
        let node = it.node.as_ref().map(ToString::to_string).unwrap_or_default();
        let (id, text) = match &it.wants {
            Wants::Answer { question, prompt, .. } => (question.to_string(), harmless(prompt)),
            Wants::Resume { when, nodes } => ("-".to_owned(), paused(*when, nodes)),
        };
        let assignee = it.assignee.as_ref().map(|name| format!("for {}", harmless(name)));
        let assignee = assignee.unwrap_or_default();
        let degraded = if it.degraded { "degraded".to_owned() } else { String::new() };
        let (run, workflow) = (it.run.to_string(), harmless(&it.workflow));
        vec![id, run, workflow, node, text, assignee, deadline, degraded]
    };
    let rows: Vec<Vec<String>> = interrupts.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note(&match assignee {
            Some(name) => format!("nothing waits for {}", harmless(name)),
            None => "nothing waits for a person".to_owned(),
        });
        return Ok(());
    }
    let label = ui.paint(Paint::Cyan, "help:");
    if interrupts.iter().any(|it| it.question().is_some()) {
        ui.note(&format!("{label} wforge inbox answer ASK VALUE"));
    }
    if interrupts.iter().any(|it| it.question().is_none()) {
        ui.note(&format!("{label} wforge runs continue RUN"));
    }
    Ok(())
}

fn paused(when: Option<InterruptedAt>, nodes: &[NodeId]) -> String {
    let nodes: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
    match when {
        Some(when) => format!("paused {} {}", when_text(when), nodes.join(", ")),
        None => "paused".to_owned(),
    }
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
