//! Tenants, their keys and people: kept as documents, known from memory.
//!
//! What is asked for each request (who holds this key, how does this tenant stand) is answered by
//! the [`Directory`] without the store. Changes are made one after another: durable first, then
//! known. Never here: what a key looks like, or how a token is checked; that is the API's.

mod directory;
mod erase;
mod export;
mod grants;
mod keys;
mod ledger;
mod members;
mod secrets;
mod tenants;
mod tokens;
mod trail;

pub use grants::{Explained, GrantDecision, GrantRequest, LiveGrants};
pub use keys::NewKey;
pub use ledger::{Days, TenantUsage, UsedDay};
pub use secrets::SecretPut;
pub use tokens::TenantTokens;
pub use trail::AuditVerdict;

pub(crate) use directory::{Directory, PageOf};
pub(crate) use erase::{erase, go_on_erasing};
pub(crate) use export::export;
pub(crate) use grants::{
    Granted, Used, ask_for_needs, decide, explain, flush_used, grants_of, request, still_granted,
    used_of,
};
pub(crate) use keys::{add_key, keys_of, revoke_key, rotate_key};
pub(crate) use ledger::{
    Ledger, admit_run, charge_tokens, days_of, flush, quotas, usage_of, within_storage,
};
pub(crate) use members::{members_of, put_member, remove_member};
pub(crate) use secrets::{put_secret, remove_secret, secrets_of};
pub(crate) use tenants::{
    create, ensure, living, resume, revoke_tokens, set_platform_plugins, set_quotas, suspend,
    tenant, tenants,
};
pub(crate) use trail::{audit_page, verify_audit};

use wforge_model::tenancy::{DEFAULT, PLATFORM};
use wforge_model::{TenantId, Value, Version};
use wforge_ports::store::{AuditDraft, Change, ChangeError, Collection, Put};

use crate::request::EngineError;
use crate::service::Shared;

/// Under whose name the store keeps the list of tenants.
pub(crate) fn platform() -> Result<TenantId, EngineError> {
    PLATFORM.parse().map_err(|error| EngineError::Host(Box::new(error)))
}

/// The tenant of the command line, which is there before anybody makes it.
pub(crate) fn default_tenant() -> Result<TenantId, EngineError> {
    DEFAULT.parse().map_err(|error| EngineError::Host(Box::new(error)))
}

/// What a change of the control plane writes: one document and one entry of the audit log.
pub(crate) struct Entry<'a> {
    pub(crate) tenant: &'a TenantId,
    /// The version that the document must have; none: whatever it is.
    pub(crate) expected: Option<Version>,
    pub(crate) collection: Collection,
    pub(crate) key: String,
    pub(crate) value: Option<Value>,
    /// Further documents of the same change.
    pub(crate) also: Vec<Put>,
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    pub(crate) by: &'a str,
}

/// Writes it, all or nothing.
pub(crate) async fn write(shared: &Shared, entry: Entry<'_>) -> Result<(), EngineError> {
    let Entry { tenant, expected, collection, key, value, also, action, resource, by } = entry;
    let mut puts = vec![Put { collection, key, value }];
    puts.extend(also);
    let audit = AuditDraft {
        at: shared.parts.clock.now(),
        actor: by.to_owned(),
        action: action.to_owned(),
        resource,
        outcome: "ok".into(),
    };
    let change = Change {
        tenant: tenant.clone(),
        expected,
        puts,
        audit: vec![audit],
        idempotent_reply: None,
    };
    match shared.parts.store.change(change).await {
        Ok(_) => Ok(()),
        Err(ChangeError::Conflict { key, .. }) => Err(EngineError::Conflict {
            code: "changed_meanwhile",
            message: format!("{key} was changed by somebody else at the same moment; try again"),
        }),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}

pub(crate) fn to_value<T: serde::Serialize>(of: &T) -> Result<Value, EngineError> {
    serde_json::to_value(of).map_err(|error| EngineError::Host(Box::new(error)))
}

pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> EngineError {
    EngineError::Invalid { code, message: message.into(), details: Vec::new() }
}
