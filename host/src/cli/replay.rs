//! `wforge replay` and `wforge runs export`: what a run recorded, used again.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::admin::{text_of, with_control};
use super::args::ReplayRunArgs;
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, Ui, harmless};
use super::{Session, run_id};
use crate::client::Control;
use crate::compose::read_component;

/// `wforge replay`: exit 1 where something came to something else.
pub(crate) async fn run(session: &Session, args: &ReplayRunArgs) -> anyhow::Result<u8> {
    let run = run_id(&args.run)?;
    let report = with_control(session, async |control| {
        let mut plugins = Map::new();
        for with in &args.with {
            let (name, digest) = other(control, with).await?;
            plugins.insert(name, digest.into());
        }
        let body = json!({ "plugins": plugins });
        control.post(&format!("/v1/runs/{run}/replay"), Some(&body)).await
    })
    .await?;
    let is_same = report.get("difference").is_none_or(Value::is_null);
    let ui = &session.ui;
    if ui.is_json() {
        ui.out_json(&report)?;
    } else {
        print(ui, &report, is_same);
    }
    Ok(if is_same { 0 } else { EXIT_FAILED })
}

/// The plugin's name and the digest of its component, of a file or of `NAME@VERSION`.
async fn other(control: &Control, with: &str) -> anyhow::Result<(String, String)> {
    let path = Path::new(with);
    let found = if path.extension().is_some_and(|extension| extension == "wasm") {
        let component = read_component(path)?;
        control.send_component("/v1/components", component).await?
    } else if with.contains('/') {
        control.get(&format!("/v1/plugins/{with}")).await?
    } else {
        return Err(Refusal::user("bad_flags", format!("--with \"{with}\" is no plugin"))
            .help("write NAME@VERSION of an installed one, or a FILE.wasm")
            .into());
    };
    let digest = text_of(&found, "component");
    let name = found.pointer("/manifest/name").and_then(Value::as_str);
    Ok((name.context("the server named no plugin")?.to_owned(), digest))
}

fn print(ui: &Ui, report: &Value, is_same: bool) {
    let (calls, skipped) = (text_of(report, "calls"), text_of(report, "skipped"));
    let skipped = match skipped.as_str() {
        "0" => String::new(),
        count => {
            format!("; {count} ended from outside or by what is not recorded, and say nothing")
        }
    };
    if is_same {
        let ok = ui.paint(Paint::Green, "ok");
        ui.out(&format!("{ok} {calls} calls made again, all came to the same{skipped}"));
        return;
    }
    let field = |name: &str| text_of(report, &format!("difference.{name}"));
    let label = ui.paint(Paint::Red, "differs");
    let place = match field("position").as_str() {
        "" | "null" => "in its end".to_owned(),
        position => format!("at its effect {position}"),
    };
    let who = match (field("tool").as_str(), field("caller")) {
        ("" | "null", _) => String::new(),
        (tool, caller) => format!(" in its tool {}, called by {caller}", harmless(tool)),
    };
    let (node, attempt) = (field("node"), field("attempt"));
    ui.out(&format!("{label} at node {node}{who}, attempt {attempt}, {place}"));
    ui.out(&format!("  recorded: {}", harmless(&field("recorded"))));
    ui.out(&format!("  now:      {}", harmless(&field("now"))));
    ui.note(&format!("{calls} calls were made again up to there{skipped}"));
}

/// `wforge runs export`.
pub(crate) async fn export(session: &Session, run: &str, to: Option<&Path>) -> anyhow::Result<u8> {
    let path = format!("/v1/runs/{}/cassette", run_id(run)?);
    let mut text = Vec::new();
    with_control(session, async |control| {
        control
            .stream(&path, |bytes| {
                text.extend_from_slice(bytes);
                Ok(())
            })
            .await
    })
    .await?;
    let count = text.iter().filter(|byte| **byte == b'\n').count();
    match to {
        Some(file) => fs_err::write(file, &text)?,
        None => std::io::Write::write_all(&mut std::io::stdout().lock(), &text)?,
    }
    session.ui.note(&format!("{count} recorded answers"));
    Ok(0)
}
