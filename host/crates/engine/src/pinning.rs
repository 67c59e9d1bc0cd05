//! Which plugin serves which node of a run, and whether every node is served at all.

use std::collections::BTreeMap;

use wforge_graph::{Problem, Workflow, unserved};
use wforge_model::agent::AgentPin;
use wforge_model::manifest::AgentManifest;
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::workflow::{Node, Work};
use wforge_model::{AgentRef, Capability, Grants, NodeId, TenantId};
use wforge_ports::plugins::Admitted;

use crate::parts::EngineParts;
use crate::request::EngineError;

/// Pins every agent node to the newest version in range whose needs are all granted. A node
/// without one stays unpinned; whether that can be is [`refuse_unserved`]'s question.
pub(crate) fn pins(
    parts: &EngineParts,
    tenant: &TenantId,
    workflow: &Workflow,
    offered: &[Admitted],
) -> Result<BTreeMap<NodeId, AgentPin>, EngineError> {
    let mut pins = BTreeMap::new();
    let mut problems = Vec::new();
    for (id, node) in &workflow.nodes {
        let Work::Agent(agent) = &node.work else {
            continue;
        };
        let Some(admitted) = newest(parts, tenant, agent, offered) else {
            continue;
        };
        let Some(manifest) = admitted.manifest.agent(agent.agent.as_deref()) else {
            problems.push(no_such_agent(id, agent, admitted));
            continue;
        };
        problems.extend(misfits(parts, id, node, manifest));
        let granted = parts.grants.granted(tenant, &admitted.manifest.name);
        let grants = Grants::intersect(admitted.needs(), &granted);
        let grants = node.allow.as_ref().map_or_else(|| grants.clone(), |a| grants.narrow(a));
        pins.insert(id.clone(), pin(admitted, manifest, grants));
    }
    if problems.is_empty() {
        return Ok(pins);
    }
    Err(EngineError::Invalid {
        code: "agent_mismatch",
        message: format!("{} does not fit the plugins that would serve it", workflow.title()),
        details: problems,
    })
}

fn pin(admitted: &Admitted, manifest: &AgentManifest, grants: Grants) -> AgentPin {
    AgentPin {
        plugin: admitted.manifest.name.clone(),
        version: admitted.manifest.version.clone(),
        component: admitted.component,
        agent: manifest.name.clone(),
        grants,
        input: manifest.input.clone(),
        output: manifest.output.clone(),
        exits: manifest.exits.clone(),
    }
}

fn in_range<'a>(
    agent: &'a AgentRef,
    offered: &'a [Admitted],
) -> impl Iterator<Item = &'a Admitted> {
    offered.iter().filter(|admitted| {
        admitted.manifest.name == agent.plugin
            && agent.range.as_ref().is_none_or(|r| r.matches(&admitted.manifest.version))
    })
}

fn newest<'a>(
    parts: &EngineParts,
    tenant: &TenantId,
    agent: &'a AgentRef,
    offered: &'a [Admitted],
) -> Option<&'a Admitted> {
    in_range(agent, offered)
        .filter(|admitted| ungranted(parts, tenant, admitted).is_empty())
        .max_by(|left, right| left.manifest.version.cmp(&right.manifest.version))
}

/// The needs of a plugin that the operator has not granted.
fn ungranted(parts: &EngineParts, tenant: &TenantId, admitted: &Admitted) -> Vec<Capability> {
    let granted = parts.grants.granted(tenant, &admitted.manifest.name);
    admitted
        .needs()
        .filter(|need| !granted.iter().any(|grant| grant.covers(need)))
        .cloned()
        .collect()
}

fn no_such_agent(node: &NodeId, agent: &AgentRef, admitted: &Admitted) -> String {
    let names: Vec<&str> =
        admitted.manifest.agents.iter().map(|agent| agent.name.as_str()).collect();
    format!(
        "nodes.{node}.agent: {agent} names no agent of {}@{}; it has {}",
        admitted.manifest.name,
        admitted.manifest.version,
        names.join(", ")
    )
}

/// What a node asks of its agent that the agent does not have.
fn misfits(parts: &EngineParts, id: &NodeId, node: &Node, manifest: &AgentManifest) -> Vec<String> {
    let exits = node.goto.keys().filter(|exit| !manifest.exits.contains(exit)).map(|exit| {
        let known = manifest.exits.join(", ");
        format!("nodes.{id}.goto.{exit}: the agent has no exit {exit}; it has: {known}")
    });
    let mut misfits: Vec<String> = exits.collect();
    if !node.config.is_null()
        && let Err(misses) = parts.expressions.check(&manifest.config, &node.config)
    {
        misfits.push(format!("nodes.{id}.config: {}", misses.join("; ")));
    }
    misfits
}

/// Refuses a run that has an agent which can neither be served nor replaced, and names them all.
pub(crate) fn refuse_unserved(
    parts: &EngineParts,
    tenant: &TenantId,
    workflow: &Workflow,
    offered: &[Admitted],
    (pins, mocks, mode): (&BTreeMap<NodeId, AgentPin>, &BTreeMap<NodeId, MockAnswer>, MockMode),
) -> Result<(), EngineError> {
    let unserved = unserved(workflow, pins, mocks, mode);
    if unserved.is_empty() {
        return Ok(());
    }
    let details = unserved.iter().filter_map(|id| {
        let Work::Agent(agent) = &workflow.nodes.get(*id)?.work else {
            return None;
        };
        Some(format!("nodes.{id}.agent: {}", why_unserved(parts, tenant, agent, offered)))
    });
    Err(EngineError::Invalid {
        code: "missing_agents",
        message: format!(
            "{} of {}'s agents can neither be served nor replaced (mock mode {})",
            unserved.len(),
            workflow.title(),
            mode.as_str()
        ),
        details: details.collect(),
    })
}

fn why_unserved(
    parts: &EngineParts,
    tenant: &TenantId,
    agent: &AgentRef,
    offered: &[Admitted],
) -> String {
    let newest = in_range(agent, offered)
        .max_by(|left, right| left.manifest.version.cmp(&right.manifest.version));
    let Some(admitted) = newest else {
        return format!(
            "{agent} is not installed; install it (wforge plugin install FILE), or let the mock \
             agent stand in (WFORGE_MOCK=fallback)"
        );
    };
    let needs = ungranted(parts, tenant, admitted);
    let needs: Vec<String> = needs.iter().map(|need| format!("\"{need}\"")).collect();
    format!(
        "{agent} is installed as {} but waits for grants; add to the grants file: [[grant]] \
         plugin = \"{}\", capabilities = [{}]",
        admitted.manifest.version,
        admitted.manifest.name,
        needs.join(", ")
    )
}

/// A problem as one sentence with its place.
pub(crate) fn sentence(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {}{help}", problem.place, problem.message)
}
