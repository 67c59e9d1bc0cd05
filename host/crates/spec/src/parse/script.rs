//! Scripts of the mock agent: a list of steps, each a map of one field or a word alone.

use std::collections::BTreeMap;

use wforge_model::FailureKind;
use wforge_model::mock::{MockFailure, MockOp};

use super::forms::{EMIT, FAIL, OP, SEND};
use super::nodes::templates;
use super::reader::Reader;
use super::tree::{Kind, Node};

/// The steps that are a word alone.
const WORDS: [(&str, MockOp); 2] =
    [("identity", MockOp::Identity), ("return_none", MockOp::ReturnNone)];
/// What a failure says of itself where the script does not.
const CODE: &str = "mock";
const MESSAGE: &str = "the script fails here";

/// All steps, in order.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<MockOp> {
    let steps = reader.list(node, "script").unwrap_or_default();
    steps.iter().filter_map(|step| one(reader, step)).collect()
}

fn one(reader: &mut Reader, node: &Node) -> Option<MockOp> {
    let Kind::Map(entries) = &node.kind else { return word(reader, node) };
    let flaws = reader.flaws.len();
    reader.fields(node, &OP)?;
    match entries.as_slice() {
        [entry] if reader.flaws.len() == flaws => op(reader, &entry.key, &entry.value),
        // Its only field is unknown, which has been told.
        [_] => None,
        [] => {
            let help = format!("its fields are {}", OP.fields.join(", "));
            reader.flaw_help(node.at, "script", "a step of a script does something", help);
            None
        }
        several => {
            let names: Vec<&str> = several.iter().map(|entry| entry.key.as_str()).collect();
            let message = format!("a step of a script does one thing, not {}", names.join(" and "));
            reader.flaw_help(node.at, "script", message, "make each an item of the list");
            None
        }
    }
}

fn word(reader: &mut Reader, node: &Node) -> Option<MockOp> {
    if let Some(field) = node.text().filter(|text| OP.fields.contains(&text.as_str())) {
        let message = format!("the step `{field}` of a script needs a value");
        reader.flaw_help(node.at, "script", message, format!("write {{ {field}: … }}"));
        return None;
    }
    reader.choice(node, "a step of a script without a value", &WORDS)
}

fn op(reader: &mut Reader, field: &str, node: &Node) -> Option<MockOp> {
    Some(match field {
        "set" => MockOp::Set(templates(reader, node, field)),
        "append" => MockOp::Append(templates(reader, node, field)),
        "overwrite" => MockOp::Overwrite(templates(reader, node, field)),
        "concat" => MockOp::Concat(texts(reader, node)),
        "goto" => MockOp::Goto(reader.text(node, field)?.to_owned()),
        "send" => send(reader, node)?,
        "interrupt" => MockOp::Interrupt(node.json()),
        "interrupt_each" => MockOp::InterruptEach(node.json()),
        "fail" => MockOp::Fail(failure(reader, node)?),
        "sleep" => MockOp::Sleep(reader.milliseconds(node, field)?),
        "emit" => emit(reader, node)?,
        "count" => MockOp::Count(reader.text(node, field)?.to_owned()),
        _ => return None,
    })
}

fn texts(reader: &mut Reader, node: &Node) -> BTreeMap<String, String> {
    let entries = reader.map(node, "concat").unwrap_or_default();
    let text = |entry: &super::tree::Entry| {
        let text = reader.text(&entry.value, "a field of concat")?;
        Some((entry.key.clone(), text.to_owned()))
    };
    entries.iter().filter_map(text).collect()
}

fn send(reader: &mut Reader, node: &Node) -> Option<MockOp> {
    let fields = reader.fields(node, &SEND)?;
    let exit = reader.required(&fields, &SEND, "exit");
    let exit = exit.and_then(|node| reader.text(node, "exit")).map(str::to_owned);
    let input = reader.required(&fields, &SEND, "input").map(Node::json);
    Some(MockOp::Send { exit: exit?, input: input? })
}

fn emit(reader: &mut Reader, node: &Node) -> Option<MockOp> {
    let fields = reader.fields(node, &EMIT)?;
    let topic = reader.required(&fields, &EMIT, "topic");
    let topic = topic.and_then(|node| reader.text(node, "topic")).map(str::to_owned);
    let value = reader.required(&fields, &EMIT, "value").map(Node::json);
    Some(MockOp::Emit { topic: topic?, value: value? })
}

fn failure(reader: &mut Reader, node: &Node) -> Option<MockFailure> {
    let kinds = FailureKind::ALL.map(|(kind, name)| (name, kind));
    let fields = reader.fields(node, &FAIL)?;
    let kind = fields.get("kind").and_then(|node| reader.choice(node, "kind", &kinds));
    let code = fields.get("code").and_then(|node| reader.text(node, "code"));
    let message = fields.get("message").and_then(|node| reader.text(node, "message"));
    let retryable = fields.get("retryable").and_then(|node| reader.boolean(node, "retryable"));
    Some(MockFailure {
        kind: kind.unwrap_or(FailureKind::Failed),
        code: code.unwrap_or(CODE).to_owned(),
        message: message.unwrap_or(MESSAGE).to_owned(),
        retryable: retryable.unwrap_or(false),
        times: fields.get("times").and_then(|node| reader.whole(node, "times")),
    })
}
