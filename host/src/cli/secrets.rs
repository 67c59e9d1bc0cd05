//! `wforge secrets …`. A value comes from a file or from stdin, never as an argument, which others
//! on this machine can see; and no command shows one.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Session;
use super::admin::{path_of, print_rows, text_of, with_control};
use super::args::{SecretSet, SecretsCommand};
use super::refusal::Refusal;
use super::ui::Ui;
use crate::client::in_query;

/// The most that is read of a file or of stdin; what fits is the server's to say.
const VALUE_BYTES_MAX: u64 = 1 << 20;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: SecretsCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        SecretsCommand::Set(set) => {
            let path = format!("{}/{}", path_of(&set.whose, "secrets")?, in_query(&set.name));
            let body = body(ui, &set)?;
            let made = with_control(session, async |c| c.put(&path, &body).await).await?;
            let hosts = text_of(&made, "hosts");
            let meant = match hosts.as_str() {
                "" => "for no host: --host says where it may go".to_owned(),
                hosts => format!("for {hosts}"),
            };
            let (name, version) = (text_of(&made, "name"), text_of(&made, "version"));
            ui.note(&format!("{name} is version {version} now, {meant}"));
            if ui.is_json() {
                ui.out_json(&made)?;
            }
        }
        SecretsCommand::List { whose } => {
            let path = path_of(&whose, "secrets")?;
            let secrets = with_control(session, async |c| c.list(&path).await).await?;
            print_rows(ui, &secrets, row, "there are no secrets; wforge secrets set NAME")?;
        }
        SecretsCommand::Remove { name, whose } => {
            let path = format!("{}/{}", path_of(&whose, "secrets")?, in_query(&name));
            let gone = with_control(session, async |c| c.delete(&path).await).await?;
            ui.note(&format!("removed {} with all of its values", text_of(&gone, "name")));
            if ui.is_json() {
                ui.out_json(&gone)?;
            }
        }
    }
    Ok(0)
}

fn row(secret: &Value) -> Vec<String> {
    let newest = secret.pointer("/versions").and_then(Value::as_array).and_then(|all| all.last());
    let at = newest.map(|newest| super::admin::moment_of(newest, "at")).unwrap_or_default();
    let version = format!("version {}", text_of(secret, "version"));
    vec![text_of(secret, "name"), version, at, text_of(secret, "hosts")]
}

fn body(ui: &Ui, set: &SecretSet) -> anyhow::Result<Value> {
    let value = value(ui, set.from_file.as_deref())?;
    let hosts = (!set.hosts.is_empty()).then_some(&set.hosts);
    Ok(json!({ "value": value.as_str(), "hosts": hosts }))
}

/// The value without the line break at its end, which most editors and `echo` add.
fn value(ui: &Ui, file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    match file.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let file = fs_err::File::open(path)?;
            file.take(VALUE_BYTES_MAX).read_to_string(&mut text).context("reading the secret")?;
        }
        None if std::io::stdin().is_terminal() => {
            ui.ask("Secret (it is shown as you type): ");
            std::io::stdin().read_line(&mut text).context("reading the secret")?;
        }
        None => {
            let mut limited = std::io::stdin().take(VALUE_BYTES_MAX);
            limited.read_to_string(&mut text).context("reading the secret")?;
        }
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned());
    if line.is_empty() {
        return Err(Refusal::user("no_secret", "there was no secret on stdin")
            .help("wforge secrets set NAME < secret.txt")
            .into());
    }
    Ok(line)
}
