//! Making, suspending and changing tenants.

use std::sync::Arc;

use wforge_model::tenancy::{AskedQuotas, PLATFORM, Tenant, TenantState};
use wforge_model::{PluginName, TenantId, Timestamp, Version};
use wforge_ports::store::Collection;

use super::{Entry, invalid, platform, to_value, write};
use crate::request::EngineError;
use crate::service::{Shared, claim_of};

/// Tenants of one deployment.
const TENANTS_MAX: usize = 10_000;
/// Platform plugins that one tenant may be offered.
const PLUGINS_MAX: usize = 1_000;

/// All tenants, by name.
pub(crate) fn tenants(shared: &Shared) -> Vec<Arc<Tenant>> {
    shared.directory.tenants()
}

/// The tenant of that name.
pub(crate) fn tenant(shared: &Shared, id: &TenantId) -> Result<Arc<Tenant>, EngineError> {
    shared
        .directory
        .tenant(id)
        .ok_or_else(|| EngineError::NotFound { kind: "tenant", name: id.to_string() })
}

/// Makes a tenant.
pub(crate) async fn create(
    shared: &Shared,
    id: TenantId,
    quotas: AskedQuotas,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    if id.as_str() == PLATFORM {
        return Err(invalid("reserved_name", format!("no tenant can be called {PLATFORM}")));
    }
    if let Some(before) = shared.directory.tenant(&id) {
        let message = match before.state {
            TenantState::Erased => format!("{id} was erased, and its name is not given again"),
            _ => format!("there is a tenant {id} already"),
        };
        return Err(EngineError::Conflict { code: "tenant_exists", message });
    }
    if shared.directory.read().tenants.len() >= TENANTS_MAX {
        let message = format!(
            "there are {TENANTS_MAX} tenants, erased ones included; use another deployment"
        );
        return Err(EngineError::Conflict { code: "too_many_tenants", message });
    }
    let tenant = Tenant {
        id,
        state: TenantState::Active,
        created_at: shared.parts.clock.now(),
        created_by: by.to_owned(),
        quotas,
        plugins: Vec::new(),
        tokens_since: Timestamp(0),
    };
    put(shared, tenant, Some(Version(0)), "tenant.create", by).await
}

/// Makes a tenant where it is not there.
pub(crate) async fn ensure(shared: &Shared, id: TenantId, by: &str) -> Result<(), EngineError> {
    if shared.directory.tenant(&id).is_some() {
        return Ok(());
    }
    create(shared, id, AskedQuotas::default(), by).await.map(|_| ())
}

/// Refuses its credentials, and has its runs stand still until it is resumed. Returns when no task
/// of it is under way any more.
pub(crate) async fn suspend(
    shared: &Shared,
    id: &TenantId,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let turn = shared.directory.changing.lock().await;
    let before = living(shared, id)?;
    let tenant = if before.state == TenantState::Suspended {
        before
    } else {
        let suspended = Tenant { state: TenantState::Suspended, ..Tenant::clone(&before) };
        put(shared, suspended, None, "tenant.suspend", by).await?
    };
    // Before anybody can resume it.
    shared.directory.stop(id);
    drop(turn);
    shared.registry.emptied(id).await;
    Ok(tenant)
}

/// Has its runs stand still; returns when they do.
pub(super) async fn halt(shared: &Shared, id: &TenantId) {
    shared.directory.stop(id);
    shared.registry.emptied(id).await;
}

/// Lets a suspended tenant go on, its runs too.
pub(crate) async fn resume(
    shared: &Arc<Shared>,
    id: &TenantId,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let turn = shared.directory.changing.lock().await;
    let before = living(shared, id)?;
    if before.state == TenantState::Active {
        return Ok(before);
    }
    // A run that is still about to leave would take what wakes it with it.
    halt(shared, id).await;
    let active = Tenant { state: TenantState::Active, ..Tenant::clone(&before) };
    let tenant = put(shared, active, None, "tenant.resume", by).await?;
    drop(turn);
    claim_of(shared, Some(id)).await;
    shared.schedules.wake_tenant(id);
    shared.webhooks.wake();
    Ok(tenant)
}

/// Says what it may use other than all may.
pub(crate) async fn set_quotas(
    shared: &Shared,
    id: &TenantId,
    quotas: AskedQuotas,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let changed = Tenant { quotas, ..Tenant::clone(&*living(shared, id)?) };
    put(shared, changed, None, "tenant.quotas", by).await
}

/// Says which of the platform's plugins it may use.
pub(crate) async fn set_platform_plugins(
    shared: &Shared,
    id: &TenantId,
    mut plugins: Vec<PluginName>,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    plugins.sort();
    plugins.dedup();
    if plugins.len() > PLUGINS_MAX {
        let message = format!("a tenant can be offered {PLUGINS_MAX} plugins; name fewer");
        return Err(invalid("too_many_plugins", message));
    }
    let changed = Tenant { plugins, ..Tenant::clone(&*living(shared, id)?) };
    put(shared, changed, None, "tenant.plugins", by).await
}

/// Takes back every token of a tenant that was issued until now.
pub(crate) async fn revoke_tokens(
    shared: &Shared,
    id: &TenantId,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    // Tokens count in whole seconds: those of this one go too.
    let tokens_since = shared.parts.clock.now().after_ms(1_000);
    let changed = Tenant { tokens_since, ..Tenant::clone(&*living(shared, id)?) };
    put(shared, changed, None, "tenant.revoke_tokens", by).await
}

/// A tenant that is not being erased.
pub(crate) fn living(shared: &Shared, id: &TenantId) -> Result<Arc<Tenant>, EngineError> {
    let found = tenant(shared, id)?;
    match found.state {
        TenantState::Active | TenantState::Suspended => Ok(found),
        TenantState::Erasing | TenantState::Erased => Err(EngineError::Conflict {
            code: "tenant_erased",
            message: format!("the tenant {id} is {}", found.state.as_str()),
        }),
    }
}

/// Writes a tenant's row, and knows it from then on.
pub(super) async fn put(
    shared: &Shared,
    tenant: Tenant,
    expected: Option<Version>,
    action: &'static str,
    by: &str,
) -> Result<Arc<Tenant>, EngineError> {
    let platform = platform()?;
    let entry = Entry {
        tenant: &platform,
        expected,
        collection: Collection::Tenants,
        key: tenant.id.to_string(),
        value: Some(to_value(&tenant)?),
        also: Vec::new(),
        action,
        resource: tenant.id.to_string(),
        by,
    };
    write(shared, entry).await?;
    let tenant = Arc::new(tenant);
    shared.directory.write().tenants.insert(tenant.id.clone(), tenant.clone());
    Ok(tenant)
}
