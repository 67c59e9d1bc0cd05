//! Removes a tenant: its runs stand still, its components, its rows, its files and its key go, and
//! what is left is its name and the platform's entries of the audit log.
//!
//! What was begun is gone on with at the next start, so an erasure that was acknowledged happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{error, info};
use wforge_model::tenancy::{AskedQuotas, Tenant, TenantState};
use wforge_model::{Digest, TenantId};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::Collection;

use super::directory::PageOf;
use super::platform;
use super::tenants::{halt, put, tenant};
use crate::request::{EngineError, PluginInfo};
use crate::service::Shared;

/// Erases a tenant; on return nothing is left of it.
pub(crate) async fn erase(
    shared: &Shared,
    id: &TenantId,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let turn = shared.directory.changing.lock().await;
    let before = tenant(shared, id)?;
    if before.state == TenantState::Erased {
        return Ok(before);
    }
    let erasing = Tenant { state: TenantState::Erasing, ..Tenant::clone(&before) };
    put(shared, erasing, None, "tenant.erase", by).await?;
    shared.directory.write().forget_credentials(id);
    drop(turn);
    finish(shared, id, by).await
}

/// Goes on with the erasures that a process before this one had begun.
pub(crate) async fn go_on_erasing(shared: &Shared) {
    let begun = shared.directory.tenants();
    for tenant in begun.into_iter().filter(|tenant| tenant.state == TenantState::Erasing) {
        shared.directory.write().forget_credentials(&tenant.id);
        if let Err(error) = finish(shared, &tenant.id, "host").await {
            error!(tenant = %tenant.id, %error, "a tenant cannot be erased");
        }
    }
}

async fn finish(shared: &Shared, id: &TenantId, by: &str) -> Result<Arc<Tenant>, EngineError> {
    // One at a time: the rows of a tenant whose key is gone can be read by no other's erasure.
    let _alone = shared.directory.erasing.lock().await;
    let known = tenant(shared, id)?;
    if known.state == TenantState::Erased {
        return Ok(known);
    }
    halt(shared, id).await;
    forget_components(shared, id).await?;
    shared.workflows.forget(id);
    shared.carried.forget_tenant(id);
    shared.ledger.forget(id);
    shared.parts.bus.forget_tenant(id);
    shared.used.forget(id);
    shared.breakers.forget_tenant(id);
    shared.trust.forget(id);
    shared.schedules.forget_tenant(id);
    shared.webhooks.forget(id);
    shared.inbound.forget(id);
    let erased = shared.parts.store.erase(id.clone()).await;
    erased.map_err(|error| EngineError::Host(Box::new(error)))?;
    // After the store: whoever read something until then has it from there.
    shared.parts.effects.forget_tenant(id);
    shared.lists.forget(id);
    let _turn = shared.directory.changing.lock().await;
    let before = tenant(shared, id)?;
    let gone = Tenant {
        state: TenantState::Erased,
        quotas: AskedQuotas::default(),
        plugins: Vec::new(),
        ..Tenant::clone(&before)
    };
    let gone = put(shared, gone, None, "tenant.erased", by).await?;
    info!(tenant = %id, "tenant erased");
    Ok(gone)
}

/// While its rows still say which components it had, and nobody brings in one of them.
async fn forget_components(shared: &Shared, id: &TenantId) -> Result<(), EngineError> {
    let _nobody_brings_one = shared.components.write().await;
    for component in own_components(shared, id).await? {
        let forgotten = shared.parts.admission.forget(component).await;
        forgotten.map_err(|error| EngineError::Host(Box::new(error)))?;
    }
    Ok(())
}

/// The components that this tenant has and no other that stays.
async fn own_components(shared: &Shared, id: &TenantId) -> Result<Vec<Digest>, EngineError> {
    let mut own = components_of(shared, id).await?;
    let stays =
        |tenant: &Arc<Tenant>| !matches!(tenant.state, TenantState::Erasing | TenantState::Erased);
    let others = shared.directory.tenants().into_iter().filter(stays);
    let others = others.map(|tenant| tenant.id.clone());
    for other in others.chain([platform()?]).filter(|other| other != id) {
        if own.is_empty() {
            break;
        }
        for shared_with in components_of(shared, &other).await? {
            own.remove(&shared_with);
        }
    }
    Ok(own.into_iter().collect())
}

async fn components_of(shared: &Shared, id: &TenantId) -> Result<BTreeSet<Digest>, EngineError> {
    let plugins: Vec<PluginInfo> = PageOf(Collection::Plugins).all(shared, id).await?;
    let let_in: Vec<Admitted> = PageOf(Collection::Components).all(shared, id).await?;
    let installed = plugins.into_iter().map(|plugin| plugin.admitted.component);
    Ok(installed.chain(let_in.into_iter().map(|admitted| admitted.component)).collect())
}
