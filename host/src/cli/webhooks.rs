//! `wforge webhooks …`. A secret is printed alone on stdout, so that it can go into a file, and
//! once.

use serde_json::{Value, json};
use wforge_model::Labels;

use super::Session;
use super::admin::{labels_of, moment_of, print_rows, text_of, with_control};
use super::args::{WebhookAdd, WebhooksCommand};
use super::refusal::Refusal;
use super::ui::{Paint, Ui, harmless};
use crate::client::in_query;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: WebhooksCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        WebhooksCommand::List => {
            let all = with_control(session, async |c| c.list("/v1/webhooks").await).await?;
            let nothing = "there are no webhooks; wforge webhooks add NAME URL --event EVENT";
            print_rows(ui, &all, row, nothing)?;
        }
        WebhooksCommand::Add(add) => {
            let body = body(&add)?;
            let path = "/v1/webhooks";
            let made = with_control(session, async |c| c.post(path, Some(&body)).await).await?;
            secret(ui, &made)?;
        }
        WebhooksCommand::Show { name } => {
            let found = with_control(session, async |c| c.get(&path(&name)).await).await?;
            print(ui, &found)?;
        }
        WebhooksCommand::Remove { name } => {
            let gone = with_control(session, async |c| c.delete(&path(&name)).await).await?;
            ui.note(&format!("removed {} with all that it was told", text_of(&gone, "name")));
            if ui.is_json() {
                ui.out_json(&gone)?;
            }
        }
        WebhooksCommand::Off { name } => switch(session, &name, false).await?,
        WebhooksCommand::On { name } => switch(session, &name, true).await?,
        WebhooksCommand::Test { name } => {
            let path = format!("{}/test", path(&name));
            sent(ui, &with_control(session, async |c| c.post(&path, None).await).await?)?;
        }
        WebhooksCommand::Deliveries { name, status } => {
            let status = status.map(|status| format!("?status={status}")).unwrap_or_default();
            let path = format!("{}/deliveries{status}", path(&name));
            let all = with_control(session, async |c| c.list(&path).await).await?;
            print_rows(ui, &all, delivery_row, "the webhook was told nothing")?;
        }
        WebhooksCommand::Redeliver { name, delivery } => {
            let path = format!("{}/deliveries/{}/redeliver", path(&name), in_query(&delivery));
            sent(ui, &with_control(session, async |c| c.post(&path, None).await).await?)?;
        }
        WebhooksCommand::Rotate { name } => {
            let path = format!("{}/rotate", path(&name));
            secret(ui, &with_control(session, async |c| c.post(&path, None).await).await?)?;
        }
    }
    Ok(0)
}

fn path(name: &str) -> String {
    format!("/v1/webhooks/{}", in_query(name))
}

fn body(add: &WebhookAdd) -> Result<Value, Refusal> {
    Ok(json!({
        "name": add.name,
        "url": add.url,
        "events": add.events,
        "workflow": add.workflow,
        "labels": labels_of(&add.labels)?,
        "include_output": add.include_output,
    }))
}

/// Everything of it stays, but whether anything is sent to it.
async fn switch(session: &Session, name: &str, active: bool) -> anyhow::Result<()> {
    let path = path(name);
    let ask = async |control: &crate::client::Control| {
        let before = control.get(&path).await?;
        let field = |name: &str| before.get(name).cloned().unwrap_or_default();
        let settings = json!({
            "url": field("url"),
            "events": field("events"),
            "workflow": field("workflow"),
            "labels": field("labels"),
            "include_output": field("include_output"),
            "active": active,
        });
        control.put(&path, &settings).await
    };
    let changed = with_control(session, ask).await?;
    print(&session.ui, &changed)
}

fn secret(ui: &Ui, made: &Value) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(made);
    }
    let name = text_of(made, "name");
    ui.note(&format!("{name}: this secret signs what it is told; it is shown only now"));
    ui.out(&text_of(made, "secret"));
    Ok(())
}

fn sent(ui: &Ui, delivery: &Value) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(delivery);
    }
    let (id, name) = (text_of(delivery, "id"), text_of(delivery, "webhook"));
    ui.out(&id);
    ui.note(&format!("the server sends it; wforge webhooks deliveries {name} shows how it went"));
    Ok(())
}

fn print(ui: &Ui, webhook: &Value) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(webhook);
    }
    ui.out(&format!("{}  {}", text_of(webhook, "name"), state(ui, webhook)));
    ui.out(&format!("url      {}", text_of(webhook, "url")));
    ui.out(&format!("events   {}", text_of(webhook, "events")));
    let workflow = text_of(webhook, "workflow");
    ui.out(&format!("of       {}", if workflow.is_empty() { "all workflows" } else { &workflow }));
    let labels = labels(webhook);
    ui.out(&format!("labels   {}", if labels.is_empty() { "any" } else { &labels }));
    let output = text_of(webhook, "include_output") == "true";
    ui.out(&format!("output   {}", if output { "sent with run.completed" } else { "not sent" }));
    Ok(())
}

fn state(ui: &Ui, webhook: &Value) -> String {
    match text_of(webhook, "off.reason").as_str() {
        "" => ui.paint(Paint::Green, "active"),
        reason => {
            let since = moment_of(webhook, "off.at");
            format!("{} since {since}: {reason}", ui.paint(Paint::Red, "off"))
        }
    }
}

fn row(webhook: &Value) -> Vec<String> {
    let state = match text_of(webhook, "off.reason").as_str() {
        "" => "active".to_owned(),
        reason => format!("off ({reason})"),
    };
    let of = |field: &str| text_of(webhook, field);
    vec![of("name"), state, of("url"), of("events"), of("workflow"), labels(webhook)]
}

/// The labels that a run must have, as flags write them.
fn labels(webhook: &Value) -> String {
    let labels = webhook.get("labels").cloned().unwrap_or_default();
    let labels: Labels = serde_json::from_value(labels).unwrap_or_default();
    harmless(&labels.to_string())
}

fn delivery_row(delivery: &Value) -> Vec<String> {
    let attempts = delivery.get("attempts").and_then(Value::as_array);
    let last = attempts.and_then(|all| all.last()).map(|last| match text_of(last, "status") {
        status if status.is_empty() => text_of(last, "error"),
        status => status,
    });
    let of = |field: &str| text_of(delivery, field);
    let attempts = format!("{} attempts", of("attempts_made"));
    let moment = moment_of(delivery, "at");
    vec![of("id"), moment, of("event"), of("run"), of("status"), attempts, last.unwrap_or_default()]
}
