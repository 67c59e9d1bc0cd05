//! Which plugin serves which node of a run, and whether every node is served at all.

use std::collections::{BTreeMap, BTreeSet};

use wforge_graph::{Problem, Workflow, unserved};
use wforge_model::agent::AgentPin;
use wforge_model::grant::GrantSite;
use wforge_model::manifest::AgentManifest;
use wforge_model::mock::MockMode;
use wforge_model::workflow::{Fallback, Node, Work};
use wforge_model::{AgentRef, Capability, Grants, NodeId, Object, PluginName, TenantId, Value};
use wforge_ports::plugins::Admitted;

use crate::parts::EngineParts;
use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::Granted;
use crate::trust;

/// Who serves the nodes of one workflow.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    /// The agent of each agent node that has one.
    pub(crate) agents: BTreeMap<NodeId, AgentPin>,
    /// The fallback agent of each node that names one and has it.
    pub(crate) fallbacks: BTreeMap<NodeId, AgentPin>,
}

/// Pins the nodes of all workflows of a run, and gathers what is wrong.
#[derive(Debug)]
pub(crate) struct Pinner<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    /// The plugins that may serve.
    offered: &'a [Admitted],
    mode: MockMode,
    misfits: Vec<String>,
    unserved: Vec<String>,
}

/// A workflow whose nodes are pinned, and what its problems are called after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) workflow: &'a Workflow,
    /// Said before the place of each problem; empty for the run's own workflow.
    pub(crate) prefix: &'a str,
}

impl<'a> Pinner<'a> {
    pub(crate) const fn new(
        shared: &'a Shared,
        tenant: &'a TenantId,
        offered: &'a [Admitted],
        mode: MockMode,
    ) -> Self {
        Self { shared, tenant, offered, mode, misfits: Vec::new(), unserved: Vec::new() }
    }

    /// Pins every agent node to the newest version in range that is trusted and whose needs are all
    /// granted.
    pub(crate) fn pin(&mut self, at: Place<'_>, mocked: &BTreeSet<NodeId>) -> Pins {
        let mut pins = Pins::default();
        for (id, node) in &at.workflow.nodes {
            let Work::Agent(agent) = &node.work else {
                continue;
            };
            let place = format!("{}nodes.{id}", at.prefix);
            let site = GrantSite { workflow: &at.workflow.name, node: Some(id) };
            let pinned = self.pin_node(&format!("{place}.agent"), site, node, agent);
            pins.agents.extend(pinned.map(|pin| (id.clone(), pin)));
            if let Some(Fallback::Agent(agent)) = &node.fallback {
                let pinned = self.pin_node(&format!("{place}.fallback"), site, node, agent);
                pins.fallbacks.extend(pinned.map(|pin| (id.clone(), pin)));
            }
        }
        let unserved =
            unserved(at.workflow, &pins.agents, &pins.fallbacks, mocked, self.mode).into_iter();
        let named = unserved.filter_map(|id| match &at.workflow.nodes.get(id)?.work {
            Work::Agent(agent) => Some(format!(
                "{}nodes.{id}.agent: {}",
                at.prefix,
                self.why_unserved(agent, GrantSite { workflow: &at.workflow.name, node: Some(id) })
            )),
            Work::Mock | Work::Set(_) | Work::Ask(_) | Work::Workflow(_) => None,
        });
        let named: Vec<String> = named.collect();
        self.unserved.extend(named);
        pins
    }

    /// Refuses a run whose nodes do not fit their agents, or that has an agent which can neither be
    /// served nor replaced, and names them all.
    pub(crate) fn finish(self, title: &str) -> Result<(), EngineError> {
        if !self.misfits.is_empty() {
            return Err(EngineError::Invalid {
                code: "agent_mismatch",
                message: format!("{title} does not fit the plugins that would serve it"),
                details: self.misfits,
            });
        }
        if self.unserved.is_empty() {
            return Ok(());
        }
        Err(EngineError::Invalid {
            code: "missing_agents",
            message: format!(
                "{} of {title}'s agents can neither be served nor replaced (mock mode {})",
                self.unserved.len(),
                self.mode.as_str()
            ),
            details: self.unserved,
        })
    }

    fn pin_node(
        &mut self,
        place: &str,
        site: GrantSite<'_>,
        node: &Node,
        agent: &AgentRef,
    ) -> Option<AgentPin> {
        let admitted = self.newest(agent, site)?;
        let Some(manifest) = admitted.manifest.agent(agent.agent.as_deref()) else {
            self.misfits.push(no_such_agent(place, agent, admitted));
            return None;
        };
        self.misfits.extend(misfits(&self.shared.parts, place, node, manifest));
        let grants = self.granted(admitted, site);
        let grants = node.allow.as_ref().map_or_else(|| grants.clone(), |a| grants.narrow(a));
        Some(pin(admitted, manifest, grants))
    }

