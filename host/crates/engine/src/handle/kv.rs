//! What plugins remember, as people see it: listed, read, put right.
//!
//! The memory of a run is only read here. It follows from what its tasks did, and whoever goes on
//! from one of its checkpoints folds it from their records: a write by hand would be in none.

use wforge_model::{TenantId, Timestamp, Value, Version};
use wforge_ports::store::{
    AuditDraft, KvEntry, KvExpected, KvPage, KvQuery, KvRoom, KvSpace, KvStanding, KvWrite,
    Remember, RememberError,
};

use super::Handle;
use crate::request::EngineError;

/// How often a write is decided on while plugins write the same key.
const TRIES_MAX: u32 = 16;
/// Values of one page of a listing, in bytes; they are read to say how large they are.
const PAGE_BYTES_MAX: u64 = 8 << 20;

/// One write by hand.
#[derive(Debug, Clone)]
pub struct KvPut {
    /// Whose memory.
    pub space: KvSpace,
    /// The key.
    pub key: String,
    /// What it holds from now on; none deletes.
    pub value: Option<Value>,
    /// The version that the key must have, 0 where there must be none; none: whatever it is.
    pub expected: Option<Version>,
    /// For how long it holds it, in milliseconds; none: until it is written again.
    pub ttl_ms: Option<u64>,
    /// Who writes.
    pub by: String,
}

impl Handle {
    /// At most `limit` entries of a memory after `after`, whose keys begin with `prefix`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where the tenant has no such run or thread.
    pub async fn kv_entries(
        &self,
        tenant: &TenantId,
        space: &KvSpace,
        (prefix, after): (&str, Option<&str>),
        limit: usize,
    ) -> Result<KvPage, EngineError> {
        self.check_space(tenant, space).await?;
        let now = self.shared.parts.clock.now();
        let query = KvQuery { space, prefix, after, limit, bytes_max: PAGE_BYTES_MAX, now };
        Ok(self.shared.parts.store.memories(tenant, query).await?)
    }

    /// One entry of a memory.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where the key holds nothing.
    pub async fn kv_entry(
        &self,
        tenant: &TenantId,
        space: &KvSpace,
        key: &str,
    ) -> Result<KvEntry, EngineError> {
        self.check_space(tenant, space).await?;
        let standing = self.shared.parts.store.memory(tenant, space, key).await?;
        let entry = standing.live(self.shared.parts.clock.now()).cloned();
        entry.ok_or_else(|| no_key(key))
    }

    /// Writes one key of a thread's or a plugin's memory, and says what it holds then; of one that
    /// was deleted, what it held.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where the tenant has no such thread, or there is nothing to
    /// delete; [`EngineError::Conflict`] `kv_version` where the key is at another version,
    /// `kv_of_run` for the memory of a run; [`EngineError::Invalid`] where it is too large.
    pub async fn put_kv(&self, tenant: &TenantId, put: KvPut) -> Result<KvEntry, EngineError> {
        if let KvSpace::Run(run) = put.space {
            let message = format!(
                "the memory of {run} follows from what its tasks did and is only read; write to \
                 that of a thread or a plugin"
            );
            return Err(EngineError::Conflict { code: "kv_of_run", message });
        }
        self.check_space(tenant, &put.space).await?;
        self.check_sizes(&put)?;
        for _ in 0..TRIES_MAX {
            let now = self.shared.parts.clock.now();
            let standing = self.shared.parts.store.memory(tenant, &put.space, &put.key).await?;
            let found = standing.live(now);
            let version = found.map_or(Version(0), |entry| entry.version);
            if let Some(expected) = put.expected.filter(|expected| *expected != version) {
                return Err(moved_on(&put.key, expected, version));
            }
            if put.value.is_none() && found.is_none() {
                return Err(no_key(&put.key));
            }
            if let Some(entry) = self.try_put(tenant, &put, &standing, now).await? {
                return Ok(entry);
            }
        }
        let message = "plugins write this key all the time; try again".to_owned();
        Err(EngineError::Busy { message, retry_after_ms: 1_000 })
    }

