//! What is known of tenants, keys and people, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;
use wforge_model::grant::GrantRecord;
use wforge_model::tenancy::{KeyRecord, Member, Tenant, TenantState};
use wforge_model::{Digest, TenantId};
use wforge_ports::store::Collection;

use super::{default_tenant, platform};
use crate::request::EngineError;
use crate::service::Shared;
use crate::trust::Trust;
use crate::webhooks::{Inbound, Webhooks};

/// Documents read at once.
const PAGE: usize = 512;

/// The directory of one deployment.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    index: RwLock<Index>,
    /// Held by whoever changes something.
    pub(crate) changing: Mutex<()>,
    /// Held by the erasure that is under way.
    pub(super) erasing: Mutex<()>,
    loaded: OnceCell<()>,
    /// Cancelled where a tenant's runs shall stand still.
    stops: RwLock<HashMap<TenantId, CancellationToken>>,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) tenants: BTreeMap<TenantId, Arc<Tenant>>,
    pub(super) keys: HashMap<String, Arc<KeyRecord>>,
    pub(super) members: BTreeMap<(TenantId, String), Arc<Member>>,
    /// By the component that they are for, then by id.
    pub(super) grants: HashMap<(TenantId, Digest), BTreeMap<String, Arc<GrantRecord>>>,
}

impl Directory {
    /// Reads everything, once.
    pub(crate) async fn load(shared: &Shared) -> Result<(), EngineError> {
        shared.directory.loaded.get_or_try_init(|| read_all(shared)).await.map(|_| ())
    }

    /// The tenant of that name; none where nobody made it.
    pub(crate) fn tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.read().tenants.get(id).cloned()
    }

    /// All tenants, by name.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.read().tenants.values().cloned().collect()
    }

    /// What is known of the key with that id.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<KeyRecord>> {
        self.read().keys.get(id).cloned()
    }

    /// The person with that subject.
    pub(crate) fn member(&self, tenant: &TenantId, subject: &str) -> Option<Arc<Member>> {
        self.read().members.get(&(tenant.clone(), subject.to_owned())).cloned()
    }

    /// Whether runs of the tenant may go on. One that nobody made has none that could not.
    pub(crate) fn is_open(&self, id: &TenantId) -> bool {
        self.read().tenants.get(id).is_none_or(|tenant| tenant.state == TenantState::Active)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cancelled when the process stops, or when the tenant's runs shall stand still.
    pub(crate) fn stop_of(
        &self,
        tenant: &TenantId,
        shutdown: &CancellationToken,
    ) -> CancellationToken {
        if let Some(stop) = self.stops.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return stop.clone();
        }
        let mut stops = self.stops.write().unwrap_or_else(PoisonError::into_inner);
        stops.entry(tenant.clone()).or_insert_with(|| shutdown.child_token()).clone()
    }

    /// Has the runs of a tenant stand still; those that begin later have a new token.
    pub(super) fn stop(&self, tenant: &TenantId) {
        let stop = self.stops.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        if let Some(stop) = stop {
            stop.cancel();
        }
    }
}

impl Index {
    async fn take_grants(&mut self, shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        let grants: Vec<GrantRecord> = PageOf(Collection::Grants).all(shared, tenant).await?;
        for grant in grants {
            let place = (tenant.clone(), grant.key.component);
            self.grants.entry(place).or_default().insert(grant.key.id(), Arc::new(grant));
        }
        Ok(())
    }

    /// Forgets keys, people and grants of a tenant, so that its credentials are refused.
    pub(super) fn forget_credentials(&mut self, tenant: &TenantId) {
        self.keys.retain(|_, key| key.tenant != *tenant);
        self.members.retain(|(of, _), _| of != tenant);
        self.grants.retain(|(of, _), _| of != tenant);
    }
}

async fn read_all(shared: &Shared) -> Result<(), EngineError> {
    let tenants: Vec<Tenant> = PageOf(Collection::Tenants).all(shared, &platform()?).await?;
    let mut index = Index::default();
    for tenant in tenants {
        let keys: Vec<KeyRecord> = PageOf(Collection::Keys).all(shared, &tenant.id).await?;
        index.keys.extend(keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))));
        let members: Vec<Member> = PageOf(Collection::Members).all(shared, &tenant.id).await?;
        let of = |member: Member| ((tenant.id.clone(), member.subject.clone()), Arc::new(member));
        index.members.extend(members.into_iter().map(of));
        index.take_grants(shared, &tenant.id).await?;
        index.tenants.insert(tenant.id.clone(), Arc::new(tenant));
    }
    let default = default_tenant()?;
    if !index.tenants.contains_key(&default) {
        index.take_grants(shared, &default).await?;
        Trust::load(shared, &default).await?;
        Webhooks::load(shared, &default).await?;
        Inbound::load(shared, &default).await?;
        shared.quarantines.load(shared, Some(&default)).await?;
        shared.schedules.load(shared, &default).await?;
    }
    shared.quarantines.load(shared, None).await?;
    Trust::load(shared, &platform()?).await?;
    for tenant in index.tenants.keys() {
        shared.quarantines.load(shared, Some(tenant)).await?;
        Trust::load(shared, tenant).await?;
        shared.schedules.load(shared, tenant).await?;
        Webhooks::load(shared, tenant).await?;
        Inbound::load(shared, tenant).await?;
    }
    *shared.directory.write() = index;
    Ok(())
}

/// A collection that is read page by page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageOf(pub(crate) Collection);

impl PageOf {
    /// All documents of a tenant.
    pub(crate) async fn all<T: DeserializeOwned>(
        self,
        shared: &Shared,
        tenant: &TenantId,
    ) -> Result<Vec<T>, EngineError> {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let store = &shared.parts.store;
            let page = store.documents(tenant, self.0, "", after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|document| document.key.clone());
            for document in page {
                let read = serde_json::from_value(document.value);
                found.push(read.map_err(|error| EngineError::Host(Box::new(error)))?);
            }
            if is_last {
                return Ok(found);
            }
        }
    }
}
