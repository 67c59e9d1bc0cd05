//! A workflow as something to draw: nodes, and edges with labels. How it looks is the caller's.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use wforge_model::workflow::{Arm, Edge, EdgeRule, From, To, Work, WorkflowDraft};

/// A workflow to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drawing {
    /// The workflow's name and version.
    pub title: String,
    /// START, the nodes in order, END.
    pub nodes: Vec<DrawnNode>,
    /// The edges, then the exits.
    pub edges: Vec<DrawnEdge>,
}

/// A node to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DrawnNode {
    /// Its name.
    pub id: String,
    /// `start`, `end`, `agent`, `mock`, `set`, `ask`, `workflow`.
    pub kind: &'static str,
    /// The agent that it calls, or the workflow that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether it waits until nothing else is planned.
    pub defer: bool,
}

/// An edge to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DrawnEdge {
    /// Where it begins.
    pub from: String,
    /// Where it leads.
    pub to: String,
    /// `plain`, `barrier`, `branch`, `each`, `empty`, `exit`, `error`.
    pub kind: &'static str,
    /// A condition, a list, an exit's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The drawing of a workflow.
#[must_use]
pub fn draw(draft: &WorkflowDraft) -> Drawing {
    let ends = |id: &str, kind| DrawnNode { id: id.into(), kind, agent: None, defer: false };
    let mut nodes = alloc::vec![ends("START", "start")];
    nodes.extend(draft.nodes.iter().map(|(id, node)| {
        let (kind, agent) = match &node.work {
            Work::Agent(agent) => ("agent", Some(agent.to_string())),
            Work::Mock => ("mock", None),
            Work::Set(_) => ("set", None),
            Work::Ask(_) => ("ask", None),
            Work::Workflow(inside) => ("workflow", Some(inside.workflow.to_string())),
        };
        DrawnNode { id: id.to_string(), kind, agent, defer: node.defer }
    }));
    nodes.push(ends("END", "end"));
    let mut edges: Vec<DrawnEdge> = draft.edges.iter().flat_map(drawn).collect();
    for (id, node) in &draft.nodes {
        edges.extend(node.goto.iter().map(|(exit, to)| DrawnEdge {
            from: id.to_string(),
            to: to.to_string(),
            kind: "exit",
            label: Some(exit.clone()),
        }));
        edges.extend(node.on_error.iter().map(|to| DrawnEdge {
            from: id.to_string(),
            to: to.to_string(),
            kind: "error",
            label: Some("on error".to_string()),
        }));
    }
    Drawing { title: format!("{}@{}", draft.name, draft.version), nodes, edges }
}

fn drawn(edge: &Edge) -> Vec<DrawnEdge> {
    let (sources, plain): (Vec<String>, &str) = match &edge.from {
        From::Start => (alloc::vec!["START".to_string()], "plain"),
        From::Node(node) => (alloc::vec![node.to_string()], "plain"),
        From::All(nodes) => (nodes.iter().map(ToString::to_string).collect(), "barrier"),
    };
    let ways = match &edge.rule {
        EdgeRule::To(arm) => ways(arm, plain),
        EdgeRule::Branch(arms) => arms.iter().flat_map(|arm| ways(arm, "branch")).collect(),
        EdgeRule::Each(each) => {
            let label = Some(format!("each {} as {}", each.items, each.name));
            let to = each.to.iter().map(|to| (to.to_string(), "each", label.clone()));
            let empty = each.empty.iter().map(|to| (to.to_string(), "empty", Some("empty".into())));
            to.chain(empty).collect()
        }
    };
    let from_each = |from: &String| {
        let from = from.clone();
        ways.iter().map(move |(to, kind, label)| DrawnEdge {
            from: from.clone(),
            to: to.clone(),
            kind,
            label: label.clone(),
        })
    };
    sources.iter().flat_map(from_each).collect()
}

fn ways(arm: &Arm, kind: &'static str) -> Vec<(String, &'static str, Option<String>)> {
    let label = match (&arm.when, &arm.outcome) {
        (Some(when), _) => Some(when.clone()),
        (None, Some(outcome)) => Some(format!("outcome: {outcome}")),
        (None, None) if kind == "branch" => Some("else".to_string()),
        (None, None) => None,
    };
    let name = |to: &To| match to {
        To::Node(node) => node.to_string(),
        To::End => "END".to_string(),
    };
    arm.to.iter().map(|to| (name(to), kind, label.clone())).collect()
}
