//! The lists that each start of a run goes through, in memory as long as nobody writes to them:
//! which plugins may serve, and which versions a workflow has.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use wforge_model::{PluginName, TenantId};
use wforge_ports::figures::Kept;
use wforge_ports::plugins::Admitted;
use wforge_ports::store::Collection;

use crate::request::{EngineError, WorkflowInfo};
use crate::service::Shared;
use crate::tenancy::platform;
use crate::{catalog, choice};

/// Of all lists of one kind, the bytes as JSON text; in memory they take several times that.
const BYTES_MAX: usize = 16 << 20;

/// What is in memory.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    offered: Lasting<TenantId, Offer, Admitted>,
    /// With the number of the list of workflows.
    versions: Lasting<(TenantId, String), u64, WorkflowInfo>,
}

impl Lists {
    /// Those that are in memory.
    pub(crate) fn kept(&self) -> Kept {
        let (offered, versions) = (self.offered.lock(), self.versions.lock());
        let lists = offered.lists.len() + versions.lists.len();
        Kept::bytes("lists", lists, offered.bytes + versions.bytes)
    }

    /// Forgets the lists of a tenant.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.offered.retain(|of| of != tenant);
        self.versions.retain(|(of, _)| of != tenant);
    }
}

/// The plugins that may serve new runs of a tenant: of one of which a version was chosen, that one
/// alone.
///
/// # Errors
/// Only the host's own.
pub(crate) async fn offered(
    shared: &Shared,
    tenant: &TenantId,
) -> Result<Arc<[Admitted]>, EngineError> {
    let version = |of: &TenantId, collection| shared.parts.store.documents_version(of, collection);
    let offer = Offer {
        plugins: version(tenant, Collection::Plugins),
        settings: version(tenant, Collection::Settings),
        of_platform: version(&platform()?, Collection::Plugins),
        from_platform: catalog::from_platform(shared, tenant),
    };
    if let Some(known) = shared.lists.offered.get(tenant, &offer) {
        return Ok(known);
    }
    // By the names that the entry has: the directory may have others by now.
    let plugins = catalog::offered(shared, tenant, "", &offer.from_platform).await?;
    let choices = choice::choices(shared, tenant).await?;
    let offered = choice::chosen(plugins.into_iter().map(|info| info.admitted), &choices);
    Ok(shared.lists.offered.keep(tenant.clone(), offer, offered))
}

/// The versions of a workflow that are registered.
///
/// # Errors
/// Only the host's own.
pub(crate) async fn versions(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<Arc<[WorkflowInfo]>, EngineError> {
    let workflows = shared.parts.store.documents_version(tenant, Collection::Workflows);
    let key = (tenant.clone(), name.to_owned());
    if let Some(known) = shared.lists.versions.get(&key, &workflows) {
        return Ok(known);
    }
    let versions = catalog::versions(&shared.parts, tenant, name).await?;
    // Nobody fills the memory with names that there are not.
    if versions.is_empty() {
        return Ok(versions.into());
    }
    Ok(shared.lists.versions.keep(key, workflows, versions))
}

/// What a list of plugins follows from: numbers of lists in the store, and which plugins of the
/// platform the tenant is offered.
#[derive(Debug, PartialEq, Eq)]
struct Offer {
    plugins: u64,
    settings: u64,
    of_platform: u64,
    from_platform: Vec<PluginName>,
}

/// Lists by key, each with a stamp of what it follows from. When they are too large together all of
/// them go, and are read again.
#[derive(Debug)]
struct Lasting<K, S, T>(Mutex<Read<K, S, T>>);

#[derive(Debug)]
struct Read<K, S, T> {
    lists: HashMap<K, List<S, T>>,
    bytes: usize,
}

#[derive(Debug)]
struct List<S, T> {
    stamp: S,
    items: Arc<[T]>,
    bytes: usize,
}

impl<K, S, T> Default for Lasting<K, S, T> {
    fn default() -> Self {
        Self(Mutex::new(Read { lists: HashMap::new(), bytes: 0 }))
    }
}

impl<K: Eq + Hash, S: PartialEq, T: Serialize> Lasting<K, S, T> {
    fn get(&self, key: &K, stamp: &S) -> Option<Arc<[T]>> {
        let read = self.lock();
        let list = read.lists.get(key).filter(|list| list.stamp == *stamp)?;
        Some(Arc::clone(&list.items))
    }

    fn keep(&self, key: K, stamp: S, items: Vec<T>) -> Arc<[T]> {
        let items: Arc<[T]> = items.into();
        let bytes = serde_json::to_vec(&*items).map_or(BYTES_MAX, |text| text.len());
        let mut read = self.lock();
        let before = read.lists.remove(&key).map_or(0, |list| list.bytes);
        read.bytes -= before;
        if read.bytes + bytes > BYTES_MAX {
            read.lists.clear();
            read.bytes = 0;
        }
        if bytes <= BYTES_MAX {
            read.bytes += bytes;
            read.lists.insert(key, List { stamp, items: Arc::clone(&items), bytes });
        }
        items
    }

    fn retain(&self, stays: impl Fn(&K) -> bool) {
        let mut read = self.lock();
        read.lists.retain(|key, _| stays(key));
        read.bytes = read.lists.values().map(|list| list.bytes).sum();
    }
}

impl<K, S, T> Lasting<K, S, T> {
    /// Changed without a call between that may panic, so a poisoned lock still holds what is true.
    fn lock(&self) -> MutexGuard<'_, Read<K, S, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_there_until_somebody_writes_to_it() {
        let lists: Lasting<&str, u64, u8> = Lasting::default();
        lists.keep("a", 1, vec![1, 2]);
        assert_eq!(lists.get(&"a", &1).as_deref(), Some(&[1, 2][..]));
        assert_eq!(lists.get(&"a", &2), None);
        lists.keep("a", 2, vec![3]);
        assert_eq!(lists.get(&"a", &2).as_deref(), Some(&[3][..]));
        assert_eq!(lists.lock().bytes, "[3]".len());
        lists.retain(|key| *key != "a");
        assert_eq!((lists.get(&"a", &2), lists.lock().bytes), (None, 0));
    }

    #[test]
    fn lists_that_are_too_large_together_are_read_again() {
        let lists: Lasting<u8, u64, String> = Lasting::default();
        let half = || vec!["x".repeat(BYTES_MAX / 2)];
        lists.keep(0, 0, half());
        lists.keep(1, 0, half());
        assert!(lists.get(&0, &0).is_none() && lists.get(&1, &0).is_some());
        let whole = vec!["x".repeat(BYTES_MAX)];
        assert_eq!(*lists.keep(2, 0, whole.clone()), whole, "it is read, and not kept");
        assert!(lists.get(&2, &0).is_none());
        assert!(lists.lock().bytes <= BYTES_MAX);
    }
}
