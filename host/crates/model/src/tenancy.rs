//! Tenants, their keys and people, and what they may use, as plain data.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::access::{Role, Scopes};
use crate::mock::MockMode;
use crate::{Digest, PluginName, TenantId, Timestamp};

/// The name under which the store keeps what belongs to no tenant. No tenant can be called so.
pub const PLATFORM: &str = "platform";

/// The tenant of the command line, and of a server that nobody set up further.
pub const DEFAULT: &str = "default";

/// How a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// Everything works.
    Active,
    /// Its credentials are refused and its runs stand still.
    Suspended,
    /// Its data is being removed; there is no way back.
    Erasing,
    /// Nothing is left but its name, so that nobody else is called so.
    Erased,
}

impl TenantState {
    /// How lists show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Erasing => "erasing",
            Self::Erased => "erased",
        }
    }
}

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// How it stands.
    pub state: TenantState,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// What it may use, where that is not what all may.
    #[serde(default)]
    pub quotas: AskedQuotas,
    /// The platform's plugins that it may use.
    #[serde(default)]
    pub plugins: Vec<PluginName>,
    /// Tokens that were issued before are not taken any more.
    #[serde(default)]
    pub tokens_since: Timestamp,
}

/// What one tenant may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quotas {
    /// Requests in one second, on average.
    pub requests_per_second_max: u32,
    /// Requests at once above the average.
    pub requests_burst_max: u32,
    /// Runs in memory at the same time.
    pub runs_live_max: u32,
    /// Runs started on one day (UTC). 0: no limit.
    pub runs_per_day_max: u64,
    /// Bytes of rows and files. 0: no limit.
    pub storage_bytes_max: u64,
    /// CPU time of plugins on one day (UTC), in seconds. 0: no limit.
    pub cpu_seconds_per_day_max: u64,
    /// Tokens of models on one day (UTC). 0: no limit.
    pub tokens_per_day_max: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            requests_per_second_max: 200,
            requests_burst_max: 400,
            runs_live_max: 2_000,
            runs_per_day_max: 0,
            storage_bytes_max: 64 << 30,
            cpu_seconds_per_day_max: 0,
            tokens_per_day_max: 0,
        }
    }
}

/// What a tenant may use other than all may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AskedQuotas {
    /// As [`Quotas::requests_per_second_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second_max: Option<u32>,
    /// As [`Quotas::requests_burst_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_burst_max: Option<u32>,
    /// As [`Quotas::runs_live_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs_live_max: Option<u32>,
    /// As [`Quotas::runs_per_day_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs_per_day_max: Option<u64>,
    /// As [`Quotas::storage_bytes_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_bytes_max: Option<u64>,
    /// As [`Quotas::cpu_seconds_per_day_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds_per_day_max: Option<u64>,
    /// As [`Quotas::tokens_per_day_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_day_max: Option<u64>,
    /// Whom mocks may replace in its runs; the strictest of this, the host's and the run's holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mock: Option<MockMode>,
}

impl AskedQuotas {
    /// What holds for the tenant.
    #[must_use]
    pub fn over(&self, all: &Quotas) -> Quotas {
        Quotas {
            requests_per_second_max: self
                .requests_per_second_max
                .unwrap_or(all.requests_per_second_max),
            requests_burst_max: self.requests_burst_max.unwrap_or(all.requests_burst_max),
            runs_live_max: self.runs_live_max.unwrap_or(all.runs_live_max),
            runs_per_day_max: self.runs_per_day_max.unwrap_or(all.runs_per_day_max),
            storage_bytes_max: self.storage_bytes_max.unwrap_or(all.storage_bytes_max),
            cpu_seconds_per_day_max: self
                .cpu_seconds_per_day_max
                .unwrap_or(all.cpu_seconds_per_day_max),
            tokens_per_day_max: self.tokens_per_day_max.unwrap_or(all.tokens_per_day_max),
        }
    }
}

/// Who holds an API key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A person, or their tools.
    #[default]
    Person,
    /// Another service; such a key names its scopes.
    Service,
}

/// What is kept of an API key; never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its id, which its text names too.
    pub id: String,
    /// HMAC-SHA256 of the whole key under the pepper of the deployment.
    pub mac: Digest,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do there.
    pub role: Role,
    /// What it is narrowed to.
    #[serde(default, skip_serializing_if = "Scopes::is_all")]
    pub scopes: Scopes,
    /// Who holds it.
    #[serde(default)]
    pub kind: KeyKind,
    /// How logs, runs and audit call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From then on it is unknown; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The key in whose place it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

impl KeyRecord {
    /// Whether it is known at that time.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// A person of a tenant, known by the subject of the tokens that their identity provider issues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// The subject.
    pub subject: String,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
    /// Who said so.
    pub added_by: String,
}

/// What a tenant has used on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DayUsage {
    /// Runs started.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub runs: u64,
    /// CPU time of plugins, in milliseconds.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cpu_ms: u64,
    /// Tokens of models.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tokens: u64,
}
