//! What `--input`, `--answer`, `--mock` and `--context` say, as the JSON that a workflow wants.
//!
//! Every problem of one command line is found at once.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use wforge_model::event::Write;
use wforge_model::mock::MockAnswer;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Key, NodePath, Object, Value, WorkflowRef};

use super::folder::{self, ToBring};
use super::parts::{Lost, Parts, unknown};
use super::refusal::Refusal;

/// The longest file or text that is read, in bytes, whatever a workflow's state may hold.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// The longest workflow file, in bytes.
const WORKFLOW_BYTES_MAX: u64 = 1 << 20;

/// What flags gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Given {
    pub(crate) input: Object,
    pub(crate) answers: BTreeMap<NodePath, Value>,
    pub(crate) mocks: BTreeMap<NodePath, Option<MockAnswer>>,
    pub(crate) context: Value,
    /// Files that the input names by reference.
    pub(crate) bring: ToBring,
    /// Whether stdin was read, so that nobody can be asked through it.
    pub(crate) stdin_taken: bool,
}

/// The flags as typed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flags<'a> {
    pub(crate) inputs: &'a [String],
    pub(crate) answers: &'a [String],
    pub(crate) mocks: &'a [String],
    pub(crate) context: Option<&'a str>,
    /// What the state of a run may hold where its workflow says nothing.
    pub(crate) state_bytes_max: u64,
}

/// The workflows on the ways of flags that are not at hand.
pub(super) fn missing_parts(parts: Parts<'_>, flags: Flags<'_>) -> Vec<WorkflowRef> {
    let paths = flags.answers.iter().chain(flags.mocks);
    let paths = paths.map(|flag| flag.split_once('=').map_or(flag.as_str(), |(path, _)| path));
    let mut missing: Vec<WorkflowRef> = Vec::new();
    for path in paths {
        if let Err(Lost::NotAtHand(named)) = parts.find(path)
            && !missing.contains(&named)
        {
            missing.push(named);
        }
    }
    missing
}

/// Reads all flags.
pub(super) fn read(parts: Parts<'_>, flags: Flags<'_>) -> anyhow::Result<Given> {
    let draft = parts.root;
    let mut given = Given::default();
    let mut problems = Vec::new();
    for flag in flags.inputs {
        match input(draft, flag, flags.state_bytes_max, &mut given) {
            Ok((key, value)) if given.input.contains_key(&key) => {
                drop(value);
                problems.push(format!("--input {key}: given twice"));
            }
            Ok((key, value)) => drop(given.input.insert(key, value)),
            Err(problem) => problems.push(format!("--input {problem}")),
        }
    }
    for flag in flags.answers {
        match answer(parts, flag) {
            Ok((node, value)) => drop(given.answers.insert(node, value)),
            Err(problem) => problems.push(format!("--answer {problem}")),
        }
    }
    for flag in flags.mocks {
        match mock(parts, flag) {
            Ok((node, answer)) => drop(given.mocks.insert(node, answer)),
            Err(problem) => problems.push(format!("--mock {problem}")),
        }
    }
    match flags.context.map(context).transpose() {
        Ok(value) => given.context = value.unwrap_or(Value::Null),
        Err(problem) => problems.push(format!("--context {problem}")),
    }
    if problems.is_empty() {
        return Ok(given);
    }
    Err(refused(problems).into())
}

fn refused(mut problems: Vec<String>) -> Refusal {
    const CODE: &str = "bad_flags";
    match problems.len() {
        1 => Refusal::user(CODE, problems.remove(0)),
        many => Refusal::user(CODE, format!("{many} flags are wrong")).details(problems),
    }
}

type Read<T> = Result<T, String>;

