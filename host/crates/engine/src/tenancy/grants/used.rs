//! Which of its grants a version of a plugin has really used, by the day.
//!
//! Written as runs begin, every few seconds at most, and when the process stops, at most once a day
//! for each; a crash forgets what was used since then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::warn;
use wforge_model::agent::AgentCall;
use wforge_model::{Capability, Digest, TenantId};
use wforge_ports::figures::Kept;
use wforge_ports::store::{Change, Collection, Put};

use crate::request::EngineError;
use crate::service::Shared;

/// Things noted in one process and day beyond which nothing more is noted.
const NOTED_MAX: usize = 100_000;

/// What was used, as this process knows it.
#[derive(Debug, Default)]
pub(crate) struct Used(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    day: String,
    seen: BTreeSet<(TenantId, Digest, Capability)>,
    fresh: BTreeSet<(TenantId, Digest, Capability)>,
}

/// The document of one version.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Days {
    /// The last day on which each of its grants was used.
    #[serde(default)]
    last: BTreeMap<Capability, String>,
}

impl Used {
    /// Notes that a call used what its grants cover. Never waits.
    pub(super) fn note(&self, shared: &Shared, call: &AgentCall, wanted: &Capability) {
        let Some(grant) = call.grants.iter().find(|grant| grant.covers(wanted)) else { return };
        let day = shared.parts.clock.now().day();
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.day != day {
            noted.seen.clear();
            noted.day = day;
        }
        let used = (call.tenant.clone(), call.component, grant.clone());
        if noted.seen.len() < NOTED_MAX && noted.seen.insert(used.clone()) {
            noted.fresh.insert(used);
        }
    }

    /// What was noted today.
    pub(crate) fn kept(&self) -> Kept {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Kept::entries("used_grants", noted.seen.len())
    }

    /// Forgets what a tenant used that is not written yet.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.seen.retain(|(of, ..)| of != tenant);
        noted.fresh.retain(|(of, ..)| of != tenant);
    }

    fn take(&self) -> (String, BTreeSet<(TenantId, Digest, Capability)>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (noted.day.clone(), std::mem::take(&mut noted.fresh))
    }
}

/// Writes what was noted since it was last written.
pub(crate) async fn flush_used(shared: &Shared) {
    let (day, fresh) = shared.used.take();
    let mut by_component: BTreeMap<(TenantId, Digest), Vec<Capability>> = BTreeMap::new();
    for (tenant, component, capability) in fresh {
        by_component.entry((tenant, component)).or_default().push(capability);
    }
    for ((tenant, component), capabilities) in by_component {
        if let Err(error) = add(shared, &tenant, component, &day, capabilities).await {
            warn!(%tenant, %component, %error, "what a plugin used cannot be written");
        }
    }
}

async fn add(
    shared: &Shared,
    tenant: &TenantId,
    component: Digest,
    day: &str,
    capabilities: Vec<Capability>,
) -> Result<(), EngineError> {
    let mut days = Days { last: used_of(shared, tenant, component).await? };
    days.last.extend(capabilities.into_iter().map(|capability| (capability, day.to_owned())));
    let value = serde_json::to_value(days).map_err(|error| EngineError::Host(Box::new(error)))?;
    let (collection, key) = (Collection::Used, component.to_string());
    let change = Change {
        tenant: tenant.clone(),
        expected: None,
        puts: vec![Put { collection, key, value: Some(value) }],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    let written = shared.parts.store.change(change).await;
    written.map(|_| ()).map_err(|error| EngineError::Host(Box::new(error)))
}

/// The last day on which each grant of a version was used.
pub(crate) async fn used_of(
    shared: &Shared,
    tenant: &TenantId,
    component: Digest,
) -> Result<BTreeMap<Capability, String>, EngineError> {
    let key = component.to_string();
    let document = shared.parts.store.document(tenant, Collection::Used, &key).await?;
    let Some(document) = document else { return Ok(BTreeMap::new()) };
    let days: Days = serde_json::from_value(document.value)
        .map_err(|error| EngineError::Host(Box::new(error)))?;
    Ok(days.last)
}
