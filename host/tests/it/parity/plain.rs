//! What two data directories print of the same thing, without what differs between them.

use serde_json::Value;

use crate::harness::{Ran, redacted};

/// Numbers that are moments, durations or counts of what a host did meanwhile.
const MEASURED: &[&str] =
    &["at", "ms", "deadline", "used_on", "stored_bytes", "place", "version", "oldest", "since"];
/// Texts that are made by chance, or differ with where a command runs.
const CHANCE: &[&str] = &["key", "replaces", "server", "used_on", "hash", "before", "secret"];

/// Stdout, which is one value, or one a line.
pub(super) fn plain_json(ran: &Ran) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(&ran.stdout) {
        return format!("{:#}", plain(value));
    }
    plain_text(ran)
}

/// Stdout of a command without `--output json`; some print JSON even so, one value a line.
pub(super) fn plain_text(ran: &Ran) -> String {
    let lines = ran.stdout.lines().map(|line| match serde_json::from_str::<Value>(line) {
        Ok(value) => plain(value).to_string(),
        Err(_) => plain_line(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain_line(&text)),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(plain).collect();
            // Tasks of one super-step end as they end.
            if items.iter().any(|item| item.get("ms").is_some()) {
                items.sort_by_key(ToString::to_string);
            }
            Value::Array(items)
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = if is_measured(&name) && value.is_number() {
                    Value::from("[number]")
                } else if CHANCE.contains(&name.as_str()) && value.is_string() {
                    Value::from("[text]")
                } else {
                    plain(value)
                };
                (plain_line(&name), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn is_measured(name: &str) -> bool {
    MEASURED.contains(&name) || ["_at", "_ms", "_since"].iter().any(|end| name.ends_with(end))
}

/// A line with ids, moments and durations taken out, and one space between its words.
fn plain_line(line: &str) -> String {
    let redacted = redacted(&without_timeline(line));
    let words: Vec<&str> = redacted.split_whitespace().collect();
    let mut plain = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let next = words.get(place + 1).copied().unwrap_or_default();
        let is_number = word.parse::<f64>().is_ok();
        let unit = ["ms", "s", "min", "ms,", "s,"].contains(&next);
        plain.push(match word {
            _ if is_number && unit => "[n]".to_owned(),
            word => plain_word(word),
        });
    }
    plain.join(" ")
}

/// A line of a run's page without its bars, which are as long as the tasks took.
fn without_timeline(line: &str) -> String {
    let Some((before, bars)) = line.split_once("aria-label=\"When each node ran\"") else {
        return line.to_owned();
    };
    let after = bars.split_once("</svg>").map_or("", |(_, after)| after);
    let before = before.rsplit_once("<svg").map_or(before, |(before, _)| before);
    format!("{before}[timeline]{after}")
}

/// A word, which may be the path of a thing.
fn plain_word(word: &str) -> String {
    if word.starts_with("/in/hook_") {
        return "/in/[hook]".to_owned();
    }
    let parts = word.split('/').map(|part| match part {
        _ if is_key_id(part) => "[key]",
        _ if part.starts_with("dlv_") => "[delivery]",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Twelve hexadecimal digits, or a grant's or signer's id.
fn is_key_id(word: &str) -> bool {
    word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn what_differs_from_one_folder_to_another_is_taken_out() {
    let value = serde_json::json!({
        "id": "0123456789ab", "started_at": 12, "key": "wf_secret", "seq": 3,
        "tasks": [{ "node": "b", "ms": 2 }, { "node": "a", "ms": 1 }],
    });
    let expected = serde_json::json!({
        "id": "[key]", "started_at": "[number]", "key": "[text]", "seq": 3,
        "tasks": [{ "node": "a", "ms": "[number]" }, { "node": "b", "ms": "[number]" }],
    });
    assert_eq!(plain(value), expected);
    assert_eq!(plain_line("a   took 12 ms, and 3 tasks"), "a took [n] ms, and 3 tasks");
    assert_eq!(plain_line("at /v1/keys/0123456789ab"), "at /v1/keys/[key]");
    assert_eq!(plain_line("/in/hook_0/7/x /a/dlv_0/b (now)"), "/in/[hook] /a/[delivery]/b (now)");
    let page = r#"<p/><svg height="6" aria-label="When each node ran"><rect x="7"/></svg><hr/>"#;
    assert_eq!(plain_line(page), "<p/>[timeline]<hr/>");
}