fn input(
    draft: &WorkflowDraft,
    flag: &str,
    state_bytes_max: u64,
    given: &mut Given,
) -> Read<(String, Value)> {
    let (key, text) = flag
        .split_once('=')
        .ok_or_else(|| format!("{flag}: write KEY=text, KEY=@FILE or KEY=-"))?;
    if !draft.input.iter().any(|known| known.as_str() == key) {
        return Err(unknown("input key", (key, key), draft.input.iter().map(Key::as_str)));
    }
    let schema = draft.state.get(key).and_then(|spec| spec.schema.as_ref());
    if let Some(path) = text.strip_prefix('@').map(Path::new) {
        let value = if path.is_dir() && !is_text(schema) {
            Some(folder::listing(path, &mut given.bring))
        } else {
            schema.is_some_and(is_blob).then(|| folder::reference(path, &mut given.bring))
        };
        if let Some(value) = value {
            let place = |problem: String| format!("{key}: {problem}");
            return Ok((key.to_owned(), value.map_err(place)?));
        }
    }
    value_of(draft, (key, text), state_bytes_max, &mut given.stdin_taken)
}

/// The writes of `--set`: any key of the state.
pub(crate) fn writes(
    draft: &WorkflowDraft,
    flags: &[String],
    state_bytes_max: u64,
) -> anyhow::Result<Vec<Write>> {
    let (mut writes, mut problems, mut stdin_taken) = (Vec::new(), Vec::new(), false);
    for flag in flags {
        match write(draft, flag, state_bytes_max, &mut stdin_taken) {
            Ok(write) => writes.push(write),
            Err(problem) => problems.push(format!("--set {problem}")),
        }
    }
    if problems.is_empty() { Ok(writes) } else { Err(refused(problems).into()) }
}

fn write(
    draft: &WorkflowDraft,
    flag: &str,
    state_bytes_max: u64,
    stdin_taken: &mut bool,
) -> Read<Write> {
    let (name, text) = flag
        .split_once('=')
        .ok_or_else(|| format!("{flag}: write KEY=text, KEY=@FILE or KEY=-"))?;
    let Some(key) = draft.state.keys().find(|known| known.as_str() == name) else {
        return Err(unknown("state key", (name, name), draft.state.keys().map(Key::as_str)));
    };
    let has_schema = draft.state.get(key).is_some_and(|spec| spec.schema.is_some());
    let value = if has_schema || text == "-" || text.starts_with('@') {
        value_of(draft, (name, text), state_bytes_max, stdin_taken)?.1
    } else {
        coerced(text, None)?
    };
    Ok(Write { key: key.clone(), value, overwrite: false })
}

/// The value of a key as a flag gives it, by the key's schema.
fn value_of(
    draft: &WorkflowDraft,
    (key, text): (&str, &str),
    state_bytes_max: u64,
    stdin_taken: &mut bool,
) -> Read<(String, Value)> {
    let schema = draft.state.get(key).and_then(|spec| spec.schema.as_ref());
    if schema.is_some_and(is_blob) {
        return Err(format!("{key}: give a file: {key}=@FILE"));
    }
    let limit = draft.limits.state_bytes_max.unwrap_or(state_bytes_max).min(FILE_BYTES_MAX);
    let value = match text.strip_prefix('@') {
        Some(path) => file(Path::new(path), schema, limit),
        None if text == "-" => {
            if std::mem::replace(stdin_taken, true) {
                return Err(format!("{key}: only one key can come from stdin"));
            }
            let text = bounded(std::io::stdin().lock(), limit);
            text.map_err(|problem| format!("stdin {problem}")).and_then(|text| typed(&text, schema))
        }
        None => typed(text, schema),
    };
    let place = |problem: String| {
        let hint = "; the workflow's limits.state_bytes_max says how much its state may hold";
        let hint = if problem.contains("bytes that are read here") { hint } else { "" };
        format!("{key}: {problem}{hint}")
    };
    value.map(|value| (key.to_owned(), value)).map_err(place)
}

/// A reference to a blob, by the contract's form.
fn is_blob(schema: &Value) -> bool {
    schema.pointer("/properties/$blob").is_some()
}

fn is_text(schema: Option<&Value>) -> bool {
    schema.and_then(|schema| schema.get("type")).is_some_and(|kind| kind == "string")
}

/// By the schema; without one, text stays text.
fn typed(text: &str, schema: Option<&Value>) -> Read<Value> {
    match schema {
        None => Ok(Value::from(text)),
        Some(schema) => wforge_spec::coerce(text, schema).map_err(|error| error.to_string()),
    }
}