    /// The newest version of each plugin that is trusted and whose needs are all granted, by name.
    pub(crate) fn newest_of_each(
        &self,
        site: GrantSite<'_>,
    ) -> BTreeMap<&'a PluginName, &'a Admitted> {
        let mut newest: BTreeMap<&PluginName, &Admitted> = BTreeMap::new();
        let granted = self.offered.iter().filter(|one| self.ungranted(one, site).is_empty());
        let served = granted.filter(|one| self.is_trusted(one));
        for admitted in served {
            let (name, version) = (&admitted.manifest.name, &admitted.manifest.version);
            let found = newest.entry(name).or_insert(admitted);
            if found.manifest.version < *version {
                *found = admitted;
            }
        }
        newest
    }

    /// Whether an agent can be called without a configuration.
    pub(crate) fn needs_no_config(&self, manifest: &AgentManifest) -> bool {
        self.shared.parts.expressions.check(&manifest.config, &Value::Object(Object::new())).is_ok()
    }

    /// What a plugin asks for and may do there.
    pub(crate) fn granted(&self, admitted: &Admitted, site: GrantSite<'_>) -> Grants {
        Granted::to(self.shared, self.tenant, admitted).of(admitted, site)
    }

    fn in_range(&self, agent: &AgentRef) -> impl Iterator<Item = &'a Admitted> {
        self.offered.iter().filter(|admitted| {
            admitted.manifest.name == agent.plugin
                && agent.range.as_ref().is_none_or(|r| r.matches(&admitted.manifest.version))
        })
    }

    fn newest(&self, agent: &AgentRef, site: GrantSite<'_>) -> Option<&'a Admitted> {
        let granted = || self.in_range(agent).filter(|one| self.ungranted(one, site).is_empty());
        // Where none is trusted, the run is refused with the reason once all nodes are pinned.
        newest_of(granted().filter(|one| self.is_trusted(one))).or_else(|| newest_of(granted()))
    }

    fn is_trusted(&self, admitted: &Admitted) -> bool {
        trust::judge_admitted(self.shared, self.tenant, admitted).is_ok()
    }

    /// The needs of a plugin that it may not have there.
    fn ungranted(&self, admitted: &Admitted, site: GrantSite<'_>) -> Vec<Capability> {
        Granted::to(self.shared, self.tenant, admitted).missing(admitted, site)
    }

    fn why_unserved(&self, agent: &AgentRef, site: GrantSite<'_>) -> String {
        let Some(admitted) = newest_of(self.in_range(agent)) else {
            return format!(
                "{agent} is not installed; install it (wforge plugin install FILE), or let the \
                 mock agent stand in (WFORGE_MOCK=fallback)"
            );
        };
        let needs = self.ungranted(admitted, site);
        let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
        format!(
            "{agent} is installed as {} but waits for grants: wforge grants approve {} {}",
            admitted.manifest.version,
            admitted.manifest.name,
            needs.join(" ")
        )
    }
}

fn newest_of<'a>(versions: impl Iterator<Item = &'a Admitted>) -> Option<&'a Admitted> {
    versions.max_by(|left, right| left.manifest.version.cmp(&right.manifest.version))
}

pub(crate) fn pin(admitted: &Admitted, manifest: &AgentManifest, grants: Grants) -> AgentPin {
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

fn no_such_agent(place: &str, agent: &AgentRef, admitted: &Admitted) -> String {
    let names: Vec<&str> =
        admitted.manifest.agents.iter().map(|agent| agent.name.as_str()).collect();
    format!(
        "{place}: {agent} names no agent of {}@{}; it has {}",
        admitted.manifest.name,
        admitted.manifest.version,
        names.join(", ")
    )
}

/// What a node asks of its agent that the agent does not have; `place` is where the agent is named.
fn misfits(parts: &EngineParts, place: &str, node: &Node, manifest: &AgentManifest) -> Vec<String> {
    let (at, named) = place.rsplit_once('.').unwrap_or((place, "agent"));
    let is_fallback = named != "agent";
    let whose = if is_fallback { " of the fallback agent" } else { "" };
    // A stand-in need not know every way out.
    let exits = node.goto.keys().filter(|exit| !is_fallback && !manifest.exits.contains(exit));
    let exits = exits.map(|exit| {
        let known = manifest.exits.join(", ");
        format!("{at}.goto.{exit}: the agent has no exit {exit}; it has: {known}")
    });
    let mut misfits: Vec<String> = exits.collect();
    if !node.config.is_null()
        && let Err(misses) = parts.expressions.check(&manifest.config, &node.config)
    {
        misfits.push(format!("{at}.config{whose}: {}", misses.join("; ")));
    }
    misfits
}

/// A problem as one sentence with its place.
pub(crate) fn sentence(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {}{help}", problem.place, problem.message)
}
