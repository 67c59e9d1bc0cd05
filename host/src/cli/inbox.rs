//! `wforge inbox`: the open questions of all runs; put to somebody, and answered.

use serde_json::{Value, json};
use wforge_model::QuestionId;

use super::Session;
use super::admin::{moment_of, print_rows, text_of, with_control, with_control_to, with_query};
use super::args::{Inbox, InboxCommand, InboxList, Watch};
use super::refusal::Refusal;
use super::resume::{GoOn, with_client};
use super::ui::{Paint, Ui, harmless};
use crate::client::{self, Client, Control, in_query};
use crate::compose::Mode;

/// One of the commands.
pub(crate) async fn run(session: &Session, inbox: Inbox) -> anyhow::Result<u8> {
    match inbox.command {
        None => list(session, &inbox.list).await?,
        Some(InboxCommand::List(wanted)) => list(session, &wanted).await?,
        Some(InboxCommand::Assign { ask, assignee, note, .. }) => {
            assign(session, ask_id(&ask)?, assignee.as_deref(), note.as_deref()).await?;
        }
        Some(InboxCommand::Answer { ask, value, watch }) => {
            let ask = ask_id(&ask)?;
            let client = client::open(&session.config, Mode::Drive).await?;
            let result = answer(&session.ui, &client, (ask, &value), &watch).await;
            return client.finish(result).await;
        }
    }
    Ok(0)
}

fn ask_id(text: &str) -> Result<QuestionId, Refusal> {
    text.parse().map_err(|error: wforge_model::id::ParseIdError| {
        Refusal::user("bad_flags", error.to_string()).help("wforge inbox shows the ids")
    })
}

async fn list(session: &Session, wanted: &InboxList) -> anyhow::Result<()> {
    let ui = &session.ui;
    let flag = |is_set: bool| is_set.then_some("true");
    let fields = [
        ("assignee", wanted.assignee.as_deref()),
        ("mine", flag(wanted.mine)),
        ("unassigned", flag(wanted.unassigned)),
        ("overdue", flag(wanted.overdue)),
        ("workflow", wanted.workflow.as_deref()),
        ("run", wanted.run.as_deref()),
        ("thread", wanted.thread.as_deref()),
        ("node", wanted.node.as_deref()),
        ("older_than", wanted.older_than.as_deref()),
        ("order", wanted.by_deadline.then_some("deadline")),
    ];
    let path = with_query("/v1/interrupts".to_owned(), &fields);
    let first = async |c: &Control| c.first(&path, wanted.limit.into()).await;
    let open = with_control(session, first).await?;
    let nothing = match &wanted.assignee {
        Some(name) => format!("nothing waits for {}", harmless(name)),
        None if wanted.mine => "nothing waits for you".to_owned(),
        None => "nothing waits for a person".to_owned(),
    };
    print_rows(ui, &open, row, &nothing)?;
    if ui.is_json() {
        return Ok(());
    }
    let label = ui.paint(Paint::Cyan, "help:");
    let is_question = |it: &Value| it.pointer("/wants/answer").is_some();
    if open.iter().any(is_question) {
        ui.note(&format!("{label} wforge inbox answer ASK VALUE"));
    }
    if open.iter().any(|it| !is_question(it)) {
        ui.note(&format!("{label} wforge runs continue RUN"));
    }
    Ok(())
}

fn row(it: &Value) -> Vec<String> {
    let text = |field: &str| harmless(&text_of(it, field));
    let (id, what) = match it.pointer("/wants/answer/prompt").and_then(Value::as_str) {
        Some(prompt) => (text("id"), harmless(prompt)),
        None => ("-".to_owned(), paused(it)),
    };
    let set = |before: &str, text: String| {
        if text.is_empty() { text } else { format!("{before} {text}") }
    };
    let is = |field: &str| it.get(field).and_then(Value::as_bool).unwrap_or_default();
    let degraded = if is("degraded") { "degraded" } else { "" };
    vec![
        id,
        text("run"),
        text("workflow"),
        text("node"),
        what,
        set("for", text("assignee")),
        set("until", moment_of(it, "deadline")),
        if is("overdue") { "overdue".to_owned() } else { String::new() },
        degraded.to_owned(),
    ]
}

fn paused(it: &Value) -> String {
    let resume = it.pointer("/wants/resume").cloned().unwrap_or_default();
    let when = text_of(&resume, "when");
    let nodes = resume.get("nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let nodes = nodes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    if when.is_empty() { "paused".to_owned() } else { harmless(&format!("paused {when} {nodes}")) }
}

async fn assign(
    session: &Session,
    ask: QuestionId,
    assignee: Option<&str>,
    note: Option<&str>,
) -> anyhow::Result<()> {
    let path = format!("/v1/interrupts/{}/assign", in_query(&ask.to_string()));
    let body = json!({ "assignee": assignee, "note": note });
    // A run whose time has come goes on with it.
    let post = async |c: &Control| c.post(&path, Some(&body)).await;
    let entry = with_control_to(session, Mode::Drive, post).await;
    let entry = entry.map_err(|error| not_open(ask, error))?;
    let ui = &session.ui;
    if ui.is_json() {
        return ui.out_json(&entry);
    }
    ui.note(&match assignee {
        Some(name) => format!("{ask} is for {} now", harmless(name)),
        None => format!("{ask} is for whoever comes"),
    });
    Ok(())
}

async fn answer(
    ui: &Ui,
    client: &Client,
    (ask, value): (QuestionId, &str),
    watch: &Watch,
) -> anyhow::Result<u8> {
    let run = client.run_that_asks(ask).await.map_err(|error| not_open(ask, error))?;
    let flags = [format!("{ask}={value}")];
    with_client(ui, client, run, GoOn::Answer(&flags), watch).await
}

/// Whatever is missing is the question: nothing else was asked for.
fn not_open(ask: QuestionId, error: anyhow::Error) -> anyhow::Error {
    let is_missing =
        error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.code == "not_found");
    if !is_missing {
        return error;
    }
    Refusal::user("not_found", format!("no question \"{ask}\" is open"))
        .help("wforge inbox lists those that are")
        .into()
}
