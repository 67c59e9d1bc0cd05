//! The tenants' secrets: read from the store by name and version, and taken out of whatever a
//! plugin says once one of them was opened.
//!
//! `credentials` fills them into headers, `session` hands them to who may see them, [`Redactor`]
//! knows the forms in which they leave. Who may hold or see one is decided before, by the grants.

mod credentials;
mod forms;
mod redactor;
mod session;
mod stream;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wforge_model::defence::{Defence, holds};
use wforge_model::{SecretName, SecretRecord, TenantId, Value};
use wforge_ports::Store;
use wforge_ports::store::{Collection, ReadError};

use crate::llm::SecretText;

pub(crate) use credentials::{Credential, fill};
pub(crate) use redactor::Redactor;
pub(crate) use stream::Mouth;

/// The secrets of all tenants, and those that this process has opened.
#[derive(Clone)]
pub struct Secrets {
    store: Arc<dyn Store>,
    opened: Arc<Mutex<Opened>>,
}

/// What this process has opened, by tenant.
#[derive(Default)]
struct Opened {
    redactors: HashMap<TenantId, Arc<Redactor>>,
    /// Tenants that were erased: a read that was under way opens nothing of them any more. No
    /// tenant has the name of one that was erased.
    gone: BTreeSet<TenantId>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// A secret as it is now, and what it is for.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) record: SecretRecord,
    pub(crate) value: SecretText,
}

impl Secrets {
    /// The secrets in that store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, opened: Arc::default() }
    }

    /// What is shown of a secret; none where the tenant has none of that name.
    pub(crate) async fn record(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<SecretRecord>, ReadError> {
        if name.parse::<SecretName>().is_err() {
            return Ok(None);
        }
        let found = self.store.document(tenant, Collection::Secrets, name).await?;
        let Some(document) = found else { return Ok(None) };
        let record: SecretRecord =
            serde_json::from_value(document.value).map_err(|error| damaged(name, &error))?;
        Ok(record.current().is_some().then_some(record))
    }

    /// The newest value of a secret. From now on it is taken out of what plugins say.
    pub(crate) async fn current(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Current>, ReadError> {
        let Some(record) = self.record(tenant, name).await? else { return Ok(None) };
        let Some(version) = record.current() else { return Ok(None) };
        let value = self.open(tenant, &record.name, version).await?;
        Ok(value.map(|value| Current { record, value }))
    }

    /// One value of a secret; none where it is not kept any more. From now on it is taken out of
    /// what plugins say.
    pub(crate) async fn open(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        version: u64,
    ) -> Result<Option<SecretText>, ReadError> {
        let key = name.value_key(version);
        let found = self.store.document(tenant, Collection::SecretValues, &key).await?;
        let Some(document) = found else { return Ok(None) };
        let value = document.value.get("value").and_then(Value::as_str);
        let value = value.ok_or_else(|| damaged(name.as_str(), &"no value"))?;
        let value = SecretText::new(value.to_owned());
        Ok(self.learn(tenant, name, &value).then_some(value))
    }

    /// What takes the tenant's opened secrets out of a text; none where none was opened.
    pub(crate) fn redactor(&self, tenant: &TenantId) -> Option<Arc<Redactor>> {
        if !holds(Defence::Redaction) {
            return None;
        }
        self.opened().redactors.get(tenant).cloned()
    }

    /// Holds no value of a tenant any more.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut opened = self.opened();
        opened.redactors.remove(tenant);
        opened.gone.insert(tenant.clone());
    }

    /// Whether the value will be taken out of what plugins say; if not, nobody may have it.
    fn learn(&self, tenant: &TenantId, name: &SecretName, value: &SecretText) -> bool {
        let mut opened = self.opened();
        if opened.gone.contains(tenant) {
            return false;
        }
        let before = opened.redactors.get(tenant);
        if !before.is_some_and(|redactor| redactor.knows(name, value)) {
            let next = Redactor::with(before.map(AsRef::as_ref), name, value);
            opened.redactors.insert(tenant.clone(), Arc::new(next));
        }
        true
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(name: &str, reason: &dyn std::fmt::Display) -> ReadError {
    ReadError::Damaged { what: format!("secret {name}"), reason: reason.to_string() }
}
