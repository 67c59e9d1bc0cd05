//! Who may do what: roles, and the scopes that narrow a credential further.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a credential may do within its tenant; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Starts, answers and cancels runs of what is registered.
    Operator,
    /// Registers workflows, installs plugins, runs workflows that are not registered.
    Developer,
    /// Everything within the tenant: its keys and its people too.
    Admin,
    /// Runs the server: tenants, and figures over all of them.
    Platform,
}

/// Text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no role: write viewer, operator, developer, admin or platform")]
pub struct ParseRoleError {
    text: String,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Operator, Self::Developer, Self::Admin, Self::Platform];

    /// How configuration and requests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Developer => "developer",
            Self::Admin => "admin",
            Self::Platform => "platform",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| ParseRoleError { text: text.to_string() })
    }
}

/// What the routes of the API are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Noun {
    /// What the server is, and what the tenant used.
    System,
    /// Plugins and components.
    Plugins,
    /// What plugins may do.
    Grants,
    /// Workflows.
    Workflows,
    /// Runs, their events and their questions.
    Runs,
    /// Threads.
    Threads,
    /// What starts runs by the clock.
    Schedules,
    /// API keys.
    Keys,
    /// People.
    Members,
    /// Secrets.
    Secrets,
    /// Webhooks, out and in, and what was delivered.
    Webhooks,
    /// Whose signatures are trusted, and what is asked of versions.
    Trust,
    /// The audit log.
    Audit,
    /// Tenants, for the platform.
    Tenants,
}

impl Noun {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::System,
        Self::Plugins,
        Self::Grants,
        Self::Workflows,
        Self::Runs,
        Self::Threads,
        Self::Schedules,
        Self::Keys,
        Self::Members,
        Self::Secrets,
        Self::Webhooks,
        Self::Trust,
        Self::Audit,
        Self::Tenants,
    ];

    /// As scopes write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Plugins => "plugins",
            Self::Grants => "grants",
            Self::Workflows => "workflows",
            Self::Runs => "runs",
            Self::Threads => "threads",
            Self::Schedules => "schedules",
            Self::Keys => "keys",
            Self::Members => "members",
            Self::Secrets => "secrets",
            Self::Webhooks => "webhooks",
            Self::Trust => "trust",
            Self::Audit => "audit",
            Self::Tenants => "tenants",
        }
    }
}

/// One thing that a narrowed credential may still do, such as `runs:read`. Writing includes
/// reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// About what.
    pub noun: Noun,
    /// Whether it may be changed.
    pub write: bool,
}

/// Text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no scope: write NOUN:read or NOUN:write, with system, plugins, grants, workflows, \
     runs, threads, schedules, keys, members, secrets, webhooks, trust, audit or tenants"
)]
pub struct ParseScopeError {
    text: String,
}

impl Scope {
    /// Reading.
    #[must_use]
    pub const fn read(noun: Noun) -> Self {
        Self { noun, write: false }
    }

    /// Writing.
    #[must_use]
    pub const fn write(noun: Noun) -> Self {
        Self { noun, write: true }
    }

    /// Whether whoever has this may do that.
    #[must_use]
    pub fn covers(self, wanted: Self) -> bool {
        self.noun == wanted.noun && (self.write || !wanted.write)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.write { "write" } else { "read" };
        write!(f, "{}:{how}", self.noun.as_str())
    }
}

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, ParseScopeError> {
        let wrong = || ParseScopeError { text: text.to_string() };
        let (noun, how) = text.split_once(':').ok_or_else(wrong)?;
        let noun = Noun::ALL.into_iter().find(|n| n.as_str() == noun).ok_or_else(wrong)?;
        match how {
            "read" => Ok(Self::read(noun)),
            "write" => Ok(Self::write(noun)),
            _ => Err(wrong()),
        }
    }
}

crate::id::text_serde!(Scope, "^[a-z]+:(read|write)$");

/// The scopes of a credential; none: everything that its role may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Scopes(pub Vec<Scope>);

impl Scopes {
    /// Whether that may be done.
    #[must_use]
    pub fn allow(&self, wanted: Scope) -> bool {
        self.0.is_empty() || self.0.iter().any(|scope| scope.covers(wanted))
    }

    /// Whether a credential with these may give another one those.
    #[must_use]
    pub fn include(&self, others: &Self) -> bool {
        self.0.is_empty() || !others.0.is_empty() && others.0.iter().all(|scope| self.allow(*scope))
    }

    /// Whether nothing was narrowed.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }
}
