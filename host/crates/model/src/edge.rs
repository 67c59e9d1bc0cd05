//! How nodes follow each other: where an edge begins, and whom it starts.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::NodeId;
use crate::workflow::Expr;

/// Where an edge begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = EdgeFrom))]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// At the start of the run.
    Start,
    /// At one node.
    Node(NodeId),
    /// At all of these: the edge waits for every one.
    All(Vec<NodeId>),
}

/// Where an edge leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = EdgeTo))]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// To a node.
    Node(NodeId),
    /// Nowhere: plans nothing.
    End,
}

/// One edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = WorkflowEdge))]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Where it begins.
    pub from: From,
    /// What it does.
    pub rule: EdgeRule,
    /// How many of its sources must have come.
    #[serde(default, skip_serializing_if = "Join::is_all")]
    pub join: Join,
}

/// How many sources of a barrier must have come before it leads on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = EdgeJoin))]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Every one.
    #[default]
    All,
    /// The first so many; those that come later in the same round lead nowhere.
    Count(u32),
}

impl Join {
    /// Whether every source must come.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// How many of that many sources must come.
    #[must_use]
    pub fn needed(self, sources: usize) -> usize {
        match self {
            Self::All => sources,
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).min(sources),
        }
    }
}

/// What an edge does when its source has finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EdgeRule {
    /// Starts these.
    To(Arm),
    /// Takes the first arm whose condition holds; none is the error `no_branch`.
    Branch(Vec<Arm>),
    /// Starts one task an item and target.
    Each(Each),
}

/// Targets, under a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = EdgeArm))]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The condition; none: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub when: Option<Expr>,
    /// The targets.
    pub to: Vec<To>,
    /// Ends the run with this outcome after the super-step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// One task an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = EdgeEach))]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Gives the list.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub items: Expr,
    /// The name under which the targets see their item.
    #[serde(rename = "as")]
    pub name: String,
    /// The targets; for each item in turn all of them.
    pub to: Vec<NodeId>,
    /// Where an empty list leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<NodeId>,
}
