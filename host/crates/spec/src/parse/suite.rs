//! Files of test cases: the tree of a text to [`Suite`], with every problem at once.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use serde_json::{Value, json};
use wforge_model::{Denial, Failure, FailureKind, Problem};

use super::reader::{Fields, Form, Reader};
use super::tree::{Entry, Kind, Node};
use super::{Report, in_order, reports, scan};
use crate::suite::{
    Answer, Case, Expect, Expected, ExpectedEvent, ExpectedFailure, ExpectedLimits, HttpAnswer,
    Script, Suite, ToolAnswer,
};

const FILE: Form = Form { what: "a file of cases", fields: &["cases"], later: &[] };

const CASE: Form = Form {
    what: "a case",
    fields: &[
        "name", "agent", "input", "config", "context", "grants", "script", "cassette", "expect",
    ],
    later: &[],
};

const SCRIPT: Form = Form {
    what: "a script",
    fields: &["llm", "http", "tool", "ask", "kv", "secrets", "clock_ms"],
    later: &[],
};

const HTTP: Form = Form {
    what: "an answer of a server",
    fields: &["url", "method", "status", "headers", "body", "failure"],
    later: &[],
};

const TOOL: Form = Form {
    what: "an answer of a tool",
    fields: &["name", "description", "input_schema", "answer", "failure"],
    later: &[],
};

const EXPECT: Form = Form {
    what: "expect",
    fields: &["output", "exits", "failure", "events", "logs", "effects", "denied", "limits"],
    later: &[],
};

const EXPECTED_FAILURE: Form =
    Form { what: "a failure", fields: &["kind", "code", "message"], later: &[] };

const FAILURE: Form = Form {
    what: "a failure",
    fields: &[
        "kind",
        "code",
        "message",
        "retryable",
        "retry_after_ms",
        "details",
        "capability",
        "resource",
        "hint",
    ],
    later: &[],
};

const EVENT: Form = Form { what: "an event", fields: &["topic", "payload"], later: &[] };

const LIMITS: Form = Form {
    what: "limits",
    fields: &["cpu_ms_max", "memory_mib_max", "host_calls_max"],
    later: &[],
};

/// The scopes of memory.
const SCOPES: [&str; 3] = ["run", "thread", "plugin"];
/// What a server may answer with.
const STATUSES: RangeInclusive<u16> = 100..=599;

/// The fields of each kind of map: what the editors' schema is held to.
#[must_use]
pub fn fields() -> Vec<(&'static str, Vec<&'static str>)> {
    let all = [
        ("file", &FILE),
        ("case", &CASE),
        ("script", &SCRIPT),
        ("http", &HTTP),
        ("tool", &TOOL),
        ("expect", &EXPECT),
        ("expected_failure", &EXPECTED_FAILURE),
        ("failure", &FAILURE),
        ("event", &EVENT),
        ("limits", &LIMITS),
    ];
    all.iter().map(|(name, form)| (*name, form.fields.to_vec())).collect()
}

/// Reads a file of cases.
///
/// # Errors
/// Every problem of the text, in the order of the lines.
pub fn read(file_name: &str, text: &str) -> Result<Suite, Vec<Report>> {
    let (root, flaws) = scan::scan(text).map_err(|flaw| reports(file_name, vec![flaw]))?;
    let mut reader = Reader { flaws };
    let suite = file(&mut reader, &root);
    match suite {
        Some(suite) if reader.flaws.is_empty() => Ok(suite),
        _ => Err(in_order(reports(file_name, reader.flaws))),
    }
}

fn file(reader: &mut Reader, root: &Node) -> Option<Suite> {
    let fields = reader.fields(root, &FILE)?;
    let node = reader.required(&fields, &FILE, "cases")?;
    let cases: Vec<Case> =
        reader.list(node, "cases")?.iter().filter_map(|node| case(reader, node)).collect();
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for case in &cases {
        if let Some(first) = lines.insert(&case.name, case.line) {
            let at = super::Position { line: case.line, column: 1 };
            let message = format!("the case \"{}\" is written twice", case.name);
            reader.flaw_help(
                at,
                "duplicate_case",
                message,
                format!("the first is in line {first}"),
            );
        }
    }
    Some(Suite { cases })
}

fn case(reader: &mut Reader, node: &Node) -> Option<Case> {
    let fields = reader.fields(node, &CASE)?;
    let name = reader.required(&fields, &CASE, "name");
    let name = name.and_then(|node| reader.text(node, "name")).map(str::to_owned);
    let input = reader.required(&fields, &CASE, "input").map(Node::json);
    let agent = text(reader, &fields, "agent");
    let object = |field| fields.get(field).map_or_else(|| json!({}), Node::json);
    let grants = fields.get("grants").map(|node| reader.names(node, "grants"));
    let script = fields.get("script").and_then(|node| script(reader, node)).unwrap_or_default();
    let cassette = text(reader, &fields, "cassette");
    let expect = fields.get("expect").and_then(|node| expect(reader, node));
    Some(Case {
        name: name?,
        line: node.at.line,
        agent,
        input: input?,
        config: object("config"),
        context: object("context"),
        grants,
        script,
        cassette,
        expect: expect.unwrap_or(Expect::Snapshot),
    })
}

