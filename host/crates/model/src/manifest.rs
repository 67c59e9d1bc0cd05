//! What a plugin says about itself: the JSON of its custom section `workflowforge:manifest`.
//!
//! A manifest asks, it never grants. The build writes it from `plugin.toml`; the host reads it
//! before it compiles a byte.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::name::NAME_BYTES_MAX;
use crate::{Object, Value};

/// The custom section that holds the manifest.
pub const MANIFEST_SECTION: &str = "workflowforge:manifest";
/// The custom section that holds the version of the contract, as text.
pub const API_SECTION: &str = "workflowforge:api";
/// The version of the contract that this code speaks.
pub const API_VERSION: &str = "0.1.0";
/// The largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 << 10;
/// The most agents in one plugin.
pub const AGENTS_MAX: usize = 64;
/// The agent's name where a plugin has only one.
pub const MAIN_AGENT: &str = "main";

/// `publisher/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginName(String);

impl PluginName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is no plugin name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no plugin name: write publisher/name in small letters, digits and -, each part \
     beginning with a letter and at most {NAME_BYTES_MAX} long"
)]
pub struct ParsePluginNameError {
    text: String,
}

impl FromStr for PluginName {
    type Err = ParsePluginNameError;

    fn from_str(text: &str) -> Result<Self, ParsePluginNameError> {
        match text.split_once('/') {
            Some((publisher, name)) if is_part(publisher) && is_part(name) => {
                Ok(Self(text.to_string()))
            }
            _ => Err(ParsePluginNameError { text: text.to_string() }),
        }
    }
}

fn is_part(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

crate::id::text_serde!(PluginName, "^[a-z][a-z0-9-]{0,63}/[a-z][a-z0-9-]{0,63}$");

/// A plugin's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PluginManifest))]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `publisher/name`.
    pub name: PluginName,
    /// The plugin's version.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: semver::Version,
    /// An SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What the plugin is for, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where its source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Its agents, at least one.
    pub agents: Vec<AgentManifest>,
    /// The capabilities that it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Hints; the host's policy caps them.
    #[serde(default, skip_serializing_if = "LimitHints::is_empty")]
    pub limits: LimitHints,
    /// What it promises about itself.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub behaviour: Behaviour,
}

/// One agent of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AgentManifest {
    /// Its name; `main` where the plugin has only one.
    #[serde(default = "main_agent")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: String,
    /// What it does, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its input.
    #[serde(default = "anything")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input: Value,
    /// JSON Schema of its output.
    #[serde(default = "anything")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output: Value,
    /// JSON Schema of its configuration.
    #[serde(default = "anything")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub config: Value,
    /// The exits that it may take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<String>,
}

impl AgentManifest {
    fn check_names(&self) -> Result<(), ManifestError> {
        let exits = self.exits.iter().map(|exit| ("exit", exit));
        let mut names = core::iter::once(("agent", &self.name)).chain(exits);
        match names.find(|(_, name)| !is_word(name)) {
            Some((what, name)) => Err(ManifestError::BadName { what, name: name.clone() }),
            None => Ok(()),
        }
    }
}

/// What may follow the dot in an agent's reference.
fn is_word(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A capability that is asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PluginNeed))]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The capability.
    pub capability: Capability,
    /// The reason, for whoever grants it.
    pub reason: String,
}

/// Limits that the plugin thinks will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LimitHints {
    /// Memory in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib_max: Option<u32>,
    /// Time of one call in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl LimitHints {
    /// Whether nothing is hinted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a plugin promises about itself; a host may test it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PluginBehaviour))]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// The same input gives the same output.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub deterministic: bool,
    /// Calling it twice does no harm.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub idempotent: bool,
}

/// A manifest that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Too long to be read.
    #[error("the manifest has {bytes} bytes, more than {MANIFEST_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No JSON of the right shape.
    #[error("the manifest is malformed: {0}")]
    Malformed(String),
    /// It names no agents, or too many.
    #[error("the manifest names {0} agents; write 1 to {AGENTS_MAX}")]
    Agents(usize),
    /// Two agents share a name.
    #[error("the manifest names the agent \"{0}\" twice")]
    TwiceNamed(String),
    /// A name that no workflow file could write.
    #[error(
        "the manifest names the {what} \"{name}\": write letters, digits, _ and -, beginning with \
         a letter, at most {NAME_BYTES_MAX}"
    )]
    BadName {
        /// `agent` or `exit`.
        what: &'static str,
        /// The name.
        name: String,
    },
}

impl Manifest {
    /// Reads the custom section.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_section(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLarge { bytes: bytes.len() });
        }
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| ManifestError::Malformed(error.to_string()))?;
        manifest.checked()
    }

    /// The same manifest, where it is one that can be used.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn checked(self) -> Result<Self, ManifestError> {
        if self.agents.is_empty() || self.agents.len() > AGENTS_MAX {
            return Err(ManifestError::Agents(self.agents.len()));
        }
        self.agents.iter().try_for_each(AgentManifest::check_names)?;
        let mut names: Vec<&str> = self.agents.iter().map(|agent| agent.name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).find_map(|pair| match pair {
            [left, right] if left == right => Some((*left).to_string()),
            _ => None,
        });
        match twice {
            Some(name) => Err(ManifestError::TwiceNamed(name)),
            None => Ok(self),
        }
    }

    /// The agent of that name; without a name, the only one or the one called `main`.
    #[must_use]
    pub fn agent(&self, name: Option<&str>) -> Option<&AgentManifest> {
        match (name, self.agents.as_slice()) {
            (None, [only]) => Some(only),
            (name, agents) => {
                let name = name.unwrap_or(MAIN_AGENT);
                agents.iter().find(|agent| agent.name == name)
            }
        }
    }
}

fn main_agent() -> String {
    MAIN_AGENT.to_string()
}

/// The schema that everything fits.
fn anything() -> Value {
    Value::Object(Object::new())
}
