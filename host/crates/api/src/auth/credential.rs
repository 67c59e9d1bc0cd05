//! The known keys, as plain data that the host hands in.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use wforge_model::{Digest, TenantId, Timestamp};

use super::Role;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The SHA-256 of the whole key.
    pub hash: Digest,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do there.
    pub role: Role,
    /// How logs, runs and audit call it.
    pub name: String,
    /// From then on it is unknown; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The known keys. Asked for each request, so that a key that was withdrawn is at once unknown.
pub trait Credentials: Debug + Send + Sync {
    /// The credential of that id. Must answer from memory, in a time that does not tell how nearly
    /// the id was met.
    fn find(&self, id: &str) -> Option<Credential>;
}

/// Keys that do not change while the server runs, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyTable(pub BTreeMap<String, Credential>);

impl Credentials for KeyTable {
    fn find(&self, id: &str) -> Option<Credential> {
        self.0.get(id).cloned()
    }
}
