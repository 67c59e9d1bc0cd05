//! `wforge trust …`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Session;
use super::admin::{moment_of, path_of, print_rows, text_of, with_control};
use super::args::{PolicyArgs, TrustCommand, Whose};
use super::refusal::Refusal;
use super::ui::{Paint, Ui, harmless};
use crate::client::in_query;

/// The largest file of a public key that is read, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 64 << 10;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: TrustCommand) -> anyhow::Result<u8> {
    match command {
        TrustCommand::List { whose } => {
            let path = path_of(&whose, "trust/keys")?;
            let keys = with_control(session, async |c| c.list(&path).await).await?;
            print_rows(&session.ui, &keys, row, "no key is trusted; wforge trust add NAME FILE")?;
        }
        TrustCommand::Add { name, public, note, whose } => {
            let body = json!({ "name": name, "public": key_text(&public)?, "note": note });
            changed(session, &path_of(&whose, "trust/keys")?, &body).await?;
        }
        TrustCommand::Revoke { key, reason, whose } => {
            let path = path_of_key(&whose, &key, "revoke")?;
            changed(session, &path, &json!({ "reason": reason })).await?;
        }
        TrustCommand::Restore { key, reason, whose } => {
            let path = path_of_key(&whose, &key, "restore")?;
            changed(session, &path, &json!({ "reason": reason })).await?;
        }
        TrustCommand::Policy(args) => policy(session, &args).await?,
    }
    Ok(0)
}

fn path_of_key(whose: &Whose, key: &str, verb: &str) -> anyhow::Result<String> {
    path_of(whose, &format!("trust/keys/{}/{verb}", in_query(key)))
}

/// A key's file, or the key itself.
pub(super) fn key_text(given: &str) -> anyhow::Result<String> {
    let path = Path::new(given);
    if !path.is_file() {
        return if is_like_key(given) { Ok(given.to_owned()) } else { Err(no_file(given).into()) };
    }
    if fs_err::metadata(path)?.len() > KEY_FILE_BYTES_MAX {
        let message = format!("{} is too large to be a public key", path.display());
        return Err(Refusal::user("bad_key", message).into());
    }
    let text = String::from_utf8(fs_err::read(path)?);
    text.map_err(|_| {
        let message = format!("{} is no public key of minisign", path.display());
        Refusal::user("bad_key", message).into()
    })
}

/// Whether somebody meant it as a key: whether it is one is said where it is read.
fn is_like_key(given: &str) -> bool {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let is_line = given.starts_with("RW") && given.chars().all(of_base64);
    is_line || given.starts_with("untrusted comment:")
}

fn no_file(given: &str) -> Refusal {
    let message = format!("there is no file \"{given}\", and that is no public key");
    let help = "name the file of a public key, such as acme.pub, or write its second line: RW…";
    Refusal::user("bad_key", message).help(help)
}

async fn changed(session: &Session, path: &str, body: &Value) -> anyhow::Result<()> {
    let ui = &session.ui;
    let key = with_control(session, async |c| c.post(path, Some(body)).await).await?;
    let state = ui.paint(Paint::Green, &text_of(&key, "state"));
    ui.note(&format!("{state}  {} {}", text_of(&key, "key"), text_of(&key, "name")));
    if ui.is_json() {
        ui.out_json(&key)?;
    }
    Ok(())
}

fn row(key: &Value) -> Vec<String> {
    let (changed, words) = match text_of(key, "state").as_str() {
        "revoked" => (moment_of(key, "changed_at"), text_of(key, "reason")),
        _ => (moment_of(key, "added_at"), text_of(key, "note")),
    };
    vec![text_of(key, "key"), text_of(key, "name"), text_of(key, "state"), changed, words]
}

async fn policy(session: &Session, args: &PolicyArgs) -> anyhow::Result<()> {
    let path = path_of(&args.whose, "trust/policy")?;
    let change = change_of(args)?;
    let ask = async |control: &crate::client::Control| match &change {
        Some(change) => control.post(&path, Some(change)).await,
        None => control.get(&path).await,
    };
    let policy = with_control(session, ask).await?;
    if session.ui.is_json() {
        return session.ui.out_json(&policy);
    }
    print(&session.ui, &policy);
    Ok(())
}

/// What is to change; none where no flag was given.
fn change_of(args: &PolicyArgs) -> anyhow::Result<Option<Value>> {
    let mut minimum = Map::new();
    for given in &args.minimums {
        let Some((plugin, version)) = given.split_once('=') else {
            let refusal = Refusal::user("bad_flags", format!("--minimum: \"{}\"", harmless(given)));
            return Err(refusal.help("write publisher/name=VERSION").into());
        };
        minimum.insert(plugin.to_owned(), json!(version));
    }
    minimum.extend(args.no_minimums.iter().map(|plugin| (plugin.clone(), Value::Null)));
    let asks = args.require_signed.is_some() || args.allow_rollback.is_some();
    if !asks && minimum.is_empty() {
        return Ok(None);
    }
    Ok(Some(json!({
        "require_signed": args.require_signed,
        "allow_rollback": args.allow_rollback,
        "minimum": minimum,
    })))
}

fn print(ui: &Ui, policy: &Value) {
    let is = |field: &str| policy.get(field).and_then(Value::as_bool) == Some(true);
    ui.out(match (is("require_signed"), is("signatures_required")) {
        (true, _) => "signatures   required",
        (false, true) => "signatures   required by the operator (plugins.require_signed)",
        (false, false) => "signatures   not required",
    });
    ui.out(match is("allow_rollback") {
        true => "rollback     allowed",
        false => "rollback     refused: no signed version after a newer one",
    });
    let minimums = policy.get("minimum").and_then(Value::as_object).into_iter().flatten();
    for (plugin, version) in minimums {
        let version = version.as_str().unwrap_or_default();
        ui.out(&format!("minimum      {} {}", harmless(plugin), harmless(version)));
    }
}
