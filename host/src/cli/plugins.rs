//! `wforge plugin …`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use wforge_engine::PluginInfo;
use wforge_model::manifest::ParsePluginNameError;
use wforge_model::{PluginName, Recording};
use wforge_ports::plugins::Admitted;

use super::Session;
use super::admin::{print_rows, text_of, with_control};
use super::args::PluginCommand;
use super::brakes;
use super::install::{self, Wanted};
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, Ui, columns, harmless};
use crate::client::{self, Client, Component, Control, in_query};
use crate::compose::{Mode, components_in, read_component, read_signature};

/// Where a registry's plugin is installed, and the keys that it is held to.
const OWN: (&str, &str) = ("/v1/plugins", "/v1/trust/keys");
/// The same for the platform.
const PLATFORM: (&str, &str) = (PLATFORM_PLUGINS, "/v1/tenants/platform/trust/keys");
/// Where the platform's plugins are.
const PLATFORM_PLUGINS: &str = "/v1/platform/plugins";

/// One of the commands.
pub(crate) async fn run(session: &Session, command: PluginCommand) -> anyhow::Result<u8> {
    match &command {
        PluginCommand::Install { path, signature, platform, from } => {
            if let Some(reference) = install::is_reference(path) {
                let signature = signature.as_deref().map(signature_of).transpose()?;
                let (path, keys) = if *platform { PLATFORM } else { OWN };
                let wanted = Wanted { reference, signature, path, keys, how: from };
                return installed_from(session, wanted).await;
            }
            install::refuse_for_files(from)?;
            if *platform {
                return for_platform(session, &signed_files(path, signature.as_deref())?).await;
            }
        }
        PluginCommand::List { platform: true } => return of_platform(session).await,
        PluginCommand::Versions { name } => return versions(session, name).await,
        PluginCommand::Quarantine { .. }
        | PluginCommand::Release { .. }
        | PluginCommand::Use { .. }
        | PluginCommand::Precompile { .. } => return brakes::run(session, &command).await,
        PluginCommand::List { .. } | PluginCommand::Inspect { .. } => {}
    }
    if let PluginCommand::Inspect { name } = &command
        && !is_file(name)
    {
        return inspect_installed(session, name).await;
    }
    let client = client::open(&session.config, Mode::Look).await?;
    let result = match command {
        PluginCommand::Install { path, signature, .. } => {
            install_files(&session.ui, &client, signed_files(&path, signature.as_deref())).await
        }
        PluginCommand::List { .. } => list(&session.ui, &client).await,
        PluginCommand::Inspect { name } => inspect_file(&session.ui, &client, &name).await,
        // These were done before.
        PluginCommand::Versions { .. }
        | PluginCommand::Quarantine { .. }
        | PluginCommand::Release { .. }
        | PluginCommand::Use { .. }
        | PluginCommand::Precompile { .. } => Ok(EXIT_FAILED),
    };
    client.finish(result).await
}

async fn installed_from(session: &Session, wanted: Wanted<'_>) -> anyhow::Result<u8> {
    let ui = &session.ui;
    // Futures of the engine are large.
    let installed = Box::pin(install::from_registry(session, wanted)).await?;
    if ui.is_json() {
        ui.out_json(&installed)?;
    }
    Ok(0)
}

/// The signature of a file that is named.
fn signature_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = read_signature(path, Some(path))?;
    bytes.with_context(|| path.display().to_string())
}

async fn for_platform(session: &Session, components: &[Component]) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let ask = async |control: &Control| {
        let mut installed = Vec::new();
        for component in components {
            let sent = control.send_component(PLATFORM_PLUGINS, component.clone());
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

/// What is to be installed, each with its signature where it has one.
fn signed_files(path: &Path, signature: Option<&Path>) -> anyhow::Result<Vec<Component>> {
    if signature.is_some() && path.is_dir() {
        let message = "--signature is of one file, and this is a folder";
        let refusal = Refusal::user("bad_flags", message);
        return Err(refusal.help("lay FILE.wasm.minisig beside each FILE.wasm").into());
    }
    let files = files_at(path)?;
    let read = |file: &PathBuf| {
        let signature = read_signature(file, signature)?;
        Ok(Component { signature, ..read_component(file)? })
    };
    files.iter().map(read).collect()
}

async fn install_files(
    ui: &Ui,
    client: &Client,
    components: anyhow::Result<Vec<Component>>,
) -> anyhow::Result<u8> {
    let mut installed = Vec::new();
    for component in components? {
        let info = client.install(component).await?;
        let signed = info.signer.as_ref().map(|signer| format!("  signed by {signer}"));
        let (verb, name) = (ui.paint(Paint::Green, "installed"), name(&info.admitted));
        ui.note(&format!("{verb}  {name}{}", signed.unwrap_or_default()));
        for need in &info.admitted.manifest.needs {
            let (capability, reason) = (&need.capability, harmless(&need.reason));
            ui.note(&format!("  needs {capability}: {reason}"));
        }
        installed.push(info);
    }
    if installed.iter().any(|info| !info.admitted.manifest.needs.is_empty()) {
        ui.note("what they were granted: wforge plugin inspect NAME, wforge grants list");
    }
    if ui.is_json() {
        ui.out_json(&installed)?;
    }
    Ok(0)
}

fn stand_of(ui: &Ui, stand: &Value) -> String {
    if stand.get("may").and_then(Value::as_bool) != Some(true) {
        let command = text_of(stand, "command");
        return format!("{}: {command}", ui.paint(Paint::Yellow, "not granted everywhere"));
    }
    let used = match text_of(stand, "used_on") {
        day if day.is_empty() => "never used".to_owned(),
        day => format!("last used on {day}"),
    };
    format!("{}, {used}", ui.paint(Paint::Green, "granted"))
}

fn name(plugin: &Admitted) -> String {
    format!("{}@{}", plugin.manifest.name, plugin.manifest.version)
}

async fn list(ui: &Ui, client: &Client) -> anyhow::Result<u8> {
    let plugins = client.plugins().await?;
    print_plugins(ui, &plugins)?;
    if plugins.is_empty() && !ui.is_json() {
        ui.note("no plugin is installed; wforge plugin install FILE|DIR");
    }
    Ok(0)
}

/// `wforge plugin versions`.
async fn versions(session: &Session, name: &str) -> anyhow::Result<u8> {
    let name: PluginName = name.parse().map_err(|error: ParsePluginNameError| {
        Refusal::user("bad_flags", harmless(&error.to_string()))
            .help("wforge plugin list shows the names")
    })?;
    let path = format!("/v1/plugins/{name}/versions");
    let found = with_control(session, async |control: &Control| control.list(&path).await);
    let plugins: Vec<PluginInfo> = serde_json::from_value(found.await?.into())?;
    print_plugins(&session.ui, &plugins)?;
    Ok(0)
}

fn print_plugins(ui: &Ui, plugins: &[PluginInfo]) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(&plugins);
    }
    let rows: Vec<Vec<String>> = plugins.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    Ok(())
}

