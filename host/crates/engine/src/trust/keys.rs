//! The keys of a trust store: added, revoked, restored, each with its entry of the audit log.

use std::sync::Arc;

use wforge_model::trust::{KeyName, KeyState, NOTE_BYTES_MAX, TrustedKey};
use wforge_model::{Digest, TenantId};
use wforge_ports::store::Collection;

use super::minisign::PublicKey;
use crate::quarantine;
use crate::request::EngineError;
use crate::service::{Shared, check_open};
use crate::tenancy::{Directory, Entry, invalid, to_value, write};

/// Keys of one tenant for each that may be trusted: those that were revoked are kept, since what
/// they signed stays here.
const KEPT_PER_TRUSTED: usize = 16;

/// A key that is to be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrustedKey {
    /// What it is called.
    pub name: KeyName,
    /// A public key of minisign: its file, or the second line of it.
    pub public: String,
    /// Whose it is.
    pub note: String,
}

/// The keys of a tenant, by id, revoked ones too.
pub(crate) fn keys_of(shared: &Shared, tenant: &TenantId) -> Vec<Arc<TrustedKey>> {
    let stores = shared.trust.read();
    stores.get(tenant).map(|store| store.keys.values().cloned().collect()).unwrap_or_default()
}

/// Trusts a key. The same key under the same name twice is one.
pub(crate) async fn add_key(
    shared: &Shared,
    tenant: &TenantId,
    NewTrustedKey { name, public, note }: NewTrustedKey,
    by: &str,
) -> Result<Arc<TrustedKey>, EngineError> {
    Directory::load(shared).await?;
    check_words("note", &note)?;
    let public =
        PublicKey::parse(&public).map_err(|error| invalid("bad_key", error.to_string()))?;
    let _turn = shared.directory.changing.lock().await;
    check_open(shared, tenant)?;
    let known = keys_of(shared, tenant);
    if let Some(before) = known.iter().find(|key| key.key == public.id()) {
        return same_key(before, &name, &public);
    }
    if known.iter().any(|key| key.name == name) {
        let message = format!("another key is called {name} already; choose another name");
        return Err(EngineError::Conflict { code: "name_taken", message });
    }
    check_count(shared, &known)?;
    let key = TrustedKey {
        key: public.id(),
        name,
        public: public.line().to_owned(),
        state: KeyState::Trusted,
        note,
        added_by: by.to_owned(),
        added_at: shared.parts.clock.now(),
        changed_by: None,
        changed_at: None,
        reason: String::new(),
    };
    put(shared, tenant, key, "trust.add", by).await
}

/// Trusts a key no more: what it signed starts no new run, and running ones wait before their next
/// call. Calls that are under way are being dropped on return.
pub(crate) async fn revoke_key(
    shared: &Shared,
    tenant: &TenantId,
    (which, reason): (&str, String),
    by: &str,
) -> Result<Arc<TrustedKey>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let key = changed(shared, tenant, (which, reason), KeyState::Revoked, by).await?;
    shared.quarantines.told();
    Ok(key)
}

/// Trusts a revoked key again; the runs that waited for it go on.
pub(crate) async fn restore_key(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    (which, reason): (&str, String),
    by: &str,
) -> Result<Arc<TrustedKey>, EngineError> {
    let turn = shared.directory.changing.lock().await;
    let key = changed(shared, tenant, (which, reason), KeyState::Trusted, by).await?;
    drop(turn);
    let signed: Vec<Digest> = {
        let stores = shared.trust.read();
        let all = stores.get(tenant).into_iter().flat_map(|store| store.signed.values());
        all.filter(|one| one.signer.key == key.key).map(|one| one.component).collect()
    };
    quarantine::let_go_on(shared, tenant, &signed).await?;
    Ok(key)
}

/// A key in its other state. One that is in that state already stays as it is, with its reason.
async fn changed(
    shared: &Shared,
    tenant: &TenantId,
    (which, reason): (&str, String),
    state: KeyState,
    by: &str,
) -> Result<Arc<TrustedKey>, EngineError> {
    Directory::load(shared).await?;
    check_words("reason", &reason)?;
    check_open(shared, tenant)?;
    let known = keys_of(shared, tenant);
    let before = found(&known, which)?;
    if before.state == state {
        return Ok(before.clone());
    }
    let action = match state {
        KeyState::Revoked => "trust.revoke",
        KeyState::Trusted => {
            check_count(shared, &known)?;
            "trust.restore"
        }
    };
    let changed = TrustedKey {
        state,
        reason,
        changed_by: Some(by.to_owned()),
        changed_at: Some(shared.parts.clock.now()),
        ..TrustedKey::clone(before)
    };
    put(shared, tenant, changed, action, by).await
}

/// By its id, or by its name.
fn found<'k>(
    known: &'k [Arc<TrustedKey>],
    which: &str,
) -> Result<&'k Arc<TrustedKey>, EngineError> {
    let id = which.parse().ok();
    let mut meant = known.iter().filter(|key| Some(key.key) == id || key.name.as_str() == which);
    let missing = || EngineError::NotFound { kind: "trusted key", name: which.to_owned() };
    meant.next().ok_or_else(missing)
}

fn same_key(
    before: &Arc<TrustedKey>,
    name: &KeyName,
    public: &PublicKey,
) -> Result<Arc<TrustedKey>, EngineError> {
    let id = before.key;
    let message = if before.public != public.line() {
        format!("another key has the id {id} already: ids are chosen at random, so make a new key")
    } else if before.state == KeyState::Revoked {
        format!("the key {id} was revoked; wforge trust restore {id} trusts it again")
    } else if before.name != *name {
        format!("the key {id} is trusted already, as {}", before.name)
    } else {
        return Ok(before.clone());
    };
    Err(EngineError::Conflict { code: "key_known", message })
}

fn check_count(shared: &Shared, known: &[Arc<TrustedKey>]) -> Result<(), EngineError> {
    let keys_max = shared.options.trust.keys_max;
    let trusted = known.iter().filter(|key| key.state == KeyState::Trusted).count();
    if trusted < keys_max && known.len() <= keys_max.saturating_mul(KEPT_PER_TRUSTED) {
        return Ok(());
    }
    let message = format!(
        "the tenant trusts {trusted} keys and knows {}; it may trust {keys_max} \
         (limits.trust.keys_max): revoke what nobody signs with any more",
        known.len()
    );
    Err(EngineError::Conflict { code: "too_many_trusted_keys", message })
}

fn check_words(what: &str, words: &str) -> Result<(), EngineError> {
    let fits = words.len() <= NOTE_BYTES_MAX && !words.chars().any(|c| c.is_control() && c != '\n');
    if fits {
        return Ok(());
    }
    Err(invalid("bad_reason", format!("a {what} has at most {NOTE_BYTES_MAX} bytes of text")))
}

async fn put(
    shared: &Shared,
    tenant: &TenantId,
    key: TrustedKey,
    action: &'static str,
    by: &str,
) -> Result<Arc<TrustedKey>, EngineError> {
    let reason = if key.reason.is_empty() { String::new() } else { format!(": {}", key.reason) };
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::TrustedKeys,
        key: key.key.to_string(),
        value: Some(to_value(&key)?),
        also: Vec::new(),
        action,
        resource: format!("{} {}{reason}", key.key, key.name),
        by,
    };
    write(shared, entry).await?;
    let key = Arc::new(key);
    let mut stores = shared.trust.write();
    stores.entry(tenant.clone()).or_default().keys.insert(key.key, key.clone());
    Ok(key)
}
