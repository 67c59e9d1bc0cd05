//! Grants that people ask for, give and take back: what one version of a plugin may do, everywhere
//! or at one node.
//!
//! A grant belongs to the bytes of a component. A new version keeps those of its needs that are
//! unchanged, each in a grant of its own that names where it comes from.

use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};

use crate::id::IdHasher;
use crate::{Capability, Digest, NodeId, PluginName, Timestamp};

/// The longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 1_024;

/// What was decided about a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Somebody asked; nobody has decided.
    Requested,
    /// It was given.
    Granted,
    /// It was refused.
    Denied,
    /// It was given and taken back.
    Revoked,
}

/// How a grant stands at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantStanding {
    /// Nobody has decided.
    Requested,
    /// It holds.
    Granted,
    /// It was refused.
    Denied,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl GrantStanding {
    /// All of them, in the order of a grant's life.
    pub const ALL: [Self; 5] =
        [Self::Requested, Self::Granted, Self::Denied, Self::Expired, Self::Revoked];

    /// How lists and queries write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// Where a plugin acts: a node of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantSite<'a> {
    /// The workflow's name, without its version.
    pub workflow: &'a str,
    /// The node; none: any, where only what names no node counts.
    pub node: Option<&'a NodeId>,
}

impl<'a> GrantSite<'a> {
    /// The site of a workflow that is written `name` or `name@version`.
    #[must_use]
    pub fn of(workflow: &'a str, node: Option<&'a NodeId>) -> Self {
        Self { workflow: workflow.split_once('@').map_or(workflow, |(name, _)| name), node }
    }
}

/// Whom a grant is for, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantKey {
    /// The plugin.
    pub plugin: PluginName,
    /// The bytes of the version that it is for.
    pub component: Digest,
    /// The workflow in which it holds; none: in each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The node at which it holds; none: at each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What it allows.
    pub capability: Capability,
}

impl GrantKey {
    /// The id of the grant: the same for the same key, so that nothing is asked for twice.
    #[must_use]
    pub fn id(&self) -> String {
        let node = self.node.as_ref().map(ToString::to_string).unwrap_or_default();
        let hash = IdHasher::new("wforge.grant.v1")
            .field(self.plugin.as_str().as_bytes())
            .field(self.component.as_bytes())
            .field(self.workflow.as_deref().unwrap_or_default().as_bytes())
            .field(node.as_bytes())
            .field(self.capability.to_string().as_bytes())
            .finish();
        let hex = hash.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
        ["grant_", &hex].concat()
    }

    /// Whether it is for that site.
    #[must_use]
    pub fn is_for(&self, site: GrantSite<'_>) -> bool {
        self.workflow.as_deref().is_none_or(|own| own == site.workflow)
            && self.node.as_ref().is_none_or(|own| site.node == Some(own))
    }
}

/// A grant with its story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantRecord {
    /// Whom it is for, and what it allows.
    #[serde(flatten)]
    pub key: GrantKey,
    /// What was decided.
    pub state: GrantState,
    /// Why it is asked for.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Who decided last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// Why so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// From then on it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The grant of an earlier version that it continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<String>,
}

impl GrantRecord {
    /// How it stands.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> GrantStanding {
        match self.state {
            GrantState::Requested => GrantStanding::Requested,
            GrantState::Denied => GrantStanding::Denied,
            GrantState::Revoked => GrantStanding::Revoked,
            GrantState::Granted if self.expires_at.is_some_and(|end| end <= now) => {
                GrantStanding::Expired
            }
            GrantState::Granted => GrantStanding::Granted,
        }
    }

    /// Whether it holds at that site now.
    #[must_use]
    pub fn holds(&self, site: GrantSite<'_>, now: Timestamp) -> bool {
        self.standing(now) == GrantStanding::Granted && self.key.is_for(site)
    }
}
