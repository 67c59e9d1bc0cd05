//! Rows 30 and 31: what others remember, and what is to stay secret.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::cast;
use crate::fixture::{Control, Fixture, Outcome, Trace};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 30,
        attack: "keys of another plugin and another tenant",
        defence: "a memory of its own for each",
        settings: &[],
        make: snoops,
        control: Control::Without("memory"),
        trace: Trace::Inert("the keys lead to its own memory"),
    },
    Fixture {
        row: 31,
        attack: "a secret let slip in four forms",
        defence: "opened secrets are taken out",
        settings: &[],
        make: leaks,
        control: Control::Without("redaction"),
        trace: Trace::Stopped { what: "secret", code: "redacted" },
    },
];

/// Another plugin of the attacker's.
pub(super) const SNOOP: (&str, &[&str]) =
    ("wforge/snoop", &["http:GET@http://127.0.0.2:8080/", "kv:plugin", "ask", "tool:none", "llm:mock"]);

fn snoops(arena: &Arena) -> Result<Outcome> {
    let key = format!("key-{}", arena.number());
    let remember = json!([{ "do": "remember", "key": key, "scope": "plugin", "value": "theirs" }]);
    for (client, tenant) in [(&arena.acme, "acme"), (&arena.mallory, "mallory")] {
        let ran = arena.act_as(client, tenant, &remember, "")?;
        anyhow::ensure!(ran.deed(0).get("ok").is_some(), "it remembers nothing: {}", ran.run);
    }
    let keys = [
        key.clone(),
        format!("../wforge/hostile/{key}"),
        format!("wforge/hostile/{key}"),
        format!("/wforge/hostile\0{key}"),
        format!("\0{key}"),
        format!("../../acme/wforge/hostile/{key}"),
        format!("acme\0wforge/hostile\0{key}"),
        "../".to_owned(),
        "\u{ffff}".to_owned(),
    ];
    let recall = |key: &String| json!({ "do": "recall", "key": key, "scope": "plugin" });
    let deeds: Value = keys.iter().map(recall).collect();
    let ran = cast::act(arena, (&arena.mallory, "mallory"), SNOOP, &deeds)?;
    // The one of the same name sees its own tenant's under the plain key, and nothing else.
    let others: Value = keys.iter().skip(1).map(recall).collect();
    let own = arena.act(&others)?;
    anyhow::ensure!(ran.completed && own.completed, "{} {}", ran.run, own.run);
    if ran.result().to_string().contains("theirs") || own.result().to_string().contains("theirs") {
        return Outcome::through("another plugin's value was read");
    }
    Outcome::held(format!("{} keys lead nowhere", keys.len()))
}

const SECRET: &str = "canary";
/// Looks otherwise in each of the forms.
const VALUE: &str = "s3cr3t-of-mallory/+&=?\"\\ >>~9e3779b9";

/// An agent reveals a secret, says it wherever it can, and returns it, then fails with it.
fn leaks(arena: &Arena) -> Result<Outcome> {
    arena.installed(&arena.mallory, "mallory/secrets", || {
        arena.component("proofs/wforge-effects-secrets.wasm")
    })?;
    arena.mallory.put(&format!("/v1/secrets/{SECRET}"), &json!({ "value": VALUE }))?.of(200)?;
    let mut texts = Vec::new();
    for end in ["returns", "fails"] {
        let key = format!("leak-{}", arena.number());
        let input = json!({ "name": SECRET, "key": key, "end": end });
        let body = json!({ "workflow": leaking(), "input": { "leak": input } });
        let run = arena.mallory.post("/v1/runs", &body)?;
        let id = run.json()?;
        let id = id.get("id").and_then(Value::as_str).context("a run")?.to_owned();
        // Log lines are only heard by whoever listens while they are written.
        for path in ["/events", "", "/cassette"] {
            texts.push((path, arena.mallory.get(&format!("/v1/runs/{id}{path}"))?.text));
        }
    }
    texts.push(("/export", arena.mallory.get("/v1/export")?.text));
    texts.push(("the server's log", arena.server().log()));
    let found: Vec<&str> = texts
        .iter()
        .filter(|(_, text)| forms(VALUE).iter().any(|form| text.contains(form)))
        .map(|(place, _)| *place)
        .collect();
    if !found.is_empty() {
        return Outcome::through(format!("found in {found:?}"));
    }
    let replaced = format!("[secret {SECRET}]");
    let is_there = |place: &str| {
        texts.iter().any(|(known, text)| *known == place && text.contains(&replaced))
    };
    anyhow::ensure!(is_there("") && is_there("/events"), "it was never said: {texts:?}");
    Outcome::held(format!("taken out of {} texts", texts.len()))
}

fn leaking() -> &'static str {
    "apiVersion: workflowforge/v1
name: leak
version: 1.0.0
state: { leak: {}, result: {} }
input: [leak]
output: [result]
nodes:
  it:
    agent: wforge/effects-secrets.leak
    in: { name: state.leak.name, key: state.leak.key, end: state.leak.end }
    out: { result: result }
edges: [{ from: START, to: it }]
"
}

/// The text as it is and inside JSON, as hexadecimal digits, in a URL, and as base64 at each of the
/// three places in a group: without the digits that depend on what is around it.
fn forms(text: &str) -> Vec<String> {
    let hex = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let escaped = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut forms = vec![text.to_owned(), quoted, hex, text.bytes().map(escaped).collect()];
    for before in 0..3 {
        let encoded = base64(&[&b"xxx"[..before], text.as_bytes()].concat());
        forms.push(encoded.get(4..encoded.len() - 4).unwrap_or_default().to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: &[u8], place: usize| {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | usize::from(group.get(at).copied().unwrap_or(0))
        });
        let digit = DIGITS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
        char::from(if place > group.len() { b'=' } else { digit })
    };
    bytes.chunks(3).flat_map(|group| (0..4).map(move |place| digit(group, place))).collect()
}
