//! `wforge keys …`.

use serde_json::{Value, json};
use wforge_api::{IssuedKey, Pepper};
use wforge_model::{Role, Scope};

use super::Session;
use super::admin::{duration_ms, moment_of, path_of, print_rows, text_of, with_control};
use super::args::{KeyAdd, KeysCommand, Whose};
use super::refusal::Refusal;
use super::ui::Ui;
use crate::client::in_query;
use crate::clock::SystemEntropy;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: KeysCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        KeysCommand::Generate => {
            // The pepper only counts for what is kept, and nothing is.
            let issued = IssuedKey::issue(&SystemEntropy::open()?, &Pepper::new([0; 32]));
            if ui.is_json() {
                ui.out_json(&json!({ "id": issued.id, "key": issued.text }))?;
            } else {
                ui.out(&issued.text);
            }
        }
        KeysCommand::Add(add) => {
            let (path, body) = (path_of(&add.whose, "keys")?, body(&add)?);
            let made = with_control(session, async |c| c.post(&path, Some(&body)).await).await?;
            shown_once(ui, &made)?;
        }
        KeysCommand::Rotate { id, overlap, whose } => {
            let path = format!("{}/{}/rotate", path_of(&whose, "keys")?, in_query(&id));
            let body = json!({ "overlap_ms": duration_ms("--overlap", &overlap)? });
            let made = with_control(session, async |c| c.post(&path, Some(&body)).await).await?;
            ui.note(&format!("{id} works on for {overlap}"));
            shown_once(ui, &made)?;
        }
        KeysCommand::List { whose } => list(session, &whose).await?,
        KeysCommand::Revoke { id, whose } => {
            let path = format!("{}/{}/revoke", path_of(&whose, "keys")?, in_query(&id));
            let gone = with_control(session, async |c| c.post(&path, None).await).await?;
            ui.note(&format!("revoked {id} ({})", text_of(&gone, "name")));
            if ui.is_json() {
                ui.out_json(&gone)?;
            }
        }
    }
    Ok(0)
}

fn body(add: &KeyAdd) -> anyhow::Result<Value> {
    let wrong = |error: String| Refusal::user("bad_flags", error);
    let role: Role = add.role.parse().map_err(|error| wrong(format!("--role: {error}")))?;
    let scopes = add.scopes.iter().map(|text| text.parse::<Scope>());
    let scopes: Vec<Scope> =
        scopes.collect::<Result<_, _>>().map_err(|error| wrong(format!("--scope: {error}")))?;
    let mut body = json!({
        "name": add.name,
        "role": role,
        "scopes": scopes,
        "holder": if add.service { "service" } else { "person" },
    });
    if let (Some(ttl), Some(fields)) = (&add.ttl, body.as_object_mut()) {
        fields.insert("ttl_ms".into(), duration_ms("--ttl", ttl)?.into());
    }
    Ok(body)
}

fn shown_once(ui: &Ui, made: &Value) -> anyhow::Result<()> {
    ui.note(&format!("key {} is shown once; only an HMAC of it is kept", text_of(made, "id")));
    if ui.is_json() {
        return ui.out_json(made);
    }
    ui.out(&text_of(made, "key"));
    Ok(())
}

async fn list(session: &Session, whose: &Whose) -> anyhow::Result<()> {
    let path = path_of(whose, "keys")?;
    let keys = with_control(session, async |c| c.list(&path).await).await?;
    let row = |key: &Value| {
        let expires = match (key["active"].as_bool(), moment_of(key, "expires_at")) {
            (Some(false), at) => format!("expired {at}"),
            (_, at) if at.is_empty() => String::new(),
            (_, at) => format!("until {at}"),
        };
        let fields = ["id", "tenant", "role", "name", "scopes"];
        fields.iter().map(|field| text_of(key, field)).chain([expires]).collect()
    };
    print_rows(&session.ui, &keys, row, "there are no API keys; wforge keys add NAME")
}
