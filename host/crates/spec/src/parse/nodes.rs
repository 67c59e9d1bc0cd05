//! Nodes of a workflow file.

use std::collections::BTreeMap;

use wforge_model::mock::MockAnswer;
use wforge_model::workflow::{
    Ask, Escalate, Fallback, Node as Draft, NodeEffects, NodeLabel, Persist, RetryEffects,
    RetryRule, Subgraph, Template, UnknownOutcome, Work,
};
use wforge_model::{Capability, FailureKind, Key, NodeId, Target};

use super::forms::{ASK, CACHE, EFFECTS, ESCALATE, NODE, NODE_MOCK, ON_DEADLINE, RETRY, TIMEOUT};
use super::reader::{Fields, Reader};
use super::script;
use super::tree::{Entry, Kind, Node};

/// All nodes by their names.
pub(super) fn read(reader: &mut Reader, node: &Node) -> BTreeMap<NodeId, Draft> {
    let entries = reader.map(node, "nodes").unwrap_or_default();
    entries.iter().filter_map(|entry| one(reader, entry)).collect()
}

fn one(reader: &mut Reader, entry: &Entry) -> Option<(NodeId, Draft)> {
    let name: Option<NodeId> = reader.parsed(&entry.key, entry.at);
    let fields = reader.fields(&entry.value, &NODE)?;
    let work = work(reader, &fields);
    let input = fields.get("in").map(|node| templates(reader, node, "in"));
    let out = fields.get("out").map(|node| keys(reader, node, "out"));
    let fallback_on = fields.get("fallback_on").map(|node| fallback_on(reader, node));
    let (fallback_on, fallback_after_write) = fallback_on.unwrap_or_default();
    let times = fields.get("timeout").map(|node| timeout(reader, node)).unwrap_or_default();
    // The work comes last, so that a node without one still has its other fields read.
    let draft = Draft {
        input,
        out,
        goto: fields.get("goto").map(|node| goto(reader, node)).unwrap_or_default(),
        config: fields.get("config").map(Node::json).unwrap_or_default(),
        retry: fields.get("retry").map(|node| retries(reader, node)).unwrap_or_default(),
        timeout_ms: times.run,
        idle_ms: times.idle,
        cache_ms: fields.get("cache").and_then(|node| cache(reader, node)),
        on_error: fields.get("on_error").and_then(|node| reader.name(node, "on_error")),
        fallback: fields.get("fallback").and_then(|node| fallback(reader, node)),
        fallback_on,
        fallback_after_write,
        mock: fields.get("mock").and_then(|node| mock(reader, node)),
        defer: fields.get("defer").and_then(|n| reader.boolean(n, "defer")).unwrap_or(false),
        allow: fields.get("allow").map(|node| reader.names::<Capability>(node, "allow")),
        effects: fields.get("effects").and_then(|n| effects(reader, n)).unwrap_or_default(),
        labels: fields.get("labels").map(|node| labels(reader, node)).unwrap_or_default(),
        work: work?,
    };
    Some((name?, draft))
}

