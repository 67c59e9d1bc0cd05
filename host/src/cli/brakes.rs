//! `wforge plugin quarantine`, `release` and `precompile`: what an operator does with a plugin that
//! does harm, and before an upgrade.

use serde_json::{Value, json};
use wforge_engine::{Circuit, PluginStanding};
use wforge_model::Digest;

use super::Session;
use super::admin::{text_of, with_control};
use super::args::PluginCommand;
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, harmless};
use crate::client::Control;

/// One of the commands.
pub(super) async fn run(session: &Session, command: &PluginCommand) -> anyhow::Result<u8> {
    match command {
        PluginCommand::Quarantine { digest, reason, platform } => {
            let body = json!({ "reason": reason });
            let path = path(digest, *platform, "quarantine")?;
            changed(session, &path, Some(&body), "put away").await
        }
        PluginCommand::Release { digest, platform } => {
            let path = path(digest, *platform, "release")?;
            changed(session, &path, None, "released").await
        }
        PluginCommand::Use { name, newest, reason } => {
            choose(session, name, *newest, reason.as_deref().unwrap_or_default()).await
        }
        PluginCommand::Precompile { name, .. } => precompile(session, name.as_deref()).await,
        PluginCommand::Install { .. }
        | PluginCommand::List { .. }
        | PluginCommand::Versions { .. }
        | PluginCommand::Inspect { .. } => Ok(EXIT_FAILED),
    }
}

/// Why a plugin is not called, or that its calls break.
pub(super) fn standing(standing: &PluginStanding) -> Option<String> {
    if let Some(quarantine) = &standing.quarantine {
        let reason = harmless(&quarantine.reason);
        return Some(format!("in quarantine since {}: {reason}", quarantine.since));
    }
    if let Some(distrust) = &standing.distrust {
        return Some(format!("not trusted: {}", harmless(&distrust.message)));
    }
    if let Some(choice) = &standing.chosen {
        let reason = harmless(&choice.reason);
        return Some(format!("new runs get {} since {}: {reason}", choice.version, choice.since));
    }
    Some(match standing.circuit? {
        Circuit::Closed { failures: 0 } => return None,
        Circuit::Closed { failures } => format!("its last {failures} calls broke"),
        Circuit::Open { until } => format!("keeps breaking; not called until {until}"),
        Circuit::HalfOpen => "kept breaking; one call finds out whether it is well".to_owned(),
    })
}

fn path(digest: &str, is_platforms: bool, what: &str) -> Result<String, Refusal> {
    let digest: Digest = digest.parse().map_err(|_| {
        Refusal::user("bad_flags", format!("\"{}\" is no digest", harmless(digest)))
            .help("wforge plugin inspect NAME shows it as component")
    })?;
    let platform = if is_platforms { "platform/" } else { "" };
    Ok(format!("/v1/{platform}components/{digest}/{what}"))
}

async fn changed(
    session: &Session,
    path: &str,
    body: Option<&Value>,
    what: &str,
) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let answer = with_control(session, async |c| c.post(path, body).await).await?;
    let component = text_of(&answer, "component");
    ui.note(&format!("{}  {component}", ui.paint(Paint::Green, what)));
    if ui.is_json() {
        ui.out_json(&answer)?;
    }
    Ok(0)
}

async fn choose(
    session: &Session,
    name: &str,
    is_newest: bool,
    reason: &str,
) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let (plugin, version) = match (name.split_once('@'), is_newest) {
        (Some((plugin, version)), false) => (plugin, Some(version)),
        (None, true) => (name, None),
        _ => {
            let message = "say NAME@VERSION, or NAME and --newest";
            return Err(Refusal::user("bad_flags", message.to_owned())
                .help("wforge plugin versions NAME shows those that are installed")
                .into());
        }
    };
    let body = json!({ "version": version, "reason": reason });
    let path = format!("/v1/plugins/{plugin}/use");
    let answer = with_control(session, async |c| c.post(&path, Some(&body)).await).await?;
    let served = version.unwrap_or("the newest");
    let done = ui.paint(Paint::Green, "chosen");
    ui.note(&format!("{done}  new runs get {} {}", harmless(plugin), harmless(served)));
    if ui.is_json() {
        ui.out_json(&answer)?;
    }
    Ok(0)
}

async fn precompile(session: &Session, name: Option<&str>) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let ask = async |control: &Control| {
        let plugins = match name {
            Some(name) => vec![control.get(&format!("/v1/plugins/{name}")).await?],
            None => control.list("/v1/plugins").await?,
        };
        for (plugin, number) in plugins.iter().zip(1..) {
            let (id, component) = (text_of(plugin, "id"), text_of(plugin, "component"));
            ui.note(&format!("{number}/{}  {id}", plugins.len()));
            control.post(&format!("/v1/components/{component}/precompile"), None).await?;
        }
        Ok(plugins.len())
    };
    let compiled = with_control(session, ask).await?;
    if ui.is_json() {
        ui.out_json(&json!({ "plugins": compiled }))?;
    } else if compiled == 0 {
        ui.note("no plugin is installed; wforge plugin install FILE|DIR");
    }
    Ok(0)
}
