//! Before a run begins: nothing that a secret node knows can get out of the host unseen, as its
//! workflows are written and its plugins are granted.

use std::collections::{BTreeMap, BTreeSet};

use wforge_graph::{Workflow, is_secret, leaks};
use wforge_model::agent::AgentPin;
use wforge_model::{Capability, Digest, NodeId, TenantId};

use crate::parts::EngineParts;
use crate::request::EngineError;

/// The kinds of capabilities that take data out of the host: to servers, models and tools.
const REACHING: [&str; 4] = ["http", "http.raw", "llm", "tool"];
/// Memory that outlives the run.
const LASTING: [&str; 2] = ["kv:thread", "kv:plugin"];

/// One workflow of a run with who serves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served<'a> {
    pub(crate) workflow: &'a Workflow,
    pub(crate) pins: &'a BTreeMap<NodeId, AgentPin>,
    pub(crate) fallbacks: &'a BTreeMap<NodeId, AgentPin>,
    /// The workflows that its nodes run, by digest.
    pub(crate) uses: &'a BTreeMap<NodeId, Digest>,
}

/// Refuses a run through which what a secret node knows could get out.
///
/// # Errors
/// `data_flow`, with every way there is.
pub(crate) fn check(
    parts: &EngineParts,
    tenant: &TenantId,
    root: Served<'_>,
    subgraphs: &BTreeMap<Digest, Served<'_>>,
) -> Result<(), EngineError> {
    let all = || core::iter::once(&root).chain(subgraphs.values());
    // Nothing to look for, as in most workflows.
    if !all().any(|served| served.workflow.draft().nodes.values().any(is_secret)) {
        return Ok(());
    }
    let mut details = Vec::new();
    for served in all() {
        details.extend(ways_out(parts, tenant, *served, subgraphs));
        details.extend(kept(*served));
    }
    if details.is_empty() {
        return Ok(());
    }
    Err(EngineError::Invalid {
        code: "data_flow",
        message: format!("{} lets a secret out", root.workflow.title()),
        details,
    })
}

fn ways_out(
    parts: &EngineParts,
    tenant: &TenantId,
    served: Served<'_>,
    subgraphs: &BTreeMap<Digest, Served<'_>>,
) -> Vec<String> {
    let nodes = &served.workflow.draft().nodes;
    let below = |id: &NodeId, is: &dyn Fn(Served<'_>) -> bool| {
        served.uses.get(id).is_some_and(|digest| any_below(*digest, subgraphs, is))
    };
    let has_secret = |part: Served<'_>| part.workflow.draft().nodes.values().any(is_secret);
    let secret: BTreeSet<NodeId> = nodes
        .iter()
        .filter(|(id, node)| is_secret(node) || below(id, &has_secret))
        .map(|(id, _)| id.clone())
        .collect();
    let reaches =
        |part: Served<'_>| part.workflow.draft().nodes.keys().any(|id| reach(part, id).is_some());
    let reaching: BTreeSet<NodeId> = nodes
        .keys()
        .filter(|id| reach(served, id).is_some() || below(id, &reaches))
        .cloned()
        .collect();
    let found = leaks(served.workflow, parts.expressions.as_ref(), &secret, &reaching);
    let name = &served.workflow.name;
    found
        .into_iter()
        // What a workflow does within itself is said of it.
        .filter(|leak| leak.from != leak.to || nodes.get(&leak.from).is_some_and(is_secret))
        .filter(|leak| !parts.grants.exempts(tenant, name, &leak.from, &leak.to))
        .map(|leak| {
            let by = reach(served, &leak.to).map_or_else(String::new, |by| format!(" by {by}"));
            format!(
                "nodes.{}: what it knows can get to nodes.{}, which reaches out{by}; put an `ask` in \
                 between, narrow nodes.{} by `allow`, or have the operator say [[exempt]] in the \
                 grants file",
                leak.from, leak.to, leak.to
            )
        })
        .collect()
}

/// A secret node keeps nothing beyond its run.
fn kept(served: Served<'_>) -> Vec<String> {
    let nodes = served.workflow.draft().nodes.iter().filter(|(_, node)| is_secret(node));
    let lasting = |(id, _): (&NodeId, _)| {
        let found = granted(served, id).find(|grant| LASTING.contains(&grant.to_string().as_str()));
        found.map(|grant| {
            format!(
                "nodes.{id}: a secret node may not write {grant}, which outlives the run; narrow it \
                 by `allow`, such as {grant}:ro"
            )
        })
    };
    nodes.filter_map(lasting).collect()
}

fn granted<'a>(served: Served<'a>, id: &NodeId) -> impl Iterator<Item = &'a Capability> {
    let pins = served.pins.get(id).into_iter().chain(served.fallbacks.get(id));
    pins.flat_map(|pin| pin.grants.iter())
}

/// By what a node reaches out of the host.
fn reach<'a>(served: Served<'a>, id: &NodeId) -> Option<&'a Capability> {
    granted(served, id).find(|grant| REACHING.contains(&grant.kind()))
}

/// Whether that is so of a workflow or of one that it runs.
fn any_below(
    digest: Digest,
    subgraphs: &BTreeMap<Digest, Served<'_>>,
    is: &dyn Fn(Served<'_>) -> bool,
) -> bool {
    let (mut open, mut seen) = (vec![digest], BTreeSet::new());
    while let Some(digest) = open.pop() {
        let Some(part) = subgraphs.get(&digest).filter(|_| seen.insert(digest)) else { continue };
        if is(*part) {
            return true;
        }
        open.extend(part.uses.values());
    }
    false
}