fn labels(reader: &mut Reader, node: &Node) -> Vec<NodeLabel> {
    const CHOICES: [(&str, NodeLabel); 2] =
        [("secret", NodeLabel::Secret), ("untrusted", NodeLabel::Untrusted)];
    let items = reader.list(node, "labels").unwrap_or_default();
    let mut labels: Vec<NodeLabel> =
        items.iter().filter_map(|item| reader.choice(item, "a label", &CHOICES)).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

fn effects(reader: &mut Reader, node: &Node) -> Option<NodeEffects> {
    const CHOICES: [(&str, UnknownOutcome); 2] =
        [("retry", UnknownOutcome::Retry), ("fail", UnknownOutcome::Fail)];
    let fields = reader.fields(node, &EFFECTS)?;
    let unknown = fields.get("unknown").and_then(|n| reader.choice(n, "unknown", &CHOICES));
    let idempotent = fields.get("idempotent").and_then(|n| reader.boolean(n, "idempotent"));
    Some(NodeEffects {
        unknown: unknown.unwrap_or_default(),
        idempotent: idempotent.unwrap_or_default(),
    })
}

fn work(reader: &mut Reader, fields: &Fields<'_>) -> Option<Work> {
    if fields.get("persist").is_some() && fields.get("workflow").is_none() {
        let message = "`persist` of a node says how long the state of its workflow lasts";
        let help = "write it beside `workflow`, or take it out";
        reader.flaw_help(fields.position("persist"), "node_work", message, help);
    }
    let given: Vec<&str> = ["agent", "set", "ask", "workflow"]
        .into_iter()
        .filter(|f| fields.get(f).is_some())
        .collect();
    match given.as_slice() {
        ["agent"] => agent(reader, fields.get("agent")?),
        ["set"] => fields.get("set").map(|node| Work::Set(keys(reader, node, "set"))),
        ["ask"] => ask(reader, fields.get("ask")?).map(Work::Ask),
        ["workflow"] => subgraph(reader, fields).map(Work::Workflow),
        [] => {
            let message = "a node needs one of agent, set, ask and workflow";
            reader.flaw(fields.at, "missing_field", message);
            None
        }
        several => {
            let several = several.join(" and ");
            let message = format!("a node has one of agent, set, ask and workflow, not {several}");
            reader.flaw(fields.at, "node_work", message);
            None
        }
    }
}

fn agent(reader: &mut Reader, node: &Node) -> Option<Work> {
    if reader.text(node, "agent")? == "mock" {
        return Some(Work::Mock);
    }
    reader.name(node, "agent").map(Work::Agent)
}

fn subgraph(reader: &mut Reader, fields: &Fields<'_>) -> Option<Subgraph> {
    const CHOICES: [(&str, Persist); 3] =
        [("none", Persist::None), ("run", Persist::Run), ("thread", Persist::Thread)];
    let workflow = fields.get("workflow").and_then(|node| reader.name(node, "workflow"));
    let persist = fields.get("persist").and_then(|node| reader.choice(node, "persist", &CHOICES));
    Some(Subgraph { workflow: workflow?, persist: persist.unwrap_or_default() })
}

/// A map of templates by free names.
pub(super) fn templates(
    reader: &mut Reader,
    node: &Node,
    what: &str,
) -> BTreeMap<String, Template> {
    let entries = reader.map(node, what).unwrap_or_default();
    let whole = entries.iter().filter(|entry| !reader.was_cut(entry));
    whole.map(|entry| (entry.key.clone(), entry.value.json())).collect()
}

/// A map of templates whose names are state keys.
fn keys(reader: &mut Reader, node: &Node, what: &str) -> BTreeMap<Key, Template> {
    let mut keys = BTreeMap::new();
    for entry in reader.map(node, what).unwrap_or_default() {
        if !reader.was_cut(entry)
            && let Some(key) = reader.parsed(&entry.key, entry.at)
        {
            keys.insert(key, entry.value.json());
        }
    }
    keys
}

fn goto(reader: &mut Reader, node: &Node) -> BTreeMap<String, Target> {
    let mut exits = BTreeMap::new();
    for entry in reader.map(node, "goto").unwrap_or_default() {
        if let Some(target) = reader.name(&entry.value, "the target of an exit") {
            exits.insert(entry.key.clone(), target);
        }
    }
    exits
}

fn ask(reader: &mut Reader, node: &Node) -> Option<Ask> {
    let fields = reader.fields(node, &ASK)?;
    let prompt = reader.required(&fields, &ASK, "prompt");
    let prompt = prompt.and_then(|node| reader.text(node, "prompt")).map(str::to_owned);
    let assignee = fields.get("assignee").and_then(|node| reader.text(node, "assignee"));
    let assignee = assignee.map(str::to_owned);
    let on_deadline = fields.get("on_deadline").and_then(|node| {
        let fields = reader.fields(node, &ON_DEADLINE)?;
        reader.required(&fields, &ON_DEADLINE, "answer")?;
        reader.literal(&fields, "answer")
    });
    let deadline_ms = fields.get("deadline").and_then(|n| reader.milliseconds(n, "deadline"));
    if fields.get("on_deadline").is_some() && fields.get("deadline").is_none() {
        let message = "on_deadline needs a deadline";
        reader.flaw(fields.position("on_deadline"), "missing_field", message);
    }
    let escalate = fields.get("escalate").and_then(|node| escalate(reader, node));
    Some(Ask {
        prompt: prompt?,
        assignee,
        schema: reader.literal(&fields, "schema"),
        deadline_ms,
        on_deadline,
        escalate,
    })
}

fn escalate(reader: &mut Reader, node: &Node) -> Option<Escalate> {
    let fields = reader.fields(node, &ESCALATE)?;
    let after = reader.required(&fields, &ESCALATE, "after");
    let after_ms = after.and_then(|node| reader.milliseconds(node, "after"));
    let to = reader.required(&fields, &ESCALATE, "to");
    let to = to.and_then(|node| reader.text(node, "to")).map(str::to_owned);
    Some(Escalate { after_ms: after_ms?, to: to? })
}

fn retries(reader: &mut Reader, node: &Node) -> Vec<RetryRule> {
    let rules = reader.list(node, "retry").unwrap_or_default();
    rules.iter().filter_map(|rule| retry(reader, rule)).collect()
}

fn retry(reader: &mut Reader, node: &Node) -> Option<RetryRule> {
    const EFFECTS: [(&str, RetryEffects); 2] =
        [("keep", RetryEffects::Keep), ("discard", RetryEffects::Discard)];
    let fields = reader.fields(node, &RETRY)?;
    let mut rule = RetryRule::default();
    if let Some(on) = fields.get("on") {
        let kinds = reader.one_or_more(on);
        rule.on = kinds
            .iter()
            .filter_map(|kind| reader.text(kind, "a failure kind or problem code"))
            .map(str::to_owned)
            .collect();
    }
    let attempts = fields.get("max_attempts").and_then(|n| reader.whole(n, "max_attempts"));
    rule.max_attempts = attempts.unwrap_or(rule.max_attempts);
    let initial = fields.get("initial").and_then(|n| reader.milliseconds(n, "initial"));
    rule.initial_ms = initial.unwrap_or(rule.initial_ms);
    let factor = fields.get("factor").and_then(|n| reader.number(n, "factor"));
    rule.factor = factor.unwrap_or(rule.factor);
    let max = fields.get("max").and_then(|n| reader.milliseconds(n, "max"));
    rule.max_ms = max.unwrap_or(rule.max_ms);
    let jitter = fields.get("jitter").and_then(|n| reader.boolean(n, "jitter"));
    rule.jitter = jitter.unwrap_or(rule.jitter);
    rule.effects = fields.get("effects").and_then(|n| reader.choice(n, "effects", &EFFECTS));
    Some(rule)
}

/// The longest times of an attempt, in milliseconds.
#[derive(Default)]
struct Times {
    run: Option<u64>,
    idle: Option<u64>,
}

fn timeout(reader: &mut Reader, node: &Node) -> Times {
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("a timeout is a map, here is {}", node.describe());
        reader.flaw_help(node.at, "wrong_type", message, "write timeout: { run: 10s }");
        return Times::default();
    }
    let Some(fields) = reader.fields(node, &TIMEOUT) else { return Times::default() };
    let mut time = |field| fields.get(field).and_then(|node| reader.milliseconds(node, field));
    Times { run: time("run"), idle: time("idle") }
}

