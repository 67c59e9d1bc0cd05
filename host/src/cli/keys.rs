//! `wforge keys …`: works on the file, so it needs no server; a running one sees the change.

use serde_json::json;
use wforge_model::TenantId;

use super::Session;
use super::args::KeysCommand;
use super::refusal::Refusal;
use super::ui::{Ui, columns, harmless};
use crate::clock::SystemEntropy;
use crate::keys_file::{KeyEntry, KeysFile};

/// One of the commands.
pub(crate) fn run(session: &Session, command: KeysCommand) -> anyhow::Result<u8> {
    let (ui, path) = (&session.ui, &session.config.keys_file);
    let mut keys = KeysFile::load(path)?;
    match command {
        KeysCommand::Add { tenant, role, name } => {
            let wrong = |error: String| Refusal::user("bad_flags", error);
            let tenant: TenantId = tenant.parse().map_err(|e| wrong(format!("--tenant: {e}")))?;
            let role = role.parse().map_err(|error| wrong(format!("--role: {error}")))?;
            let issued = keys.add(tenant, role, name, &SystemEntropy::open()?);
            keys.save(path)?;
            ui.note(&format!("key {} is shown once; only its hash is kept", issued.id));
            if ui.is_json() {
                ui.out_json(&json!({ "id": issued.id, "key": issued.text }))?;
            } else {
                ui.out(&issued.text);
            }
        }
        KeysCommand::List => list(ui, &keys)?,
        KeysCommand::Remove { id } => {
            let removed = keys.remove(&id)?;
            keys.save(path)?;
            let name = harmless(&removed.credential.name);
            ui.note(&format!("removed {id} ({name})"));
            if ui.is_json() {
                ui.out_json(&json!({ "id": id }))?;
            }
        }
    }
    Ok(0)
}

fn list(ui: &Ui, keys: &KeysFile) -> anyhow::Result<()> {
    if ui.is_json() {
        let shown = |entry: &KeyEntry| {
            let it = &entry.credential;
            json!({ "id": entry.id, "tenant": it.tenant, "role": it.role, "name": it.name })
        };
        return ui.out_json(&keys.keys.iter().map(shown).collect::<Vec<_>>());
    }
    let row = |entry: &KeyEntry| {
        let it = &entry.credential;
        vec![entry.id.clone(), it.tenant.to_string(), it.role.to_string(), harmless(&it.name)]
    };
    let rows: Vec<Vec<String>> = keys.keys.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("there are no API keys; wforge keys add");
    }
    Ok(())
}
