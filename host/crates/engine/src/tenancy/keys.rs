//! API keys of a tenant: made, rotated, revoked. Only what a key is compared with comes here.

use std::sync::Arc;

use wforge_model::tenancy::{KeyKind, KeyRecord};
use wforge_model::{Digest, Role, Scopes, TenantId, Timestamp, Version};
use wforge_ports::store::{Collection, Put};

use super::tenants::living;
use super::{Entry, invalid, to_value, write};
use crate::request::EngineError;
use crate::service::Shared;

/// Keys of one tenant.
const KEYS_MAX: usize = 1_000;
/// Keys of one name that are known at the same time: the old one and the one in its place.
const ACTIVE_MAX: usize = 2;
/// Bytes of a key's name.
const NAME_BYTES_MAX: usize = 128;

/// A key that was just made, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its id.
    pub id: String,
    /// What it is compared with.
    pub mac: Digest,
    /// What it may do.
    pub role: Role,
    /// What it is narrowed to.
    pub scopes: Scopes,
    /// Who holds it.
    pub kind: KeyKind,
    /// How logs and audit call it.
    pub name: String,
    /// From then on it is unknown.
    pub expires_at: Option<Timestamp>,
}

/// The keys of a tenant, the oldest first.
pub(crate) fn keys_of(shared: &Shared, tenant: &TenantId) -> Vec<Arc<KeyRecord>> {
    let index = shared.directory.read();
    let mut keys: Vec<_> =
        index.keys.values().filter(|key| key.tenant == *tenant).cloned().collect();
    keys.sort_by(|left, right| (left.created_at, &left.id).cmp(&(right.created_at, &right.id)));
    keys
}

/// Keeps a new key.
pub(crate) async fn add_key(
    shared: &Shared,
    tenant: &TenantId,
    new: NewKey,
    by: &str,
) -> Result<Arc<KeyRecord>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    check(&new)?;
    let record = record(shared, tenant, new, by, None);
    admit(shared, &record)?;
    put(shared, record, None, "key.add", by).await
}

/// Puts a new key in the place of another one, which is known for the overlap only.
pub(crate) async fn rotate_key(
    shared: &Shared,
    (tenant, id): (&TenantId, &str),
    (new_id, new_mac): (String, Digest),
    overlap_ms: u64,
    by: &str,
) -> Result<Arc<KeyRecord>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let now = shared.parts.clock.now();
    let old = find(shared, tenant, id)?;
    if !old.is_active(now) {
        let message = format!("the key {id} has expired; make a new one");
        return Err(EngineError::Conflict { code: "key_expired", message });
    }
    let new = NewKey {
        id: new_id,
        mac: new_mac,
        role: old.role,
        scopes: old.scopes.clone(),
        kind: old.kind,
        name: old.name.clone(),
        expires_at: old.expires_at,
    };
    let record = record(shared, tenant, new, by, Some(old.id.clone()));
    admit(shared, &record)?;
    let end = now.after_ms(overlap_ms);
    let expires_at = Some(old.expires_at.map_or(end, |before| before.min(end)));
    let old = KeyRecord { expires_at, ..KeyRecord::clone(&old) };
    put(shared, record, Some(old), "key.rotate", by).await
}

/// Removes a key: from now on it is unknown.
pub(crate) async fn revoke_key(
    shared: &Shared,
    tenant: &TenantId,
    id: &str,
    by: &str,
) -> Result<Arc<KeyRecord>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let old = find(shared, tenant, id)?;
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Keys,
        key: old.id.clone(),
        value: None,
        also: Vec::new(),
        action: "key.revoke",
        resource: title(&old),
        by,
    };
    write(shared, entry).await?;
    shared.directory.write().keys.remove(&old.id);
    Ok(old)
}

fn find(shared: &Shared, tenant: &TenantId, id: &str) -> Result<Arc<KeyRecord>, EngineError> {
    let found = shared.directory.key(id).filter(|key| key.tenant == *tenant);
    found.ok_or_else(|| EngineError::NotFound { kind: "key", name: id.to_owned() })
}

fn check(new: &NewKey) -> Result<(), EngineError> {
    let fits = !new.name.is_empty()
        && new.name.len() <= NAME_BYTES_MAX
        && !new.name.chars().any(char::is_control);
    if !fits {
        let message = format!("a key's name has 1 to {NAME_BYTES_MAX} bytes and one line");
        return Err(invalid("bad_key_name", message));
    }
    if new.kind == KeyKind::Service && new.scopes.is_all() {
        let message = "a service's key names its scopes, such as runs:write";
        return Err(invalid("unscoped_service", message));
    }
    Ok(())
}

/// Whether the tenant may have one more key of that name.
fn admit(shared: &Shared, new: &KeyRecord) -> Result<(), EngineError> {
    living(shared, &new.tenant)?;
    // Ids are chance of 48 bits, over all tenants: one that is taken must not be taken over.
    if shared.directory.key(&new.id).is_some() {
        let message = "chance gave an id that is taken; try again";
        return Err(EngineError::Conflict { code: "key_id_taken", message: message.to_owned() });
    }
    let now = shared.parts.clock.now();
    let known = keys_of(shared, &new.tenant);
    if known.len() >= KEYS_MAX {
        let message = format!("the tenant has {KEYS_MAX} keys; revoke what nobody uses");
        return Err(EngineError::Conflict { code: "too_many_keys", message });
    }
    let same = known.iter().filter(|key| key.name == new.name && key.is_active(now));
    if same.count() >= ACTIVE_MAX {
        let message = format!(
            "{ACTIVE_MAX} keys called \"{}\" are in use; revoke one, or use another name",
            new.name
        );
        return Err(EngineError::Conflict { code: "two_keys_active", message });
    }
    Ok(())
}

fn record(
    shared: &Shared,
    tenant: &TenantId,
    new: NewKey,
    by: &str,
    replaces: Option<String>,
) -> KeyRecord {
    let NewKey { id, mac, role, scopes, kind, name, expires_at } = new;
    KeyRecord {
        id,
        mac,
        tenant: tenant.clone(),
        role,
        scopes,
        kind,
        name,
        created_at: shared.parts.clock.now(),
        created_by: by.to_owned(),
        expires_at,
        replaces,
    }
}

/// Writes a new key, and one that changes with it.
async fn put(
    shared: &Shared,
    new: KeyRecord,
    changed: Option<KeyRecord>,
    action: &'static str,
    by: &str,
) -> Result<Arc<KeyRecord>, EngineError> {
    let row = |key: &KeyRecord| -> Result<Put, EngineError> {
        let (collection, value) = (Collection::Keys, Some(to_value(key)?));
        Ok(Put { collection, key: key.id.clone(), value })
    };
    let entry = Entry {
        tenant: &new.tenant,
        expected: Some(Version(0)),
        collection: Collection::Keys,
        key: new.id.clone(),
        value: Some(to_value(&new)?),
        also: changed.as_ref().map(row).transpose()?.into_iter().collect(),
        action,
        resource: title(&new),
        by,
    };
    write(shared, entry).await?;
    let new = Arc::new(new);
    let mut index = shared.directory.write();
    index.keys.extend(changed.map(|key| (key.id.clone(), Arc::new(key))));
    index.keys.insert(new.id.clone(), new.clone());
    Ok(new)
}

fn title(key: &KeyRecord) -> String {
    format!("{} {} ({})", key.id, key.name, key.role)
}
