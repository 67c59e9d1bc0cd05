//! `wforge build`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::args::BuildArgs;
use super::ui::{Paint, Ui, columns, harmless, harmless_lines};
use crate::author::build::{Built, Event, Options, TARGET, build};
use crate::author::machine::Machine;

/// Builds, and says what came of it.
pub(crate) async fn run(ui: &Ui, machine: Machine, args: &BuildArgs) -> anyhow::Result<u8> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let options = Options { out: args.out.clone(), install: args.install, ..Options::new(machine) };
    let built = build(&folder, &options, &|event| show(ui, event)).await;
    ui.clear_status();
    let built = built?;
    if ui.is_json() {
        ui.out_json(&told(&built))?;
    } else {
        let place = args.out.clone().unwrap_or_else(|| folder.join(TARGET));
        print(ui, &built, &place);
    }
    Ok(0)
}

/// Shows what happens during a build, for every command that makes one.
pub(crate) fn show(ui: &Ui, event: Event<'_>) {
    match event {
        Event::Begun(stage) => ui.status(&format!("{} …", stage.name())),
        Event::Said(text) => ui.note(&harmless_lines(text)),
    }
}

fn told(built: &Built) -> serde_json::Value {
    let manifest = &built.manifest;
    let stage = |(stage, took): &(_, Duration)| json!({ "stage": stage, "ms": took.as_millis() });
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "component": built.component,
        "digest": built.digest,
        "bytes": built.bytes,
        "bytes_before": built.bytes_before,
        "agents": manifest.agents,
        "needs": manifest.needs,
        "compiler": built.compiler,
        "stages": built.stages.iter().map(stage).collect::<Vec<_>>(),
    })
}

/// The component is shown where it was asked for, and not by its whole path.
fn print(ui: &Ui, built: &Built, place: &Path) {
    let manifest = &built.manifest;
    ui.out(&ui.paint(Paint::Bold, &format!("{} {}", manifest.name, manifest.version)));
    let agents: Vec<&str> = manifest.agents.iter().map(|agent| agent.name.as_str()).collect();
    let time =
        built.stages.iter().map(|(stage, took)| format!("{} {}", stage.name(), seconds(*took)));
    let size = format!("{}, {} before stripping", kib(built.bytes), kib(built.bytes_before));
    let rows = [
        ("component", shown(&built.component, place)),
        ("size", size),
        ("digest", built.digest.clone()),
        ("agents", harmless(&agents.join(", "))),
        ("compiler", built.compiler.clone()),
        ("time", time.collect::<Vec<_>>().join(", ")),
    ];
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|(label, value)| vec![label.to_owned(), value]).collect();
    columns(&rows).iter().for_each(|line| ui.out(&format!("  {line}")));
    if manifest.needs.is_empty() {
        ui.out("  needs no grant");
    }
    for need in &manifest.needs {
        ui.out(&format!("  needs {}: {}", need.capability, harmless(&need.reason)));
    }
}

fn shown(component: &Path, place: &Path) -> String {
    let path = place.join(component.file_name().unwrap_or_default());
    path.strip_prefix(".").unwrap_or(&path).display().to_string()
}

fn kib(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
