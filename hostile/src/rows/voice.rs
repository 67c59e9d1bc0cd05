//! Rows 16 and 17: what a guest says in the log and in its failures.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Setting, Trace};

/// A reader of events that misses nothing.
const READS_ALL: &[Setting] = &[("RUNS__SUBSCRIBER_LAG_MAX", "8192")];

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 16,
        attack: "4000 log lines",
        defence: "the lines of one call",
        settings: READS_ALL,
        make: floods,
        control: Control::Set(&[("LIMITS__SANDBOX__LOG_LINES_MAX", "100000")]),
        trace: Trace::Stopped { what: "log", code: "log_lines" },
    },
    Fixture {
        row: 16,
        attack: "log lines of 3 MB in all",
        defence: "the bytes of one call's log",
        settings: READS_ALL,
        make: floods_with_bytes,
        control: Control::Set(&[("LIMITS__SANDBOX__LOG_BYTES_MAX", "8000000")]),
        trace: Trace::Stopped { what: "log", code: "log_lines" },
    },
    Fixture {
        row: 17,
        attack: "what moves a terminal, in log and panic",
        defence: "it is written as escapes",
        settings: READS_ALL,
        make: injects,
        control: Control::Without("escapes"),
        trace: Trace::Inert("the text arrives, and nothing acts on it"),
    },
];

/// Time for a reader to come before the agent speaks, in milliseconds.
const PAUSE_MS: u64 = 500;

/// Has the attacker's agent do that while somebody reads the run's events: the data of each of its
/// log lines, and of how it ended.
fn overheard(arena: &Arena, deed: &Value) -> Result<Vec<(String, Value)>> {
    arena.installed(&arena.mallory, "mallory/hostile", || {
        arena.component("proofs/wforge-hostile.wasm")
    })?;
    let workflow = "apiVersion: workflowforge/v1
name: speaks
version: 1.0.0
state: { deeds: {}, result: {} }
input: [deeds]
output: [result]
nodes:
  it: { agent: wforge/hostile.act, in: { deeds: state.deeds }, out: { result: result } }
edges: [{ from: START, to: it }]
";
    let deeds = json!([{ "do": "wait", "ms": PAUSE_MS }, deed]);
    let body = json!({ "workflow": workflow, "input": { "deeds": deeds } });
    let started = arena.mallory.post("/v1/runs", &body)?.json()?;
    let run = started.get("id").or_else(|| started.get("run")).and_then(Value::as_str);
    let run = run.with_context(|| format!("no run: {started}"))?;
    let text = arena.mallory.get(&format!("/v1/runs/{run}/events"))?.text;
    let frames = text.split("\n\n").filter_map(|frame| {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let data = serde_json::from_str(field("data: ")?).ok()?;
        Some((field("event: ")?.to_owned(), data))
    });
    let frames: Vec<(String, Value)> = frames.collect();
    let ended = |(kind, _): &(String, Value)| kind.starts_with("run_") && kind != "run_started";
    ensure!(frames.iter().any(ended), "the events broke off: {text:.300}");
    Ok(frames)
}

/// The lines of the log among them.
fn lines(frames: &[(String, Value)]) -> impl Iterator<Item = &str> {
    let logs = frames.iter().filter(|(kind, _)| kind == "log");
    logs.filter_map(|(_, data)| data.get("message").and_then(Value::as_str))
}

/// How many of so many lines of that letter came.
fn count(arena: &Arena, text: &str, times: usize) -> Result<Outcome> {
    let frames = overheard(arena, &json!({ "do": "log", "text": text, "times": times }))?;
    let came = lines(&frames).filter(|line| line.starts_with(text)).count();
    if came == times {
        return Outcome::through(format!("all {times} lines"));
    }
    let dropped = (times - came).to_string();
    let told = lines(&frames).any(|line| line.contains(&dropped) && line.contains("dropped"));
    ensure!(came > 0 && told, "{came} of {times} lines came, and nobody said so");
    Outcome::held(format!("{came} lines, {dropped} dropped and counted"))
}

fn floods(arena: &Arena) -> Result<Outcome> {
    count(arena, "x", 4_000)
}

fn floods_with_bytes(arena: &Arena) -> Result<Outcome> {
    count(arena, &"y".repeat(4_000), 750)
}

/// Clears a terminal, begins a line of its own with fields of its own, and turns text around.
const STING: &str =
    "a\u{1b}[2J\u{9b}31m\n{\"level\":\"ERROR\",\"tenant\":\"acme\"}\r\u{202e}b\u{2066}c\u{7}";

/// Whether a terminal or a viewer of logs would act on it.
fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}');
    turns || c.is_control()
}

fn injects(arena: &Arena) -> Result<Outcome> {
    let logged = overheard(arena, &json!({ "do": "log", "text": STING, "field": "f" }))?;
    let printed = overheard(arena, &json!({ "do": "print", "text": STING }))?;
    let panicked = overheard(arena, &json!({ "do": "panic", "message": STING }))?;
    let failures = |frames: &[(String, Value)]| -> String {
        let failed = frames.iter().filter(|(kind, _)| kind == "task_failed");
        failed.map(|(_, data)| data.pointer("/data/failure").map_or(String::new(), texts)).collect()
    };
    let of = |said: String, what: &str| -> Result<Outcome> {
        ensure!(said.contains("[2J"), "nothing of the {what} arrived: {said:?}");
        let from = said.chars().skip_while(|c| !acts(*c)).take(12);
        match from.collect::<String>() {
            none if none.is_empty() => Outcome::held("inert"),
            some => Outcome::through(format!("{some:?}")),
        }
    };
    Outcome::of_all([
        ("log", of(lines(&logged).collect(), "log line")?),
        ("stdout", of(lines(&printed).collect(), "print")?),
        ("panic", of(failures(&panicked), "panic")?),
    ])
}

/// All texts inside, one after the other.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(fields) => fields.values().map(texts).collect(),
        _ => String::new(),
    }
}