    /// The entry as it is then, or, where it was deleted, as it was; none where the key moved on.
    async fn try_put(
        &self,
        tenant: &TenantId,
        put: &KvPut,
        standing: &KvStanding,
        now: Timestamp,
    ) -> Result<Option<KvEntry>, EngineError> {
        let limits = &self.shared.options.memory;
        let expected = standing.expected();
        let expires_at = put.ttl_ms.map(|ms| now.after_ms(ms));
        let write = KvWrite {
            space: put.space.clone(),
            key: put.key.clone(),
            value: put.value.clone(),
            expires_at,
            expected: Some(expected),
            room: Some(KvRoom {
                keys_max: limits.space_keys_max,
                bytes_max: limits.space_bytes_max,
            }),
        };
        let audit = vec![AuditDraft {
            at: now,
            actor: put.by.clone(),
            action: if put.value.is_some() { "kv.put" } else { "kv.delete" }.to_owned(),
            resource: format!("{} {:?}", put.space, put.key),
            outcome: "ok".to_owned(),
        }];
        let remember = Remember { tenant: tenant.clone(), write, at: now, audit };
        match self.shared.parts.store.remember(remember).await {
            Ok(()) => Ok(Some(held(put, standing, expected, expires_at))),
            Err(RememberError::Conflict { .. }) => Ok(None),
            Err(full @ RememberError::Full { .. }) => Err(invalid("kv_full", full.to_string())),
            Err(error @ RememberError::TooLarge { .. }) => {
                Err(invalid("kv_value_bytes", error.to_string()))
            }
            Err(error @ RememberError::Unavailable(_)) => Err(EngineError::Host(Box::new(error))),
        }
    }

    /// That the tenant has the run or the thread. A plugin may be remembered that is not installed
    /// any more.
    async fn check_space(&self, tenant: &TenantId, space: &KvSpace) -> Result<(), EngineError> {
        let store = &self.shared.parts.store;
        let missing = match space {
            KvSpace::Run(run) if store.head(tenant, *run).await?.is_none() => {
                ("run", run.to_string())
            }
            KvSpace::Thread(thread) if store.thread(tenant, *thread).await?.is_none() => {
                ("thread", thread.to_string())
            }
            KvSpace::Run(_) | KvSpace::Thread(_) | KvSpace::Plugin(_) => return Ok(()),
        };
        let (kind, name) = missing;
        Err(EngineError::NotFound { kind, name })
    }

    fn check_sizes(&self, put: &KvPut) -> Result<(), EngineError> {
        let limits = &self.shared.options.memory;
        if put.key.len() > limits.key_bytes_max {
            let message = format!("a key may have at most {} bytes", limits.key_bytes_max);
            return Err(invalid("kv_key_bytes", message));
        }
        let value_bytes = put.value.as_ref().map_or(0, |value| value.to_string().len());
        if value_bytes > limits.value_bytes_max {
            let max = limits.value_bytes_max;
            let message = format!("a value may have at most {max} bytes as JSON");
            return Err(invalid("kv_value_bytes", message));
        }
        Ok(())
    }
}

/// What the key holds after a write, or held before it was deleted.
fn held(
    put: &KvPut,
    before: &KvStanding,
    KvExpected { version, .. }: KvExpected,
    expires_at: Option<Timestamp>,
) -> KvEntry {
    let key = put.key.clone();
    match (&put.value, &before.entry) {
        (Some(value), _) => KvEntry { key, value: value.clone(), version, expires_at },
        (None, Some(entry)) => entry.clone(),
        (None, None) => KvEntry { key, value: Value::Null, version, expires_at },
    }
}

fn moved_on(key: &str, expected: Version, found: Version) -> EngineError {
    let message = match found.0 {
        0 => format!("\"{key}\" holds nothing, so it is not at version {expected}"),
        _ => format!("\"{key}\" is at version {found}, not {expected}; read it again"),
    };
    EngineError::Conflict { code: "kv_version", message }
}

fn no_key(key: &str) -> EngineError {
    EngineError::NotFound { kind: "key", name: key.to_owned() }
}

fn invalid(code: &'static str, message: String) -> EngineError {
    EngineError::Invalid { code, message, details: Vec::new() }
}
