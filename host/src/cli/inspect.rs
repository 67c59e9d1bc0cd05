//! `wforge inspect FILE`: what a component, a workflow file or a cassette says of itself. An
//! installed plugin is looked at by `plugins`.

use std::path::Path;

use serde_json::json;
use wforge_effects::llm::CassetteEntry;
use wforge_model::Value;
use wforge_model::limits::SandboxLimits;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_ports::workflows::WorkflowReader as _;

use super::refusal::Refusal;
use super::ui::{Paint, Ui, columns, harmless};
use super::{inputs, invalid, plugins, reader};
use crate::author::sandbox::{Sandbox, refusal_of};
use crate::compose::read_component;

/// How files of cassettes end.
const CASSETTES: [&str; 2] = ["ndjson", "jsonl"];
/// The largest cassette that is read, in bytes.
const CASSETTE_BYTES_MAX: u64 = 64 << 20;
/// What is shown of a text, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// Whether a file is meant, and not the name of an installed plugin.
pub(crate) fn is_file(name: &str) -> bool {
    Path::new(name).exists() || ending(name).is_some()
}

fn ending(name: &str) -> Option<&str> {
    let known = |ending: &&str| ["wasm", "yaml", "yml", "json", "ndjson", "jsonl"].contains(ending);
    Path::new(name).extension()?.to_str().filter(known)
}

/// `wforge inspect FILE`.
pub(crate) async fn run(ui: &Ui, name: &str) -> anyhow::Result<u8> {
    let path = Path::new(name);
    if path.is_dir() {
        let message = format!("{name} is a folder: name a file");
        return Err(Refusal::user("unreadable", message).into());
    }
    match ending(name) {
        Some("wasm") => component(ui, path).await,
        Some(ending) if CASSETTES.contains(&ending) => cassette(ui, path),
        _ => workflow(ui, path),
    }
}

async fn component(ui: &Ui, path: &Path) -> anyhow::Result<u8> {
    let bytes = read_component(path)?.bytes;
    let sandbox = Sandbox::open(&SandboxLimits::default())?;
    let admitted = sandbox.admit(bytes).await.map_err(|error| refusal_of(error, path))?;
    plugins::show(ui, &admitted)?;
    Ok(0)
}

fn workflow(ui: &Ui, path: &Path) -> anyhow::Result<u8> {
    let name = path.display().to_string();
    let text = inputs::workflow_text(path)?;
    let read = reader().read(&name, &text).map_err(|reports| invalid(&name, &reports))?;
    let draft = read.draft;
    let digest = wforge_spec::digest(&draft)?;
    if ui.is_json() {
        let nodes: Vec<Value> = draft
            .nodes
            .iter()
            .map(|(id, node)| json!({ "node": id, "does": does(&node.work) }))
            .collect();
        ui.out_json(&json!({
            "workflow": draft.name,
            "version": draft.version,
            "digest": digest,
            "input": draft.input,
            "output": draft.output,
            "nodes": nodes,
        }))?;
        return Ok(0);
    }
    print_workflow(ui, &draft, &digest.to_string());
    Ok(0)
}

fn print_workflow(ui: &Ui, draft: &WorkflowDraft, digest: &str) {
    ui.out(&ui.paint(Paint::Bold, &format!("{}@{}", draft.name, draft.version)));
    let keys = |keys: &[wforge_model::Key]| {
        keys.iter().map(wforge_model::Key::as_str).collect::<Vec<_>>().join(", ")
    };
    let facts = [
        vec!["digest".to_owned(), digest.to_owned()],
        vec!["input".to_owned(), keys(&draft.input)],
        vec!["output".to_owned(), keys(&draft.output)],
    ];
    columns(&facts).iter().for_each(|line| ui.out(&format!("  {line}")));
    let nodes = draft.nodes.iter();
    let rows: Vec<Vec<String>> = nodes
        .map(|(id, node)| vec!["node".to_owned(), id.to_string(), harmless(&does(&node.work))])
        .collect();
    columns(&rows).iter().for_each(|line| ui.out(&format!("  {line}")));
}

/// What a node does, in a few words.
fn does(work: &Work) -> String {
    match work {
        Work::Agent(agent) => format!("agent {agent}"),
        Work::Mock => "agent mock".to_owned(),
        Work::Set(_) => "set".to_owned(),
        Work::Ask(_) => "ask".to_owned(),
        Work::Workflow(_) => "workflow".to_owned(),
    }
}

fn cassette(ui: &Ui, path: &Path) -> anyhow::Result<u8> {
    let shown = path.display();
    let text = inputs::text_of(path, CASSETTE_BYTES_MAX)
        .map_err(|problem| Refusal::user("unreadable", problem))?;
    let entries = CassetteEntry::parse(&text)
        .map_err(|error| Refusal::user("bad_cassette", format!("{shown}: {error}")))?;
    if ui.is_json() {
        let told = |entry: &CassetteEntry| {
            json!({
                "hash": format!("{:?}", entry.hash),
                "model": entry.request.as_ref().and_then(|request| request.get("model")),
                "failed": entry.answer.is_err(),
            })
        };
        let entries: Vec<Value> = entries.iter().map(told).collect();
        ui.out_json(&json!({ "cassette": path, "entries": entries }))?;
        return Ok(0);
    }
    let count = entries.len();
    let answers = if count == 1 { "answer" } else { "answers" };
    ui.out(&format!("{shown}: {count} {answers}"));
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(&format!("  {line}")));
    Ok(0)
}

fn row(entry: &CassetteEntry) -> Vec<String> {
    let request = entry.request.as_ref();
    let model = request.and_then(|request| request.get("model")?.as_str()).unwrap_or("?");
    let answer = match &entry.answer {
        Ok(answer) => answer.pointer("/message/parts").unwrap_or(answer).to_string(),
        Err(failure) => failure.to_string(),
    };
    let answer: String = answer.chars().take(SHOWN_CHARS_MAX).collect();
    vec![format!("{:?}", entry.hash), harmless(model), harmless(&answer)]
}
