//! Inbound webhooks: made, changed, removed, and what a post to one does.
//!
//! A URL holds the hook's id, the moment at which it ends and an HMAC over both and what the hook
//! does, by a key that never leaves the store. A new key makes all URLs of before invalid. `keys`
//! signs and checks, `change` is the tenant's side, `opened` the side of whoever posts.

mod change;
mod keys;
mod opened;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use wforge_model::inbound::InboundHook;
use wforge_model::{HookName, InboundId, TenantId};
use wforge_ports::store::Collection;

use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::PageOf;

pub(crate) use change::{existing_inbound, put_inbound, remove_inbound, rotate_inbound, url_of};
pub(crate) use opened::{Deed, open};

pub use change::{InboundMade, InboundPut};
pub use keys::{PostedSignature, PostedUrl};
pub use opened::OpenedHook;

/// What is known of inbound webhooks in memory.
#[derive(Debug, Default)]
pub(crate) struct Inbound(RwLock<Index>);

#[derive(Debug, Default)]
struct Index {
    hooks: HashMap<TenantId, BTreeMap<HookName, Arc<InboundHook>>>,
    owners: HashMap<InboundId, (TenantId, HookName)>,
}

impl Inbound {
    /// Reads the inbound webhooks of a tenant.
    pub(crate) async fn load(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        let hooks: Vec<InboundHook> = PageOf(Collection::InboundHooks).all(shared, tenant).await?;
        for hook in hooks {
            shared.inbound.know(tenant, Arc::new(hook));
        }
        Ok(())
    }

    /// The inbound webhooks of a tenant, by name.
    pub(crate) fn of(&self, tenant: &TenantId) -> Vec<Arc<InboundHook>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.hooks.get(tenant).map(|of| of.values().cloned().collect()).unwrap_or_default()
    }

    fn get(&self, tenant: &TenantId, name: &HookName) -> Option<Arc<InboundHook>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.hooks.get(tenant)?.get(name).cloned()
    }

    fn owner(&self, id: InboundId) -> Option<(TenantId, Arc<InboundHook>)> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (tenant, name) = index.owners.get(&id)?;
        Some((tenant.clone(), index.hooks.get(tenant)?.get(name)?.clone()))
    }

    fn know(&self, tenant: &TenantId, hook: Arc<InboundHook>) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.owners.insert(hook.id, (tenant.clone(), hook.name.clone()));
        index.hooks.entry(tenant.clone()).or_default().insert(hook.name.clone(), hook);
    }

    fn forget_hook(&self, tenant: &TenantId, hook: &InboundHook) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.owners.remove(&hook.id);
        if let Some(of) = index.hooks.get_mut(tenant) {
            of.remove(&hook.name);
        }
    }

    /// Knows nothing of a tenant any more.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.hooks.remove(tenant);
        index.owners.retain(|_, (of, _)| of != tenant);
    }
}
