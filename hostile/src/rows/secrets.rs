//! Row 31: what is to stay secret, said in every way that an agent has.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::cast;
use crate::fixture::{Control, Fixture, Outcome, Trace};

const REDACTED: Trace = Trace::Stopped { what: "secret", code: "redacted" };

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 31,
        attack: "a secret let slip in four forms",
        defence: "opened secrets are taken out",
        settings: &[],
        make: slips,
        control: Control::Without("redaction"),
        trace: REDACTED,
    },
    Fixture {
        row: 31,
        attack: "a secret in what is refused",
        defence: "opened secrets are taken out",
        settings: &[],
        make: quotes,
        control: Control::Without("redaction"),
        trace: REDACTED,
    },
];

/// Where something said could be read.
struct Seen(Vec<(String, String)>);

impl Seen {
    /// All that is shown of a run that was just started; what it says while it goes on is heard by
    /// whoever listens then.
    fn of_run(&mut self, arena: &Arena, started: &Value) -> Result<()> {
        let id = started.get("id").and_then(Value::as_str).context("a run")?;
        for path in ["/events", "", "/cassette"] {
            let text = arena.mallory.get(&format!("/v1/runs/{id}{path}"))?.text;
            self.0.push((format!("a run's {path}"), text));
        }
        Ok(())
    }

    fn of_rest(&mut self, arena: &Arena) -> Result<()> {
        for path in ["/v1/audit?limit=200", "/v1/runs?limit=20", "/v1/interrupts"] {
            self.0.push((path.to_owned(), arena.mallory.get(path)?.text));
        }
        self.0.push(("the server's log".to_owned(), arena.server().log()));
        Ok(())
    }

    /// It is nowhere in any form, though it was said; or it is somewhere.
    fn judged(&self, value: &str, replaced: &str) -> Result<Outcome> {
        let forms = forms(value);
        let holds = |text: &str| forms.iter().any(|form| text.contains(form));
        let mut found: Vec<&str> = self
            .0
            .iter()
            .filter(|(_, text)| holds(text))
            .map(|(place, _)| place.as_str())
            .collect();
        found.dedup();
        if !found.is_empty() {
            return Outcome::through(format!("found in {found:?}"));
        }
        let is_there = |place: &str| {
            self.0.iter().any(|(known, text)| known == place && text.contains(replaced))
        };
        anyhow::ensure!(is_there("a run's ") && is_there("a run's /events"), "it was never said");
        Outcome::held(format!("taken out of {} texts", self.0.len()))
    }
}

/// Looks otherwise in each of the forms.
const VALUE: &str = "s3cr3t-of-mallory/+&=?\"\\ >>~9e3779b9";

/// An agent reveals a secret, says it wherever it can, and returns it, then fails with it.
fn slips(arena: &Arena) -> Result<Outcome> {
    arena.installed(&arena.mallory, "mallory/secrets", || {
        arena.component("proofs/wforge-effects-secrets.wasm")
    })?;
    arena.mallory.put("/v1/secrets/canary", &json!({ "value": VALUE }))?.of(200)?;
    let mut seen = Seen(Vec::new());
    for end in ["returns", "fails"] {
        let key = format!("leak-{}", arena.number());
        let input = json!({ "name": "canary", "key": key, "end": end });
        let body = json!({ "workflow": SLIPS, "input": { "leak": input } });
        seen.of_run(arena, &arena.mallory.post("/v1/runs", &body)?.json()?)?;
    }
    seen.of_rest(arena)?;
    seen.judged(VALUE, "[secret canary]")
}

const SLIPS: &str = "apiVersion: workflowforge/v1
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
";

/// Could be the name of a model, a tool, a method or a host.
const WORD: &str = "s3cr3twordofmallory9e3779b9";

/// It may see secrets, and next to nothing else.
pub(super) const GOSSIP: (&str, &[&str]) = (
    "wforge/gossip",
    &[
        "http:GET@http://127.0.0.2:8080/page",
        "kv:plugin",
        "ask",
        "tool:none",
        "llm:none",
        "secret:*",
    ],
);

/// An agent asks for what has the secret's value for a name: he who refuses it quotes the name.
fn quotes(arena: &Arena) -> Result<Outcome> {
    arena.mallory.put("/v1/secrets/word", &json!({ "value": WORD }))?.of(200)?;
    let deeds = json!([{ "do": "leak", "secret": "word" }]);
    let mut seen = Seen(Vec::new());
    seen.of_run(arena, &arena.act(&deeds)?.run)?;
    seen.of_run(arena, &cast::act(arena, (&arena.mallory, "mallory"), GOSSIP, &deeds)?.run)?;
    seen.of_rest(arena)?;
    seen.judged(WORD, "[secret word]")
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
    for before in ["", "x", "xx"] {
        let encoded = base64(format!("{before}{text}").as_bytes());
        forms.push(encoded.get(4..encoded.len() - 4).unwrap_or_default().to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: &[u8], place: usize| {
        let bits =
            (0..3).fold(0, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        let digit = DIGITS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
        char::from(if place > group.len() { b'=' } else { digit })
    };
    bytes.chunks(3).flat_map(|group| (0..4).map(move |place| digit(group, place))).collect()
}