fn cache(reader: &mut Reader, node: &Node) -> Option<u64> {
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("a cache is a map, here is {}", node.describe());
        reader.flaw_help(node.at, "wrong_type", message, "write cache: { ttl: 10m }");
        return None;
    }
    let fields = reader.fields(node, &CACHE)?;
    reader.required(&fields, &CACHE, "ttl").and_then(|node| reader.milliseconds(node, "ttl"))
}

fn fallback(reader: &mut Reader, node: &Node) -> Option<Fallback> {
    if node.text().is_some_and(|text| text.contains('/')) {
        return reader.name(node, "fallback").map(Fallback::Agent);
    }
    reader.choice(node, "fallback", &[("none", Fallback::None), ("mock", Fallback::Mock)])
}

/// The failure kinds that it names, and whether it names `after_write`, which is no kind but a
/// moment.
fn fallback_on(reader: &mut Reader, node: &Node) -> (Vec<FailureKind>, bool) {
    let kinds = FailureKind::ALL.iter().map(|(kind, name)| (*name, Some(*kind)));
    let choices: Vec<(&str, Option<FailureKind>)> = kinds.chain([("after_write", None)]).collect();
    let items = reader.list(node, "fallback_on").unwrap_or_default();
    let named = items.iter().filter_map(|item| reader.choice(item, "a failure kind", &choices));
    let named: Vec<Option<FailureKind>> = named.collect();
    let after_write = named.contains(&None);
    (named.into_iter().flatten().collect(), after_write)
}

fn mock(reader: &mut Reader, node: &Node) -> Option<MockAnswer> {
    let fields = reader.fields(node, &NODE_MOCK)?;
    let (output, answer) = (reader.literal(&fields, "output"), reader.literal(&fields, "answer"));
    let seed = fields.get("seed").and_then(|node| reader.whole(node, "seed"));
    let script = fields.get("script").map(|node| script::read(reader, node)).unwrap_or_default();
    Some(MockAnswer { output, answer, seed, script })
}
