//! `wforge hooks …`: signed URLs with which others start runs and answer questions.

use serde_json::{Map, Value, json};

use super::Session;
use super::admin::{duration_ms, print_rows, text_of, with_control};
use super::args::{HookAdd, HooksCommand};
use super::refusal::Refusal;
use super::ui::{Ui, harmless};
use crate::client::in_query;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: HooksCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        HooksCommand::List => {
            let all = with_control(session, async |c| c.list("/v1/hooks").await).await?;
            print_rows(ui, &all, row, "there are no inbound hooks; wforge hooks add NAME")?;
        }
        HooksCommand::Add(add) => {
            let body = body(&add)?;
            let path = "/v1/hooks";
            let made = with_control(session, async |c| c.post(path, Some(&body)).await).await?;
            secret(ui, &made)?;
        }
        HooksCommand::Url { name, ttl } => {
            let ttl_ms = ttl.map(|ttl| duration_ms("--ttl", &ttl)).transpose()?;
            let (path, body) = (format!("{}/url", path(&name)), json!({ "ttl_ms": ttl_ms }));
            let made = with_control(session, async |c| c.post(&path, Some(&body)).await).await?;
            if ui.is_json() {
                ui.out_json(&made)?;
            } else {
                ui.out(&text_of(&made, "path"));
                ui.note("put it after the server's address; whoever has it may post");
            }
        }
        HooksCommand::Rotate { name } => {
            let path = format!("{}/rotate", path(&name));
            secret(ui, &with_control(session, async |c| c.post(&path, None).await).await?)?;
        }
        HooksCommand::Remove { name } => {
            let gone = with_control(session, async |c| c.delete(&path(&name)).await).await?;
            ui.note(&format!("removed {}; its URLs are good for nothing", text_of(&gone, "name")));
            if ui.is_json() {
                ui.out_json(&gone)?;
            }
        }
    }
    Ok(0)
}

fn path(name: &str) -> String {
    format!("/v1/hooks/{}", in_query(name))
}

fn body(add: &HookAdd) -> anyhow::Result<Value> {
    let action = match &add.start {
        Some(workflow) => json!({ "start": { "workflow": workflow, "input": inputs(add)? } }),
        None => json!({ "resume": {
            "run": add.resume,
            "interrupt": add.interrupt,
            "answer": add.answer.as_deref().unwrap_or_default(),
        } }),
    };
    Ok(json!({ "name": add.name, "action": action, "verify": add.verify }))
}

fn inputs(add: &HookAdd) -> anyhow::Result<Option<Value>> {
    let mut inputs = Map::new();
    for given in &add.inputs {
        let Some((key, pointer)) = given.split_once('=') else {
            let refusal = Refusal::user("bad_flags", format!("--input: \"{}\"", harmless(given)));
            return Err(refusal.help("write KEY=POINTER, such as title=/issue/title").into());
        };
        inputs.insert(key.to_owned(), pointer.into());
    }
    Ok((!inputs.is_empty()).then_some(Value::Object(inputs)))
}

/// A hook, and its secret alone on stdout where one was made.
fn secret(ui: &Ui, made: &Value) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(made);
    }
    let (name, secret) = (text_of(made, "name"), text_of(made, "secret"));
    if secret.is_empty() {
        ui.note(&format!("{name}: wforge hooks url {name} prints where to post"));
    } else {
        ui.note(&format!("{name}: this secret signs bodies; it is shown only now"));
        ui.out(&secret);
    }
    Ok(())
}

fn row(hook: &Value) -> Vec<String> {
    let of = |field: &str| text_of(hook, field);
    let does = match of("action.start.workflow").as_str() {
        "" => format!("answers {} of {}", of("action.resume.interrupt"), of("action.resume.run")),
        workflow => format!("starts {workflow}"),
    };
    let state = if of("active") == "true" { "active" } else { "off" };
    vec![of("name"), state.to_owned(), does, format!("signed: {}", of("verify"))]
}
