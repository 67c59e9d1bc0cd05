//! `wforge plugin …`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use wforge_engine::PluginInfo;
use wforge_ports::plugins::Admitted;

use super::Session;
use super::admin::{print_rows, text_of, with_control};
use super::args::PluginCommand;
use super::brakes;
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, Ui, columns, harmless};
use crate::client::{self, Client, Control};
use crate::compose::{Mode, components_in, read_component};

/// Where the platform's plugins are.
const PLATFORM_PLUGINS: &str = "/v1/platform/plugins";

/// One of the commands.
pub(crate) async fn run(session: &Session, command: PluginCommand) -> anyhow::Result<u8> {
    match &command {
        PluginCommand::Install { path, platform: true } => {
            return for_platform(session, path).await;
        }
        PluginCommand::List { platform: true } => return of_platform(session).await,
        PluginCommand::Quarantine { .. }
        | PluginCommand::Release { .. }
        | PluginCommand::Precompile { .. } => return brakes::run(session, &command).await,
        PluginCommand::Install { .. }
        | PluginCommand::List { .. }
        | PluginCommand::Inspect { .. } => {}
    }
    let client = client::open(&session.config, Mode::Look).await?;
    let result = match command {
        PluginCommand::Install { path, .. } => install(&session.ui, &client, &path).await,
        PluginCommand::List { .. } => list(&session.ui, &client).await,
        PluginCommand::Inspect { name } => inspect(&session.ui, &client, &name).await,
        // These were done before.
        PluginCommand::Quarantine { .. }
        | PluginCommand::Release { .. }
        | PluginCommand::Precompile { .. } => Ok(EXIT_FAILED),
    };
    client.finish(result).await
}

async fn for_platform(session: &Session, path: &Path) -> anyhow::Result<u8> {
    let (ui, files) = (&session.ui, files_at(path)?);
    let ask = async |control: &Control| {
        let mut installed = Vec::new();
        for file in &files {
            let component = read_component(file)?;
            let sent = control.send(PLATFORM_PLUGINS, "application/wasm", component.bytes);
            let info = sent.await.with_context(|| component.file.clone())?;
            ui.note(&format!("{}  {}", ui.paint(Paint::Green, "installed"), text_of(&info, "id")));
            installed.push(info);
        }
        Ok(installed)
    };
    let installed = with_control(session, ask).await?;
    ui.note("nobody can use it yet: wforge tenants plugins TENANT PLUGIN");
    if ui.is_json() {
        ui.out_json(&installed)?;
    }
    Ok(0)
}

async fn of_platform(session: &Session) -> anyhow::Result<u8> {
    let plugins = with_control(session, async |c| c.list(PLATFORM_PLUGINS).await).await?;
    let row = |plugin: &serde_json::Value| vec![text_of(plugin, "id")];
    print_rows(&session.ui, &plugins, row, "the platform has no plugins")?;
    Ok(0)
}

fn files_at(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let files = if path.is_dir() { components_in(path)? } else { vec![path.to_owned()] };
    if files.is_empty() {
        let message = format!("{} holds no .wasm file", path.display());
        return Err(Refusal::user("no_components", message).into());
    }
    Ok(files)
}

async fn install(ui: &Ui, client: &Client, path: &Path) -> anyhow::Result<u8> {
    let files = files_at(path)?;
    let mut installed = Vec::new();
    for file in &files {
        let info = client.install(read_component(file)?).await?;
        ui.note(&format!("{}  {}", ui.paint(Paint::Green, "installed"), name(&info.admitted)));
        for need in &info.admitted.manifest.needs {
            let (capability, reason) = (&need.capability, harmless(&need.reason));
            ui.note(&format!("  needs {capability}: {reason}"));
        }
        installed.push(info);
    }
    if ui.is_json() {
        ui.out_json(&installed)?;
    }
    Ok(0)
}

fn name(plugin: &Admitted) -> String {
    format!("{}@{}", plugin.manifest.name, plugin.manifest.version)
}

async fn list(ui: &Ui, client: &Client) -> anyhow::Result<u8> {
    let plugins = client.plugins().await?;
    if ui.is_json() {
        ui.out_json(&plugins)?;
        return Ok(0);
    }
    let row = |info: &PluginInfo| {
        let manifest = &info.admitted.manifest;
        let description = manifest.description.as_deref().map(harmless).unwrap_or_default();
        let size = format!("{} KiB", info.admitted.bytes / 1_024);
        let standing = brakes::standing(&info.standing).unwrap_or(description);
        vec![name(&info.admitted), size, info.installed_at.to_string(), standing]
    };
    let rows: Vec<Vec<String>> = plugins.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("no plugin is installed; wforge plugin install FILE|DIR");
    }
    Ok(0)
}

async fn inspect(ui: &Ui, client: &Client, text: &str) -> anyhow::Result<u8> {
    let path = Path::new(text);
    let is_file = path.is_file() || text.ends_with(".wasm");
    if is_file {
        let admitted = client.admit(read_component(path)?).await?;
        if ui.is_json() {
            ui.out_json(&admitted)?;
        } else {
            print(ui, &admitted)?;
        }
        return Ok(0);
    }
    let plugin = client.plugin(text).await?;
    if ui.is_json() {
        ui.out_json(&plugin)?;
        return Ok(0);
    }
    print(ui, &plugin.admitted)?;
    if let Some(standing) = brakes::standing(&plugin.standing) {
        ui.out(&ui.paint(Paint::Red, &standing));
    }
    Ok(0)
}

fn print(ui: &Ui, plugin: &Admitted) -> anyhow::Result<()> {
    let manifest = &plugin.manifest;
    ui.out(&ui.paint(Paint::Bold, &name(plugin)));
    if let Some(description) = &manifest.description {
        ui.out(&format!("  {}", harmless(description)));
    }
    let mut facts = vec![
        vec!["component".to_owned(), plugin.component.to_string()],
        vec!["size".to_owned(), format!("{} bytes", plugin.bytes)],
        vec!["contract".to_owned(), harmless(&plugin.api)],
        vec!["imports".to_owned(), harmless(&plugin.imports.join(", "))],
    ];
    let more = [("license", &manifest.license), ("repository", &manifest.repository)];
    for (label, value) in more {
        facts.extend(value.as_deref().map(|value| vec![label.to_owned(), harmless(value)]));
    }
    columns(&facts).iter().for_each(|line| ui.out(&format!("  {line}")));
    for need in &manifest.needs {
        ui.out(&format!("  needs {}: {}", need.capability, harmless(&need.reason)));
    }
    for agent in &manifest.agents {
        let description = agent.description.as_deref().map(harmless).unwrap_or_default();
        ui.out(&format!("{} {}  {description}", ui.paint(Paint::Cyan, "agent"), agent.name));
        if !agent.exits.is_empty() {
            ui.out(&format!("  exits   {}", harmless(&agent.exits.join(", "))));
        }
        for (label, schema) in [("input", &agent.input), ("output", &agent.output)] {
            ui.out(&format!("  {label:7} {}", harmless(&serde_json::to_string(schema)?)));
        }
    }
    Ok(())
}