fn file(path: &Path, schema: Option<&Value>, limit: u64) -> Read<Value> {
    let shown = path.display();
    if path.is_dir() {
        return Err(format!("{shown} is a folder; name a file"));
    }
    let text = text_of(path, limit)?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    if is_text(schema) {
        return Ok(Value::from(text));
    }
    if is_json {
        return serde_json::from_str(&text).map_err(|error| format!("{shown} is no JSON: {error}"));
    }
    typed(&text, schema)
}

/// The text of a file.
pub(crate) fn text_of(path: &Path, limit: u64) -> Read<String> {
    let shown = path.display();
    let file = fs_err::File::open(path).map_err(|error| error.to_string())?;
    bounded(file, limit).map_err(|problem| format!("{shown} {problem}"))
}

fn bounded(from: impl std::io::Read, limit: u64) -> Read<String> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(format!("has more than the {limit} bytes that are read here"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        format!(
            "is no text: byte {place} is not UTF-8; a key whose schema is a blob takes any file"
        )
    })
}

fn answer(parts: Parts<'_>, flag: &str) -> Read<(NodePath, Value)> {
    let (name, text) = flag.split_once('=').ok_or_else(|| format!("{flag}: write NODE=VALUE"))?;
    let asks = || {
        parts.root.nodes.iter().filter_map(|(id, node)| match &node.work {
            Work::Ask(_) => Some(id.as_str()),
            Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Workflow(_) => None,
        })
    };
    let none = || unknown("node that asks", (name, name), asks());
    let (path, node) = match parts.find(name) {
        Ok(found) => found,
        Err(lost) if name.contains('/') => return Err(lost.problem()),
        Err(_) => return Err(none()),
    };
    let ask = match &node.work {
        Work::Ask(ask) => ask,
        Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Workflow(_) => {
            let is_inside = name.contains('/');
            return Err(if is_inside { format!("{name}: it asks nothing") } else { none() });
        }
    };
    let value = coerced(text, ask.schema.as_ref()).map_err(|error| format!("{name}: {error}"))?;
    Ok((path, value))
}

/// An answer by the question's schema; without one, JSON is JSON and everything else text.
pub(crate) fn coerced(text: &str, schema: Option<&Value>) -> Read<Value> {
    let anything = Value::Object(Object::new());
    wforge_spec::coerce(text, schema.unwrap_or(&anything)).map_err(|error| error.to_string())
}

fn mock(parts: Parts<'_>, flag: &str) -> Read<(NodePath, Option<MockAnswer>)> {
    let (name, path) = match flag.split_once('=') {
        Some((name, path)) => (name, Some(path)),
        None => (flag, None),
    };
    let (at, node) = parts.find(name).map_err(Lost::problem)?;
    match node.work {
        Work::Set(_) => return Err(format!("{name}: a set node needs no mock")),
        Work::Workflow(_) => {
            let inside = format!("mock the agents inside that one, {name}/NODE");
            return Err(format!("{name}: it runs a workflow; {inside}"));
        }
        Work::Agent(_) | Work::Mock | Work::Ask(_) => {}
    }
    let Some(path) = path else { return Ok((at, None)) };
    let text =
        text_of(Path::new(path), FILE_BYTES_MAX).map_err(|problem| format!("{name}: {problem}"))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| format!("{name}: {path} is no JSON: {error}"))?;
    let given = match node.work {
        Work::Ask(_) => MockAnswer { answer: Some(value), ..MockAnswer::default() },
        Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Workflow(_) => {
            MockAnswer { output: Some(value), ..MockAnswer::default() }
        }
    };
    Ok((at, Some(given)))
}

fn context(flag: &str) -> Read<Value> {
    let text = match flag.strip_prefix('@') {
        Some(path) => text_of(Path::new(path), FILE_BYTES_MAX)?,
        None => flag.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| format!("is no JSON: {error}"))
}

/// The text of a workflow file.
pub(crate) fn workflow_text(path: &Path) -> Result<String, Refusal> {
    if path.is_dir() {
        let message = format!("{} is a folder, not a workflow file", path.display());
        return Err(Refusal::user("unreadable", message));
    }
    text_of(path, WORKFLOW_BYTES_MAX).map_err(|problem| Refusal::user("unreadable", problem))
}

#[cfg(test)]
#[path = "inputs_tests.rs"]
mod tests;
