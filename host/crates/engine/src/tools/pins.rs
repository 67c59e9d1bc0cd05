//! Which agents a run has as tools: of each plugin that may serve, the newest version whose needs
//! are all granted, as of the run's beginning.

use wforge_model::agent::{ToolPin, ToolPins};
use wforge_model::grant::GrantSite;
use wforge_model::tool::agent_tool_name;
use wforge_model::{Capability, Grants};

use crate::pinning::{Pinner, pin};
use crate::request::EngineError;

/// Agents that one run has as tools.
const TOOLS_MAX: usize = 256;

impl Pinner<'_> {
    /// The agents that somebody with one of these sets of grants may call. A tool may do no more
    /// than its caller, so a tool's own grants let nobody call another.
    pub(crate) fn tools<'g>(
        &self,
        workflow: &str,
        grants: impl Iterator<Item = &'g Grants>,
    ) -> Result<ToolPins, EngineError> {
        let tools = grants.flat_map(Grants::iter).filter(|grant| grant.kind() == "tool");
        let granted: Grants = tools.cloned().collect();
        let mut pins = ToolPins::new();
        if granted.iter().next().is_none() {
            return Ok(pins);
        }
        // A tool acts at whatever node calls it.
        let site = GrantSite { workflow, node: None };
        for (plugin, admitted) in self.newest_of_each(site) {
            for agent in &admitted.manifest.agents {
                let name = agent_tool_name(plugin, &agent.name);
                let is_wanted = granted.allow(&Capability::of("tool", &name));
                if !is_wanted || !self.needs_no_config(agent) {
                    continue;
                }
                let description = agent.description.clone().unwrap_or_default();
                let agent = pin(admitted, agent, self.granted(admitted, site));
                pins.entry(name).or_insert(ToolPin { description, agent });
            }
        }
        if pins.len() > TOOLS_MAX {
            return Err(too_many(pins.len()));
        }
        Ok(pins)
    }
}

fn too_many(count: usize) -> EngineError {
    EngineError::Invalid {
        code: "too_many_tools",
        message: format!(
            "the agents of the run may call {count} others as tools, more than {TOOLS_MAX}; grant \
             tool:<name> for those that are meant instead of tool:*"
        ),
        details: Vec::new(),
    }
}
