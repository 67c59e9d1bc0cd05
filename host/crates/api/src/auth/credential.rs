//! What is known of keys, people and tenants, as plain data that the host hands in.

use std::collections::BTreeMap;
use std::fmt::Debug;

use wforge_model::{Digest, Role, Scopes, TenantId, Timestamp};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// HMAC-SHA256 of the whole key under the pepper of the deployment.
    pub mac: Digest,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do there.
    pub role: Role,
    /// What it is narrowed to.
    pub scopes: Scopes,
    /// How logs, runs and audit call it.
    pub name: String,
    /// From then on it is unknown; none: never.
    pub expires_at: Option<Timestamp>,
    /// Whether it was made for one process and is kept nowhere. Nobody can look its id up, so that
    /// the name alone says who it was.
    pub is_passing: bool,
}

/// How a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its credentials work.
    Active,
    /// They are known, and refused.
    Suspended,
    /// They are not known.
    Unknown,
}

/// What is known. Asked for each request, so that what was withdrawn is at once unknown. Must
/// answer from memory, in a time that does not tell how nearly something was met.
pub trait Credentials: Debug + Send + Sync {
    /// The credential of the key with that id.
    fn find(&self, id: &str) -> Option<Credential>;

    /// How a tenant stands.
    fn standing(&self, tenant: &TenantId) -> Standing;

    /// Since when tokens of a tenant are taken: those issued before were taken back.
    fn tokens_since(&self, tenant: &TenantId) -> Timestamp;

    /// What a person of a tenant may do, by the subject of their token.
    fn member(&self, tenant: &TenantId, subject: &str) -> Option<Role>;
}

/// Keys that do not change while the server runs, by id; every tenant is active and has nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyTable(pub BTreeMap<String, Credential>);

impl Credentials for KeyTable {
    fn find(&self, id: &str) -> Option<Credential> {
        self.0.get(id).cloned()
    }

    fn standing(&self, _tenant: &TenantId) -> Standing {
        Standing::Active
    }

    fn tokens_since(&self, _tenant: &TenantId) -> Timestamp {
        Timestamp(0)
    }

    fn member(&self, _tenant: &TenantId, _subject: &str) -> Option<Role> {
        None
    }
}
