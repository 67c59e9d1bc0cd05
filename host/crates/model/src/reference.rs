//! How a workflow file names what it leads to or uses: exits, workflows, agents.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use semver::VersionReq;
use serde::{Deserialize, Serialize};

use crate::name::{NAME_BYTES_MAX, ParseNameError, is_word};
use crate::{NodeId, PluginName};

/// Where an exit leads: `NODE`, or `parent:NODE` out of a subgraph.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// To a node of the same workflow.
    Node(NodeId),
    /// To a node of the workflow that this one is a part of.
    Parent(NodeId),
}

impl Target {
    /// The node of the same workflow; none where it leads out.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeId> {
        match self {
            Self::Node(node) => Some(node),
            Self::Parent(_) => None,
        }
    }
}

impl FromStr for Target {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        match text.strip_prefix("parent:") {
            Some(node) => node.parse().map(Self::Parent),
            None => text.parse().map(Self::Node),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "{node}"),
            Self::Parent(node) => write!(f, "parent:{node}"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::id::text_serde!(Target);

/// A workflow as another one names it: `name[@range]`.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkflowRef {
    /// Its name.
    pub name: String,
    /// Which versions will do; none: any.
    pub range: Option<VersionReq>,
}

impl FromStr for WorkflowRef {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        let wrong = || ParseNameError {
            kind: "workflow",
            rule: "write name or name@^1.2",
            text: text.to_string(),
        };
        let (name, range) = match text.split_once('@') {
            Some((name, range)) => (name, Some(range.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        if !is_word(name, "_-") || name.len() > NAME_BYTES_MAX {
            return Err(wrong());
        }
        Ok(Self { name: name.to_string(), range })
    }
}

impl fmt::Display for WorkflowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.range.as_ref().map(|range| format!("@{range}")).unwrap_or_default();
        write!(f, "{}{range}", self.name)
    }
}

impl fmt::Debug for WorkflowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::id::text_serde!(WorkflowRef);

/// An agent as a workflow names it: `publisher/name[.agent][@range]`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentRef {
    /// The plugin.
    pub plugin: PluginName,
    /// The agent inside it; none where the plugin has only one.
    pub agent: Option<String>,
    /// Which versions will do; none: any.
    pub range: Option<VersionReq>,
}

impl FromStr for AgentRef {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        let wrong = || ParseNameError {
            kind: "agent",
            rule: "write publisher/name, publisher/name.agent or publisher/name@^1.2",
            text: text.to_string(),
        };
        let (path, range) = match text.split_once('@') {
            Some((path, range)) => (path, Some(range.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (plugin, agent) = match path.split_once('.') {
            Some((plugin, agent)) => (plugin, Some(agent)),
            None => (path, None),
        };
        if agent.is_some_and(|agent| !is_word(agent, "_-") || agent.len() > NAME_BYTES_MAX) {
            return Err(wrong());
        }
        let plugin = plugin.parse().map_err(|_| wrong())?;
        Ok(Self { plugin, agent: agent.map(ToString::to_string), range })
    }
}

impl fmt::Display for AgentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agent = self.agent.as_ref().map(|agent| format!(".{agent}")).unwrap_or_default();
        let range = self.range.as_ref().map(|range| format!("@{range}")).unwrap_or_default();
        write!(f, "{}{agent}{range}", self.plugin)
    }
}

impl fmt::Debug for AgentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::id::text_serde!(AgentRef);
