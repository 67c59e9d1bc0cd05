//! Components that are not called any more until somebody says so: by a tenant's admin for the
//! tenant, by the platform for everybody.
//!
//! Kept as documents, known from memory. Calls that are under way are dropped at once; their tasks
//! wait with the reason, and go on with their record when the component is released. Never here:
//! whether a run may begin with it; that is asked where one begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use wforge_graph::Run;
use wforge_model::command::Fact;
use wforge_model::event::RunStarted;
use wforge_model::head::WaitReason;
use wforge_model::{Digest, RunId, TenantId, Timestamp};
use wforge_ports::store::Collection;

use crate::request::EngineError;
use crate::service::{Shared, tell};
use crate::tenancy::{Directory, Entry, PageOf, invalid, platform, to_value, write};
use crate::trust;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;
/// Rows of runs that are read at once.
const PAGE: usize = 512;

/// Why a component is not called, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = QuarantineNote))]
pub struct Quarantine {
    /// The component.
    pub component: Digest,
    /// Why, in the operator's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Who did it.
    pub by: String,
}

/// For whom: one tenant; none: everybody.
type Scope = Option<TenantId>;

/// All of them.
#[derive(Debug)]
pub(crate) struct Quarantines {
    known: RwLock<BTreeMap<(Scope, Digest), Arc<Quarantine>>>,
    changes: watch::Sender<u64>,
}

impl Default for Quarantines {
    fn default() -> Self {
        Self { known: RwLock::default(), changes: watch::Sender::new(0) }
    }
}

impl Quarantines {
    /// Why a tenant does not call a component; none where it may.
    pub(crate) fn of(&self, tenant: &TenantId, component: Digest) -> Option<Arc<Quarantine>> {
        let known = self.read();
        let of = |scope: Scope| known.get(&(scope, component)).cloned();
        of(None).or_else(|| of(Some(tenant.clone())))
    }

