//! `wforge login` and `wforge context …`.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::admin::text_of;
use super::args::{Cli, ContextCommand, LoginArgs};
use super::refusal::Refusal;
use super::ui::{Paint, columns, harmless};
use super::{Process, Session};
use crate::client::Remote;
use crate::config::{Config, Named, Secret};
use crate::contexts::{Contexts, Login};

/// Bytes of a key or token.
const KEY_BYTES_MAX: u64 = 8 << 10;

/// What `wforge context use` calls this machine.
const NO_LOGIN: &str = "none";

/// The login that commands go to. One that is named must be there; the current one gives way to a
/// data directory that somebody names.
pub(super) fn meant(
    cli: &Cli,
    process: &Process,
    path: Option<&Path>,
) -> anyhow::Result<Option<Named>> {
    let Some(path) = path else { return Ok(None) };
    let name = cli.global.context.as_deref();
    let names_data =
        cli.global.data_dir.is_some() || process.variables.contains_key("WFORGE_DATA_DIR");
    if name.is_none() && (names_data || !path.exists()) {
        return Ok(None);
    }
    let contexts = Contexts::load(path)?;
    match (contexts.meant(name), name) {
        (Some((name, login)), _) => {
            Ok(Some(Named { origin: format!("context {name}"), login: login.clone() }))
        }
        (None, Some(name)) => Err(Refusal::user("no_context", format!("no login \"{name}\""))
            .help("wforge context list shows them; wforge login URL --name NAME makes one")
            .into()),
        (None, None) => Ok(None),
    }
}

fn path_of(session: &Session) -> anyhow::Result<&Path> {
    session.contexts.as_deref().ok_or_else(|| {
        Refusal::failed("no_home", "there is no place for logins: HOME is not set")
            .help("set HOME or XDG_CONFIG_HOME")
            .into()
    })
}

/// Checks the key with the server, and keeps both.
pub(crate) async fn run(session: &Session, args: LoginArgs) -> anyhow::Result<u8> {
    let LoginArgs { url, name, ca_file } = args;
    if name == NO_LOGIN {
        let message = "no login can be called \"none\": wforge context use none means this machine";
        return Err(Refusal::user("bad_flags", message).help("choose another --name").into());
    }
    let path = path_of(session)?;
    let server = url.trim_end_matches('/').to_owned();
    if !server.starts_with("https://") && !server.starts_with("http://") {
        let refusal = Refusal::user("bad_flags", format!("\"{url}\" is no address of a server"));
        return Err(refusal.help("write https://host").into());
    }
    let key = key(session)?;
    let ca_file = ca_file.map(fs_err::canonicalize).transpose()?;
    let mut config: Config = session.config.clone();
    config.client.ca_file = ca_file.clone().or(config.client.ca_file);
    let remote = Remote::new(&server, &key, &config)?;
    let system: serde_json::Value = remote.json(remote.get("/v1/system")).await?;
    let you = system.get("you").cloned().unwrap_or_default();
    let text = |field: &str| text_of(&you, field);
    let mut contexts = Contexts::load(path)?;
    let login = Login { server: server.clone(), api_key: key.to_string(), ca_file };
    contexts.contexts.insert(name.clone(), login);
    contexts.current = Some(name.clone());
    contexts.save(path)?;
    let ui = &session.ui;
    ui.note(&format!(
        "logged in to {server} as {} ({} of {}); commands go there now",
        text("name"),
        text("role"),
        text("tenant")
    ));
    ui.note("wforge context use none goes back to this machine");
    if ui.is_json() {
        ui.out_json(&json!({ "context": name, "server": server, "you": you }))?;
    }
    Ok(0)
}

/// From the environment, else from stdin.
fn key(session: &Session) -> anyhow::Result<Zeroizing<String>> {
    if let Some(Secret(key)) = &session.config.client.api_key {
        return Ok(Zeroizing::new(key.clone()));
    }
    if std::io::stdin().is_terminal() {
        session.ui.ask("API key or token: ");
    }
    let mut text = Zeroizing::new(String::new());
    if std::io::stdin().is_terminal() {
        std::io::stdin().read_line(&mut text).context("reading the key")?;
    } else {
        let mut limited = std::io::stdin().take(KEY_BYTES_MAX);
        limited.read_to_string(&mut text).context("reading the key")?;
    }
    let key = Zeroizing::new(text.trim().to_owned());
    if key.is_empty() {
        return Err(Refusal::user("no_api_key", "there was no key on stdin")
            .help("wforge login URL < key.txt")
            .into());
    }
    Ok(key)
}

/// One of the commands on logins.
pub(crate) fn context(session: &Session, command: ContextCommand) -> anyhow::Result<u8> {
    let (ui, path) = (&session.ui, path_of(session)?);
    let mut contexts = Contexts::load(path)?;
    let missing = |name: &str| {
        Refusal::user("no_context", format!("no login \"{name}\"")).help("wforge context list")
    };
    match command {
        ContextCommand::List => return list(session, &contexts),
        ContextCommand::Use { name } if name == NO_LOGIN => contexts.current = None,
        ContextCommand::Use { name } => {
            if !contexts.contexts.contains_key(&name) {
                return Err(missing(&name).into());
            }
            ui.note(&format!("commands go to {name} now"));
            contexts.current = Some(name);
        }
        ContextCommand::Remove { name } => {
            contexts.contexts.remove(&name).ok_or_else(|| missing(&name))?;
            contexts.current = contexts.current.filter(|current| *current != name);
            ui.note(&format!(
                "forgot {name}; its key stays valid until wforge keys revoke ID takes it back"
            ));
        }
    }
    contexts.save(path)?;
    if ui.is_json() {
        ui.out_json(&json!({ "current": contexts.current }))?;
    }
    Ok(0)
}

fn list(session: &Session, contexts: &Contexts) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let is_current = |name: &String| contexts.current.as_ref() == Some(name);
    if ui.is_json() {
        let shown = contexts.contexts.iter().map(|(name, login)| {
            json!({ "name": name, "server": login.server, "current": is_current(name) })
        });
        ui.out_json(&shown.collect::<Vec<_>>())?;
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = contexts
        .contexts
        .iter()
        .map(|(name, login)| {
            let mark = if is_current(name) { ui.paint(Paint::Green, "*") } else { " ".to_owned() };
            vec![mark, harmless(name), harmless(&login.server)]
        })
        .collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("nobody logged in; wforge login URL");
    }
    Ok(0)
}