fn text(reader: &mut Reader, fields: &Fields<'_>, field: &str) -> Option<String> {
    fields.get(field).and_then(|node| reader.text(node, field)).map(str::to_owned)
}

fn texts(reader: &mut Reader, node: &Node, what: &str) -> Vec<String> {
    let items = reader.list(node, what).unwrap_or_default();
    let entry = format!("an entry of {what}");
    items.iter().filter_map(|item| reader.text(item, &entry)).map(str::to_owned).collect()
}

fn script(reader: &mut Reader, node: &Node) -> Option<Script> {
    let fields = reader.fields(node, &SCRIPT)?;
    let items = |reader: &mut Reader, field: &str| -> Vec<Node> {
        let node = fields.get(field);
        node.and_then(|node| reader.list(node, field)).unwrap_or_default().to_vec()
    };
    let llm = items(reader, "llm").iter().map(|node| answer(reader, node)).collect();
    let ask = items(reader, "ask").iter().map(|node| answer(reader, node)).collect();
    let http = items(reader, "http").iter().filter_map(|node| http(reader, node)).collect();
    let tools = items(reader, "tool").iter().filter_map(|node| tool(reader, node)).collect();
    let kv = fields.get("kv").map(|node| memory(reader, node)).unwrap_or_default();
    let secrets = fields.get("secrets").map(|node| text_map(reader, node, "secrets"));
    let clock_ms = fields.get("clock_ms").and_then(|node| reader.whole(node, "clock_ms"));
    Some(Script { llm, http, tools, ask, kv, secrets: secrets.unwrap_or_default(), clock_ms })
}

/// A value, or `{failure}` alone.
fn answer(reader: &mut Reader, node: &Node) -> Answer {
    match &node.kind {
        Kind::Map(entries) => match entries.as_slice() {
            [Entry { key, value, .. }] if key == "failure" => Err(failure(reader, value)),
            _ => Ok(node.json()),
        },
        _ => Ok(node.json()),
    }
}

fn memory(reader: &mut Reader, node: &Node) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut scopes = BTreeMap::new();
    for entry in reader.map(node, "kv").unwrap_or_default() {
        if !SCOPES.contains(&entry.key.as_str()) {
            let message = format!("\"{}\" is no scope of memory", entry.key);
            reader.flaw_help(entry.at, "unknown_choice", message, "write run, thread or plugin");
            continue;
        }
        let keys = reader.map(&entry.value, "a scope of memory").unwrap_or_default();
        let keys = keys.iter().map(|entry| (entry.key.clone(), entry.value.json())).collect();
        scopes.insert(entry.key.clone(), keys);
    }
    scopes
}

fn text_map(reader: &mut Reader, node: &Node, what: &str) -> BTreeMap<String, String> {
    let entries = reader.map(node, what).unwrap_or_default();
    let text = |entry: &Entry| {
        let text = reader.text(&entry.value, &format!("{what}.{}", entry.key))?;
        Some((entry.key.clone(), text.to_owned()))
    };
    entries.iter().filter_map(text).collect()
}

fn http(reader: &mut Reader, node: &Node) -> Option<HttpAnswer> {
    let fields = reader.fields(node, &HTTP)?;
    let url = reader.required(&fields, &HTTP, "url");
    let url = url.and_then(|node| reader.text(node, "url")).map(str::to_owned);
    let status: Option<u16> = fields.get("status").and_then(|node| reader.whole(node, "status"));
    if let Some(status) = status.filter(|status| !STATUSES.contains(status)) {
        let message = format!("no server answers with the status {status}");
        reader.flaw_help(fields.position("status"), "status", message, "write one of 100 to 599");
    }
    let headers = fields.get("headers").map(|node| text_map(reader, node, "headers"));
    Some(HttpAnswer {
        url: url?,
        method: text(reader, &fields, "method"),
        status: status.unwrap_or(200),
        headers: headers.unwrap_or_default(),
        body: fields.get("body").map(Node::json),
        failure: fields.get("failure").map(|node| failure(reader, node)),
    })
}

fn tool(reader: &mut Reader, node: &Node) -> Option<ToolAnswer> {
    let fields = reader.fields(node, &TOOL)?;
    let name = reader.required(&fields, &TOOL, "name");
    let name = name.and_then(|node| reader.text(node, "name")).map(str::to_owned);
    let failed = fields.get("failure").map(|node| Err(failure(reader, node)));
    let answer = failed.or_else(|| fields.get("answer").map(|node| Ok(node.json())));
    Some(ToolAnswer {
        name: name?,
        description: text(reader, &fields, "description").unwrap_or_default(),
        input_schema: fields.get("input_schema").map_or_else(|| json!({}), Node::json),
        answer,
    })
}

