//! Edges of a workflow file.

use wforge_model::NodeId;
use wforge_model::workflow::{Arm, Each, Edge, EdgeRule, From, Join, To};

use super::forms::{ARM, EDGE_TO};
use super::reader::{Fields, Reader};
use super::tree::Node;

/// All edges, in the file's order. What cannot be read of an edge gives way to an edge from START
/// to END, which is wrong in nothing: so the edges after it keep their places.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<Edge> {
    let items = reader.list(node, "edges").unwrap_or_default();
    items.iter().map(|item| one(reader, item)).collect()
}

fn one(reader: &mut Reader, node: &Node) -> Edge {
    let fields = reader.fields(node, &EDGE_TO);
    let from = fields.and_then(|fields| reader.required(&fields, &EDGE_TO, "from"));
    let from = from.and_then(|node| source(reader, node));
    let rule = fields.and_then(|fields| rule(reader, &fields));
    let join = fields.and_then(|fields| fields.get("join")).and_then(|node| join(reader, node));
    let to_end = || EdgeRule::To(Arm { when: None, to: vec![To::End], outcome: None });
    Edge {
        from: from.unwrap_or(From::Start),
        rule: rule.unwrap_or_else(to_end),
        join: join.unwrap_or_default(),
    }
}

/// `all`, `any` or a number of sources.
fn join(reader: &mut Reader, node: &Node) -> Option<Join> {
    if node.is_number() {
        return reader.whole(node, "join").map(Join::Count);
    }
    reader.choice(node, "join", &[("all", Join::All), ("any", Join::Count(1))])
}

fn source(reader: &mut Reader, node: &Node) -> Option<From> {
    if node.text().is_some_and(|text| text == "START") {
        return Some(From::Start);
    }
    let items = reader.one_or_more(node);
    let names: Vec<NodeId> =
        items.iter().filter_map(|item| reader.name(item, "the source of an edge")).collect();
    if items.is_empty() {
        reader.flaw(node.at, "missing_field", "an edge begins at a node or at START");
        return None;
    }
    match <[NodeId; 1]>::try_from(names) {
        Ok([name]) if items.len() == 1 => Some(From::Node(name)),
        Ok([name]) => Some(From::All(vec![name])),
        Err(names) => Some(From::All(names)),
    }
}

fn rule(reader: &mut Reader, fields: &Fields<'_>) -> Option<EdgeRule> {
    match (fields.get("branch"), fields.get("each"), fields.get("to")) {
        (Some(branch), None, None) => {
            only(reader, fields, "branch", &["outcome", "as", "empty"]);
            let arms = reader.list(branch, "branch")?;
            Some(EdgeRule::Branch(arms.iter().map(|arm| self::arm(reader, arm)).collect()))
        }
        (None, Some(items), Some(to)) => {
            only(reader, fields, "each", &["outcome"]);
            each(reader, fields, items, to).map(EdgeRule::Each)
        }
        (None, None, Some(to)) => {
            only(reader, fields, "to", &["as", "empty"]);
            let to = targets(reader, to);
            Some(EdgeRule::To(Arm { when: None, to, outcome: outcome(reader, fields) }))
        }
        (None, Some(_), None) => {
            reader.flaw(fields.position("each"), "missing_field", "an edge with each needs \"to\"");
            None
        }
        (None, None, None) => {
            reader.flaw(fields.at, "missing_field", "an edge needs to, branch, or each with to");
            None
        }
        (Some(_), ..) => {
            let message = "an edge with branch has its targets in the branch, not in to or each";
            reader.flaw(fields.position("branch"), "edge_rule", message);
            None
        }
    }
}

/// Refuses fields that mean something beside another rule only.
fn only(reader: &mut Reader, fields: &Fields<'_>, rule: &str, others: &[&str]) {
    for other in others.iter().filter(|other| fields.get(other).is_some()) {
        let message = format!("\"{other}\" means nothing beside \"{rule}\"");
        reader.flaw(fields.position(other), "edge_rule", message);
    }
}

/// An arm, with the same stand-ins as an edge.
fn arm(reader: &mut Reader, node: &Node) -> Arm {
    // Without a condition the arm would always be taken, and those after it never.
    let unread = || "false".to_owned();
    let Some(fields) = reader.fields(node, &ARM) else {
        return Arm { when: Some(unread()), to: vec![To::End], outcome: None };
    };
    let when = fields.get("when").map(|node| reader.expression(node, "when"));
    let to = reader.required(&fields, &ARM, "to").map(|node| targets(reader, node));
    Arm {
        when: when.map(|when| when.unwrap_or_else(unread)),
        to: to.unwrap_or_else(|| vec![To::End]),
        outcome: outcome(reader, &fields),
    }
}

fn outcome(reader: &mut Reader, fields: &Fields<'_>) -> Option<String> {
    fields.get("outcome").and_then(|node| reader.text(node, "outcome")).map(str::to_owned)
}

fn targets(reader: &mut Reader, node: &Node) -> Vec<To> {
    let items = reader.one_or_more(node);
    items.iter().filter_map(|item| target(reader, item)).collect()
}

fn target(reader: &mut Reader, node: &Node) -> Option<To> {
    if node.text().is_some_and(|text| text == "END") {
        return Some(To::End);
    }
    reader.name(node, "the target of an edge").map(To::Node)
}

fn each(reader: &mut Reader, fields: &Fields<'_>, items: &Node, to: &Node) -> Option<Each> {
    let items = reader.expression(items, "each");
    let name = reader.required(fields, &EDGE_TO, "as");
    let name = name.and_then(|node| reader.text(node, "as")).map(str::to_owned);
    let targets = reader.one_or_more(to);
    let to = targets.iter().filter_map(|item| reader.name(item, "the target of each")).collect();
    let empty = fields.get("empty").and_then(|node| reader.name(node, "empty"));
    Some(Each { items: items?, name: name?, to, empty })
}
