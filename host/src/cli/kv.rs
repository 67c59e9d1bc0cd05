//! `wforge kv …`: what plugins remember.

use serde_json::{Value, json};

use super::Session;
use super::admin::{moment_of, print_rows, text_of, with_control, with_query};
use super::args::{KvCommand, KvPlace, KvPut};
use super::ui::{Ui, harmless};
use crate::client::in_query;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: KvCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        KvCommand::List { space, prefix, limit } => {
            let prefix = Some(prefix.as_str()).filter(|prefix| !prefix.is_empty());
            let path = format!("/v1/kv/{}", in_query(&space));
            let path = with_query(path, &[("prefix", prefix)]);
            let first = async |c: &crate::client::Control| c.first(&path, limit.into()).await;
            let keys = with_control(session, first).await?;
            print_rows(ui, &keys, row, &format!("{} holds nothing", harmless(&space)))?;
        }
        KvCommand::Get(place) => {
            let path = path_of(&place);
            let entry = with_control(session, async |c| c.get(&path).await).await?;
            if ui.is_json() {
                ui.out_json(&entry)?;
            } else {
                ui.out(&value_of(&entry));
            }
        }
        KvCommand::Put(put) => {
            let path = path_of(&put.place);
            let body = body(&put);
            let entry = with_control(session, async |c| c.put(&path, &body).await).await?;
            say(ui, &entry, &format!("is at version {} now", text_of(&entry, "version")))?;
        }
        KvCommand::Delete { place, expected } => {
            let expected = expected.map(|version| version.to_string());
            let path = with_query(path_of(&place), &[("expected", expected.as_deref())]);
            let entry = with_control(session, async |c| c.delete(&path).await).await?;
            say(ui, &entry, &format!("holds {} no more", value_of(&entry)))?;
        }
    }
    Ok(0)
}

fn path_of(KvPlace { space, key }: &KvPlace) -> String {
    format!("/v1/kv/{}/{}", in_query(space), in_query(key))
}

fn body(KvPut { value, expected, ttl, .. }: &KvPut) -> Value {
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()));
    json!({ "value": value, "expected": expected, "ttl": ttl })
}

/// A value as one line of JSON; JSON text has no control characters of its own.
fn value_of(entry: &Value) -> String {
    harmless(&entry.get("value").cloned().unwrap_or_default().to_string())
}

fn say(ui: &Ui, entry: &Value, what: &str) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(entry);
    }
    ui.note(&format!("{} {what}", harmless(&text_of(entry, "key"))));
    Ok(())
}

fn row(key: &Value) -> Vec<String> {
    let expires = moment_of(key, "expires_at");
    let expires = if expires.is_empty() { expires } else { format!("until {expires}") };
    vec![
        harmless(&text_of(key, "key")),
        format!("version {}", text_of(key, "version")),
        format!("{} bytes", text_of(key, "bytes")),
        expires,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_a_text() {
        let of = |value: &str| {
            let place = KvPlace { space: "plugin:a/b".into(), key: "k".into() };
            let put = KvPut { place, value: value.into(), expected: None, ttl: None };
            body(&put)["value"].clone()
        };
        assert_eq!(of("7"), json!(7));
        assert_eq!(of("[\"ann\"]"), json!(["ann"]));
        assert_eq!(of("ann"), json!("ann"));
        assert_eq!(of("\"7\""), json!("7"));
    }

    #[test]
    fn a_key_is_one_part_of_the_path() {
        let place = KvPlace { space: "plugin:acme/count".into(), key: "a/b c".into() };
        assert_eq!(path_of(&place), "/v1/kv/plugin%3Aacme%2Fcount/a%2Fb%20c");
    }
}
