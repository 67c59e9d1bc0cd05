//! The top of a workflow file, its state, limits and mock settings.

use std::collections::BTreeMap;

use wforge_model::limits::AskedLimits;
use wforge_model::mock::{MockSettings, OnDegraded};
use wforge_model::workflow::{Interrupts, KeySpec, Reducer, WorkflowDraft};
use wforge_model::{Key, NodeId};

use super::forms::{FILE, INTERRUPT, KEY, LIMITS, MOCK};
use super::reader::{Fields, Reader};
use super::tree::{Entry, Node};
use super::{edges, nodes};

/// The version of the language.
const API_VERSION: &str = "workflowforge/v1";
/// The longest name of a workflow.
const NAME_BYTES_MAX: usize = 64;

/// The draft, as far as it could be read: it runs only where the reader found no flaw, and is
/// looked at with its [`super::gaps`] else. None: the file is no map.
pub(super) fn read(reader: &mut Reader, root: &Node) -> Option<WorkflowDraft> {
    let fields = reader.fields(root, &FILE)?;
    api_version(reader, &fields);
    let name = name(reader, &fields);
    let version = version(reader, &fields);
    let state = fields.get("state").map(|node| state(reader, node)).unwrap_or_default();
    let input = fields.get("input").map(|node| reader.names(node, "input")).unwrap_or_default();
    let output = fields.get("output").map(|node| reader.names(node, "output")).unwrap_or_default();
    let nodes = reader.required(&fields, &FILE, "nodes").map(|node| nodes::read(reader, node));
    let edges = reader.required(&fields, &FILE, "edges").map(|node| edges::read(reader, node));
    let limits = fields.get("limits").map(|node| limits(reader, node)).unwrap_or_default();
    let mock = fields.get("mock").map(|node| mock(reader, node)).unwrap_or_default();
    let nodes = nodes.unwrap_or_default();
    let interrupt = fields.get("interrupt").map(|node| interrupts(reader, node, &nodes));
    let on_failure = fields.get("on_failure").and_then(|node| reader.name(node, "on_failure"));
    Some(WorkflowDraft {
        name: name.unwrap_or_default(),
        version: version.unwrap_or(semver::Version::new(0, 0, 0)),
        state,
        input,
        output,
        nodes,
        edges: edges.unwrap_or_default(),
        limits,
        mock,
        interrupt: interrupt.unwrap_or_default(),
        on_failure,
        lines: None,
    })
}

fn api_version(reader: &mut Reader, fields: &Fields<'_>) {
    let Some(node) = reader.required(fields, &FILE, "apiVersion") else { return };
    if let Some(text) = reader.text(node, "apiVersion")
        && text != API_VERSION
    {
        let message = format!("apiVersion \"{text}\" is not known here");
        reader.flaw_help(node.at, "api_version", message, format!("write {API_VERSION}"));
    }
}

fn name(reader: &mut Reader, fields: &Fields<'_>) -> Option<String> {
    let node = reader.required(fields, &FILE, "name")?;
    let name = reader.text(node, "name")?;
    let fits = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        // The API serves something else at this name's place.
        && name != "validate";
    if !fits {
        let rule = "letters, digits, _ and -, beginning with a letter, at most 64; not validate";
        reader.flaw(node.at, "name", format!("\"{name}\" is no workflow name: {rule}"));
    }
    Some(name.to_owned())
}

fn version(reader: &mut Reader, fields: &Fields<'_>) -> Option<semver::Version> {
    let node = reader.required(fields, &FILE, "version")?;
    let text = reader.text(node, "version")?;
    let version = semver::Version::parse(text);
    if let Err(error) = &version {
        let message = format!("\"{text}\" is no version: {error}");
        reader.flaw_help(node.at, "version", message, "write three numbers, such as 1.0.0");
    }
    version.ok()
}

fn state(reader: &mut Reader, node: &Node) -> BTreeMap<Key, KeySpec> {
    let entries = reader.map(node, "state").unwrap_or_default();
    entries.iter().filter_map(|entry| key(reader, entry)).collect()
}

fn key(reader: &mut Reader, entry: &Entry) -> Option<(Key, KeySpec)> {
    const REDUCERS: [(&str, Reducer); 9] = [
        ("last", Reducer::Last),
        ("append", Reducer::Append),
        ("merge", Reducer::Merge),
        ("union", Reducer::Union),
        ("sum", Reducer::Sum),
        ("min", Reducer::Min),
        ("max", Reducer::Max),
        ("messages", Reducer::Messages),
        ("any", Reducer::Any),
    ];
    let name = reader.parsed(&entry.key, entry.at);
    let fields = reader.fields(&entry.value, &KEY)?;
    let reducer = fields.get("reducer").and_then(|n| reader.choice(n, "reducer", &REDUCERS));
    let persist = fields.get("persist").and_then(|node| reader.boolean(node, "persist"));
    let ephemeral = fields.get("ephemeral").and_then(|node| reader.boolean(node, "ephemeral"));
    let spec = KeySpec {
        reducer: reducer.unwrap_or_default(),
        default: reader.literal(&fields, "default"),
        schema: reader.literal(&fields, "schema"),
        volatile: persist == Some(false),
        ephemeral: ephemeral.unwrap_or(false),
    };
    Some((name?, spec))
}

fn limits(reader: &mut Reader, node: &Node) -> AskedLimits {
    let Some(fields) = reader.fields(node, &LIMITS) else { return AskedLimits::default() };
    let count = |reader: &mut Reader, field| {
        fields.get(field).and_then(|node| reader.whole::<u32>(node, field))
    };
    let bytes = fields.get("state_bytes_max").and_then(|n| reader.whole(n, "state_bytes_max"));
    AskedLimits {
        steps_max: count(reader, "steps"),
        wall_ms_max: fields.get("wall").and_then(|node| reader.milliseconds(node, "wall")),
        parallel_max: count(reader, "parallel"),
        state_bytes_max: bytes,
        tasks_per_step_max: count(reader, "tasks_per_step_max"),
        step_ms_max: fields.get("step").and_then(|node| reader.milliseconds(node, "step")),
    }
}

fn mock(reader: &mut Reader, node: &Node) -> MockSettings {
    const CHOICES: [(&str, OnDegraded); 2] =
        [("continue", OnDegraded::Continue), ("fail", OnDegraded::Fail)];
    let Some(fields) = reader.fields(node, &MOCK) else { return MockSettings::default() };
    let allow = fields.get("allow").and_then(|node| reader.boolean(node, "allow"));
    let on_degraded =
        fields.get("on_degraded").and_then(|node| reader.choice(node, "on_degraded", &CHOICES));
    MockSettings { allow, on_degraded: on_degraded.unwrap_or_default() }
}

fn interrupts(
    reader: &mut Reader,
    node: &Node,
    nodes: &BTreeMap<NodeId, wforge_model::workflow::Node>,
) -> Interrupts {
    let Some(fields) = reader.fields(node, &INTERRUPT) else { return Interrupts::default() };
    let mut named = |field| match fields.get(field) {
        Some(node) if node.text().is_some_and(|text| text == "*") => {
            nodes.keys().cloned().collect()
        }
        Some(node) => reader.names(node, field),
        None => Vec::new(),
    };
    Interrupts { before: named("before"), after: named("after") }
}