fn kind(reader: &mut Reader, fields: &Fields<'_>) -> Option<FailureKind> {
    let kinds = FailureKind::ALL.map(|(kind, name)| (name, kind));
    fields.get("kind").and_then(|node| reader.choice(node, "kind", &kinds))
}

/// The failure that a script answers with.
fn failure(reader: &mut Reader, node: &Node) -> Failure {
    let problem = Problem::new("scripted", "the script fails here");
    let Some(fields) = reader.fields(node, &FAILURE) else { return Failure::Upstream(problem) };
    let mut said = |field| text(reader, &fields, field);
    let problem = Problem {
        code: said("code").unwrap_or(problem.code),
        message: said("message").unwrap_or(problem.message),
        ..problem_flags(reader, &fields)
    };
    let mut said = |field| text(reader, &fields, field).unwrap_or_default();
    let denial =
        Denial { capability: said("capability"), resource: said("resource"), hint: said("hint") };
    match kind(reader, &fields).unwrap_or(FailureKind::Upstream) {
        FailureKind::InvalidInput => Failure::InvalidInput(problem),
        FailureKind::Denied => Failure::Denied(denial),
        FailureKind::Limit => Failure::Limit(problem),
        FailureKind::Upstream => Failure::Upstream(problem),
        FailureKind::Cancelled => Failure::Cancelled(problem),
        FailureKind::Failed => Failure::Failed(problem),
        FailureKind::Trap => Failure::Trap(problem),
        FailureKind::Timeout => Failure::Timeout(problem),
        FailureKind::BadOutput => Failure::BadOutput(problem),
        FailureKind::Missing => Failure::Missing(problem),
    }
}

fn problem_flags(reader: &mut Reader, fields: &Fields<'_>) -> Problem {
    let retryable = fields.get("retryable").and_then(|node| reader.boolean(node, "retryable"));
    let after = fields.get("retry_after_ms");
    Problem {
        retryable: retryable.unwrap_or(false),
        retry_after_ms: after.and_then(|node| reader.whole(node, "retry_after_ms")),
        details: fields.get("details").map_or(Value::Null, Node::json),
        ..Problem::new("", "")
    }
}

fn expect(reader: &mut Reader, node: &Node) -> Option<Expect> {
    if let Kind::Scalar { .. } = node.kind {
        return reader.choice(node, "expect without fields", &[("snapshot", Expect::Snapshot)]);
    }
    let fields = reader.fields(node, &EXPECT)?;
    let list =
        |reader: &mut Reader, field: &str| fields.get(field).map(|node| texts(reader, node, field));
    let expected = Expected {
        output: reader.literal(&fields, "output"),
        exits: list(reader, "exits"),
        failure: fields.get("failure").and_then(|node| expected_failure(reader, node)),
        events: fields.get("events").map(|node| events(reader, node)),
        logs: list(reader, "logs"),
        effects: list(reader, "effects"),
        denied: list(reader, "denied"),
        limits: fields.get("limits").map(|node| limits(reader, node)).unwrap_or_default(),
    };
    if expected.output.is_some() && expected.failure.is_some() {
        let message = "a case ends in an output or in a failure, not in both";
        reader.flaw(fields.position("failure"), "output_and_failure", message);
    }
    Some(Expect::Given(Box::new(expected)))
}

fn expected_failure(reader: &mut Reader, node: &Node) -> Option<ExpectedFailure> {
    let fields = reader.fields(node, &EXPECTED_FAILURE)?;
    reader.required(&fields, &EXPECTED_FAILURE, "kind")?;
    Some(ExpectedFailure {
        kind: kind(reader, &fields)?,
        code: text(reader, &fields, "code"),
        message: text(reader, &fields, "message"),
    })
}

fn events(reader: &mut Reader, node: &Node) -> Vec<ExpectedEvent> {
    let items = reader.list(node, "events").unwrap_or_default();
    let event = |item: &Node| {
        let fields = reader.fields(item, &EVENT)?;
        let topic = reader.required(&fields, &EVENT, "topic")?;
        let topic = reader.text(topic, "topic")?.to_owned();
        Some(ExpectedEvent { topic, payload: fields.get("payload").map(Node::json) })
    };
    items.iter().filter_map(event).collect()
}

fn limits(reader: &mut Reader, node: &Node) -> ExpectedLimits {
    let Some(fields) = reader.fields(node, &LIMITS) else { return ExpectedLimits::default() };
    let most = |field| fields.get(field);
    ExpectedLimits {
        cpu_ms_max: most("cpu_ms_max").and_then(|node| reader.whole(node, "cpu_ms_max")),
        memory_mib_max: most("memory_mib_max")
            .and_then(|node| reader.whole(node, "memory_mib_max")),
        host_calls_max: most("host_calls_max")
            .and_then(|node| reader.whole(node, "host_calls_max")),
    }
}
