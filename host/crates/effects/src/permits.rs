//! How many effects of one tenant are performed at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wforge_model::TenantId;

/// Tenants beyond which those that have nothing under way are forgotten.
const TENANTS_KEPT: usize = 1_024;

/// A number of places for each tenant.
#[derive(Debug)]
pub(crate) struct Permits {
    places: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

impl Permits {
    /// So many places for each.
    pub(crate) fn new(places: u32) -> Self {
        let places = usize::try_from(places).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        Self { places, tenants: Mutex::default() }
    }

    /// Waits for a place of that tenant.
    pub(crate) async fn take(&self, tenant: &TenantId) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.of(tenant).acquire_owned().await.ok()
    }

    fn of(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() > TENANTS_KEPT {
            tenants.retain(|_, places| places.available_permits() < self.places);
        }
        let fresh = || Arc::new(Semaphore::new(self.places));
        Arc::clone(tenants.entry(tenant.clone()).or_insert_with(fresh))
    }
}