    /// Those of one scope, by digest.
    pub(crate) fn all(&self, scope: Option<&TenantId>) -> Vec<Arc<Quarantine>> {
        let known = self.read();
        let of = known.iter().filter(|((of, _), _)| of.as_ref() == scope);
        of.map(|(_, quarantine)| quarantine.clone()).collect()
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.read().len()).unwrap_or(u64::MAX)
    }

    /// Reads what the store has of one scope.
    pub(crate) async fn load(
        &self,
        shared: &Shared,
        scope: Option<&TenantId>,
    ) -> Result<(), EngineError> {
        let of = owner(scope)?;
        let found: Vec<Quarantine> = PageOf(Collection::Quarantines).all(shared, &of).await?;
        for quarantine in found {
            self.put(scope, quarantine.component, Some(Arc::new(quarantine)));
        }
        Ok(())
    }

    fn put(&self, scope: Option<&TenantId>, component: Digest, value: Option<Arc<Quarantine>>) {
        let key = (scope.cloned(), component);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(quarantine) => drop(known.insert(key, quarantine)),
            None => drop(known.remove(&key)),
        }
        drop(known);
        self.told();
    }

    /// Has every call that is under way ask again whether it may go on.
    pub(crate) fn told(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<(Scope, Digest), Arc<Quarantine>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a tenant does not call a component: somebody put it away, or revoked the key that signed it.
pub(crate) fn held(shared: &Shared, tenant: &TenantId, component: Digest) -> Option<String> {
    let put_away = shared.quarantines.of(tenant, component);
    let reason = put_away.map(|quarantine| quarantine.reason.clone());
    reason.or_else(|| trust::revoked(shared, tenant, component))
}

/// The command that has a component called again which is not called now.
pub(crate) fn way_back(shared: &Shared, tenant: &TenantId, component: Digest) -> String {
    if shared.quarantines.of(tenant, component).is_some() {
        return format!("wforge plugin release {component}");
    }
    match shared.trust.signer(tenant, component) {
        Some(signer) => format!("wforge trust restore {}, or sign it with another key", signer.key),
        None => "wforge runs resume RUN goes on".to_owned(),
    }
}

/// Waits until a tenant does not call a component any more, and says why.
pub(crate) async fn begins(shared: &Shared, tenant: &TenantId, component: Digest) -> String {
    let mut changes = shared.quarantines.changes.subscribe();
    loop {
        if let Some(reason) = held(shared, tenant, component) {
            return reason;
        }
        // The sender lives as long as the engine.
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Has a component not be called any more; its sandboxes are being dropped on return.
pub(crate) async fn quarantine(
    shared: &Shared,
    scope: Option<&TenantId>,
    (component, reason): (Digest, String),
    by: &str,
) -> Result<Quarantine, EngineError> {
    Directory::load(shared).await?;
    let chars = reason.chars().count();
    if chars == 0 || chars > REASON_CHARS_MAX {
        let message = format!("say why, in at most {REASON_CHARS_MAX} characters");
        return Err(invalid("bad_reason", message));
    }
    let since = shared.parts.clock.now();
    let quarantine = Quarantine { component, reason, since, by: by.to_owned() };
    let entry = Entry {
        tenant: &owner(scope)?,
        expected: None,
        collection: Collection::Quarantines,
        key: component.to_string(),
        value: Some(to_value(&quarantine)?),
        also: Vec::new(),
        action: "plugin.quarantine",
        resource: format!("{component}: {}", quarantine.reason),
        by,
    };
    write(shared, entry).await?;
    shared.quarantines.put(scope, component, Some(Arc::new(quarantine.clone())));
    Ok(quarantine)
}

/// Lets a component be called again, and the runs that waited for it go on.
pub(crate) async fn release(
    shared: &Arc<Shared>,
    scope: Option<&TenantId>,
    component: Digest,
    by: &str,
) -> Result<Quarantine, EngineError> {
    Directory::load(shared).await?;
    let held = shared.quarantines.read().get(&(scope.cloned(), component)).cloned();
    let Some(held) = held else {
        return Err(EngineError::NotFound { kind: "quarantine", name: component.to_string() });
    };
    let entry = Entry {
        tenant: &owner(scope)?,
        expected: None,
        collection: Collection::Quarantines,
        key: component.to_string(),
        value: None,
        also: Vec::new(),
        action: "plugin.release",
        resource: component.to_string(),
        by,
    };
    write(shared, entry).await?;
    shared.quarantines.put(scope, component, None);
    let_go_on(shared, &owner(scope)?, &[component]).await?;
    Ok(Quarantine::clone(&held))
}

/// Has the runs go on that waited for these components: the tenant's, or everybody's where the
/// platform let them go.
pub(crate) async fn let_go_on(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    components: &[Digest],
) -> Result<(), EngineError> {
    let tenants = if *tenant == platform()? {
        shared.directory.tenants().iter().map(|tenant| tenant.id.clone()).collect()
    } else {
        vec![tenant.clone()]
    };
    for tenant in tenants {
        go_on(shared, &tenant, components).await?;
    }
    Ok(())
}

/// Whether a run may begin, or go on from elsewhere, with these plugins.
pub(crate) async fn check(
    shared: &Shared,
    tenant: &TenantId,
    started: &RunStarted,
) -> Result<(), EngineError> {
    Directory::load(shared).await?;
    for pin in started.agents() {
        if let Some(quarantine) = shared.quarantines.of(tenant, pin.component) {
            return Err(EngineError::Conflict {
                code: "plugin_quarantined",
                message: format!(
                    "{} ({}) is in quarantine: {}; wforge plugin release {} lifts it",
                    pin.plugin, pin.component, quarantine.reason, pin.component
                ),
            });
        }
    }
    Ok(())
}

/// The components for which a run waits, and need not any more.
pub(crate) fn released<'a>(
    shared: &'a Shared,
    tenant: &'a TenantId,
    run: &Run,
) -> impl Iterator<Item = Fact> + use<'a> {
    let waits = wforge_graph::waiting_for(run);
    let components = waits.into_iter().filter_map(|waits| match waits.waiting {
        WaitReason::Quarantine { component, .. } => Some(component),
        WaitReason::Question(_)
        | WaitReason::Timer { .. }
        | WaitReason::Calls { .. }
        | WaitReason::Resume { .. }
        | WaitReason::Turn
        | WaitReason::Operator
        | WaitReason::FailureHandler => None,
    });
    let free = components.filter(|component| held(shared, tenant, *component).is_none());
    free.map(|component| Fact::Released { component })
}

async fn go_on(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    components: &[Digest],
) -> Result<(), EngineError> {
    let is_free = |component: &&Digest| held(shared, tenant, **component).is_none();
    let free: BTreeSet<Digest> = components.iter().filter(is_free).copied().collect();
    if free.is_empty() || !shared.options.claims {
        return Ok(());
    }
    let mut before: Option<RunId> = None;
    loop {
        let heads = shared.parts.store.heads(tenant, before, PAGE).await?;
        before = heads.last().map(|head| head.run);
        for head in &heads {
            for component in head.quarantines().filter(|component| free.contains(component)) {
                // One that does not fit into memory now goes on when somebody resumes it.
                let told = tell(shared, tenant, head.run, Fact::Released { component });
                if let Err(error) = told.await {
                    tracing::warn!(run = %head.run, %error, "a run was not told of a release");
                }
            }
        }
        if heads.len() < PAGE {
            return Ok(());
        }
    }
}

fn owner(scope: Option<&TenantId>) -> Result<TenantId, EngineError> {
    scope.map_or_else(platform, |tenant| Ok(tenant.clone()))
}