fn row(info: &PluginInfo) -> Vec<String> {
    let manifest = &info.admitted.manifest;
    let description = manifest.description.as_deref().map(harmless).unwrap_or_default();
    let size = format!("{} KiB", info.admitted.bytes / 1_024);
    let standing = brakes::standing(&info.standing).unwrap_or(description);
    let signer = info.signer.as_ref().map_or("unsigned", |signer| signer.name.as_str());
    let installed_at = info.installed_at.to_string();
    vec![name(&info.admitted), size, installed_at, signer.to_owned(), standing]
}

fn is_file(text: &str) -> bool {
    Path::new(text).is_file() || text.ends_with(".wasm")
}

async fn inspect_file(ui: &Ui, client: &Client, text: &str) -> anyhow::Result<u8> {
    let admitted = client.admit(read_component(Path::new(text))?).await?;
    show(ui, &admitted)?;
    Ok(0)
}

/// What a component says of itself.
pub(super) fn show(ui: &Ui, admitted: &Admitted) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(&Inspected { effects: admitted.recording(), admitted });
    }
    print(ui, admitted, &BTreeMap::new())
}

/// A plugin, and whether all that it can do is recorded.
#[derive(serde::Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    admitted: &'a Admitted,
    effects: Recording,
}

fn effects(plugin: &Admitted) -> String {
    match plugin.recording() {
        Recording::Recorded => "recorded".to_owned(),
        Recording::Partial => "partial: what wasi:http does is not recorded, and is refused at a \
                               node without effects: { idempotent: true }"
            .to_owned(),
    }
}

/// Of an installed plugin also what each of its needs was granted, and when it was last used.
async fn inspect_installed(session: &Session, name: &str) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let ask = async |control: &Control| {
        let info = control.get(&format!("/v1/plugins/{name}")).await?;
        let plugin: PluginInfo = serde_json::from_value(info).context("reading the answer")?;
        let mut stands = BTreeMap::new();
        for need in plugin.admitted.needs() {
            let path = format!(
                "/v1/grants/explain?plugin={}&capability={}",
                in_query(name),
                in_query(&need.to_string())
            );
            stands.insert(need.to_string(), control.get(&path).await?);
        }
        Ok((plugin, stands))
    };
    let (plugin, stands) = with_control(session, ask).await?;
    if ui.is_json() {
        let (effects, admitted) = (plugin.admitted.recording(), &plugin.admitted);
        let mut shown = serde_json::to_value(Inspected { effects, admitted })?;
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("grants".to_owned(), serde_json::to_value(&stands)?);
            fields.insert("standing".to_owned(), serde_json::to_value(&plugin.standing)?);
            fields.insert("signer".to_owned(), serde_json::to_value(&plugin.signer)?);
        }
        ui.out_json(&shown)?;
    } else {
        print(ui, &plugin.admitted, &stands)?;
        let signer = plugin.signer.map(|signer| signer.to_string());
        ui.out(&format!("signed by {}", signer.unwrap_or_else(|| "nobody".to_owned())));
        if let Some(standing) = brakes::standing(&plugin.standing) {
            ui.out(&ui.paint(Paint::Red, &standing));
        }
    }
    Ok(0)
}

fn print(ui: &Ui, plugin: &Admitted, stands: &BTreeMap<String, Value>) -> anyhow::Result<()> {
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
        vec!["effects".to_owned(), effects(plugin)],
    ];
    let more = [("license", &manifest.license), ("repository", &manifest.repository)];
    for (label, value) in more {
        facts.extend(value.as_deref().map(|value| vec![label.to_owned(), harmless(value)]));
    }
    columns(&facts).iter().for_each(|line| ui.out(&format!("  {line}")));
    for need in &manifest.needs {
        ui.out(&format!("  needs {}: {}", need.capability, harmless(&need.reason)));
        if let Some(stand) = stands.get(&need.capability.to_string()) {
            ui.out(&format!("    {}", stand_of(ui, stand)));
        }
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
