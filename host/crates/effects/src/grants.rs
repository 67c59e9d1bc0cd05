//! The operator's grants, as a file says them. What a plugin may do at a node is the intersection
//! of its needs with these and with what the workflow leaves of them; nothing here gives more. What
//! the operator leaves of the sandbox's limits to whom stands beside them.

use serde::Deserialize;
use toml::Spanned;
use wforge_model::limits::{Cap, SandboxLimits, effective};
use wforge_model::{Capability, NodeId, PluginName, TenantId};

/// The largest grants file, in bytes.
const FILE_BYTES_MAX: usize = 1 << 20;

/// All grants of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantsFile {
    #[serde(default, rename = "grant")]
    grants: Vec<Grant>,
    #[serde(default, rename = "ceiling")]
    ceilings: Vec<Ceiling>,
    #[serde(default, rename = "exempt")]
    exempt: Vec<Exempt>,
    #[serde(default, rename = "cap")]
    caps: Vec<Spanned<Cap>>,
    /// Where the lines of the file begin.
    #[serde(skip)]
    lines: Vec<usize>,
}

/// One `[[exempt]]`: a way out of a secret node that the operator has seen and lets be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exempt {
    /// For which tenant; none: for each.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// The workflow's name.
    pub workflow: String,
    /// The secret node.
    pub from: NodeId,
    /// The node that reaches out.
    pub to: NodeId,
    /// Why it may be.
    pub reason: String,
}

/// One `[[ceiling]]`: what may be granted at all, whoever grants it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// For which tenant; none: for each.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// What may be granted.
    pub capabilities: Vec<Capability>,
    /// Why, for whoever reads the file.
    #[serde(default)]
    pub reason: Option<String>,
}

/// One `[[grant]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Who gets it.
    pub plugin: PluginName,
    /// In which tenant; none: in each.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// What it may do.
    pub capabilities: Vec<Capability>,
    /// Why, for whoever reads the file.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A grants file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantsError {
    /// Too long to be read.
    #[error("the grants file has {bytes} bytes, more than {FILE_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A cap that would be none.
    #[error(
        "line {line}: {limit} = {asked} is more than limits.sandbox.{limit} allows anybody, \
         {allowed}; write less, or raise the other"
    )]
    CapBeyond {
        /// The line of the cap, from 1.
        line: usize,
        /// The limit.
        limit: &'static str,
        /// What the cap says.
        asked: u64,
        /// What the configuration says.
        allowed: u64,
    },
    /// No TOML of the right shape.
    #[error("line {line}, column {column}: {message}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
}

impl GrantsFile {
    /// Reads a grants file.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub fn parse(text: &str) -> Result<Self, GrantsError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(GrantsError::TooLarge { bytes: text.len() });
        }
        let read = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            GrantsError::Malformed {
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
                message: error.message().to_owned(),
            }
        });
        let lines = text.match_indices('\n').map(|(at, _)| at).collect();
        read.map(|file: Self| Self { lines, ..file })
    }

    /// Refuses a cap that is higher than the configuration, since it would cap nothing.
    ///
    /// # Errors
    /// The first such cap, with its line.
    pub fn check_caps(&self, limits: &SandboxLimits) -> Result<(), GrantsError> {
        self.caps.iter().try_for_each(|cap| {
            let Some((limit, asked, allowed)) = cap.get_ref().beyond(limits) else {
                return Ok(());
            };
            let line = self.lines.partition_point(|newline| *newline < cap.span().start) + 1;
            Err(GrantsError::CapBeyond { line, limit, asked, allowed })
        })
    }

    /// What of the limits is left to that plugin in that tenant.
    #[must_use]
    pub fn limits(
        &self,
        limits: &SandboxLimits,
        tenant: &TenantId,
        plugin: &PluginName,
    ) -> SandboxLimits {
        effective(limits, self.caps.iter().map(Spanned::get_ref), tenant, plugin)
    }

    /// Everything that is granted to that plugin in that tenant.
    #[must_use]
    pub fn granted(&self, tenant: &TenantId, plugin: &PluginName) -> Vec<Capability> {
        let applies = |grant: &&Grant| {
            grant.plugin == *plugin && grant.tenant.as_ref().is_none_or(|own| own == tenant)
        };
        self.grants
            .iter()
            .filter(applies)
            .flat_map(|grant| grant.capabilities.iter().cloned())
            .collect()
    }

    /// Whether every ceiling that is there for the tenant leaves that; without one all is left.
    #[must_use]
    pub fn permits(&self, tenant: &TenantId, wanted: &Capability) -> bool {
        self.ceilings
            .iter()
            .filter(|ceiling| ceiling.tenant.as_ref().is_none_or(|own| own == tenant))
            .all(|ceiling| ceiling.capabilities.iter().any(|left| left.covers(wanted)))
    }

    /// Whether that way out of a secret node may be.
    #[must_use]
    pub fn exempts(&self, tenant: &TenantId, workflow: &str, from: &NodeId, to: &NodeId) -> bool {
        self.exempt.iter().any(|exempt| {
            exempt.tenant.as_ref().is_none_or(|own| own == tenant)
                && exempt.workflow == workflow
                && exempt.from == *from
                && exempt.to == *to
        })
    }

    /// The grants in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }
}
