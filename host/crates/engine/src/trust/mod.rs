//! Whose plugins a tenant lets in: the keys that it trusts, what it asks of signatures and
//! versions, and who signed what.
//!
//! All of it is known from memory, so that a call need not ask the store whether its key was
//! revoked. A signature is checked before anything of the component is compiled ([`verify`]); a
//! version is judged again where a run begins ([`check`]), and before each call, where only a
//! revoked key counts ([`revoked`]). What the platform installed is judged by the platform's store
//! and by the tenant's: the stricter holds.

mod keys;
pub(crate) mod minisign;
mod policy;
mod signed;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use semver::Version;
use wforge_model::event::RunStarted;
use wforge_model::trust::{
    Distrust, DistrustCode, KeyId, KeyState, SignedComponent, Signer, TrustPolicy, TrustedKey,
};
use wforge_model::{Digest, PluginName, TenantId};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::Collection;

use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::{Directory, PageOf, platform};

pub use keys::NewTrustedKey;
pub use policy::{PolicyChange, PolicyShown};

pub(crate) use keys::{add_key, keys_of, restore_key, revoke_key};
pub(crate) use policy::{change_policy, policy_of};
pub(crate) use signed::{attach, confirm, gate, know, not_rolled_back, signed_put, verify};

/// What is known of all tenants, the platform among them.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    stores: RwLock<BTreeMap<TenantId, TrustStore>>,
}

/// What is known of one.
#[derive(Debug, Default)]
pub(crate) struct TrustStore {
    keys: BTreeMap<KeyId, Arc<TrustedKey>>,
    policy: Arc<TrustPolicy>,
    signed: HashMap<Digest, Arc<SignedComponent>>,
}

impl Trust {
    /// Reads what the store has of a tenant.
    pub(crate) async fn load(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        let keys: Vec<TrustedKey> = PageOf(Collection::TrustedKeys).all(shared, tenant).await?;
        let mut policies: Vec<TrustPolicy> =
            PageOf(Collection::TrustPolicies).all(shared, tenant).await?;
        let signed: Vec<SignedComponent> =
            PageOf(Collection::Signatures).all(shared, tenant).await?;
        let store = TrustStore {
            keys: keys.into_iter().map(|key| (key.key, Arc::new(key))).collect(),
            policy: Arc::new(policies.pop().unwrap_or_default()),
            signed: signed.into_iter().map(|one| (one.component, Arc::new(one))).collect(),
        };
        shared.trust.write().insert(tenant.clone(), store);
        Ok(())
    }

    /// Forgets a tenant that is being erased.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.write().remove(tenant);
    }

    /// Who signed a component for a tenant, itself or the platform.
    pub(crate) fn signer(&self, tenant: &TenantId, component: Digest) -> Option<Signer> {
        let stores = self.read();
        let of = |store: &TrustStore| store.signed.get(&component).map(|one| one.signer.clone());
        stores.get(tenant).and_then(of).or_else(|| of_platform(&stores).and_then(of))
    }

    fn policy(&self, tenant: &TenantId) -> Arc<TrustPolicy> {
        self.read().get(tenant).map(|store| store.policy.clone()).unwrap_or_default()
    }

    fn key(&self, tenant: &TenantId, id: KeyId) -> Option<Arc<TrustedKey>> {
        self.read().get(tenant)?.keys.get(&id).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<TenantId, TrustStore>> {
        self.stores.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<TenantId, TrustStore>> {
        self.stores.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TrustStore {
    /// The key, where it was revoked.
    fn revoked(&self, id: KeyId) -> Option<&TrustedKey> {
        let key = self.keys.get(&id)?;
        (key.state == KeyState::Revoked).then_some(key)
    }
}

fn of_platform(stores: &BTreeMap<TenantId, TrustStore>) -> Option<&TrustStore> {
    platform().ok().and_then(|platform| stores.get(&platform))
}

/// Why a component is not called any more: its signing key was revoked, by the tenant or, of what
/// the platform installed, by the platform.
pub(crate) fn revoked(shared: &Shared, tenant: &TenantId, component: Digest) -> Option<String> {
    let stores = shared.trust.read();
    let own = stores.get(tenant);
    let signed_in = |store: &TrustStore| store.signed.get(&component).cloned();
    let (signed, of) = match own.and_then(signed_in) {
        Some(signed) => (signed, own),
        None => (of_platform(&stores).and_then(signed_in)?, of_platform(&stores)),
    };
    let key = signed.signer.key;
    let revoked = |store: &'_ TrustStore| store.revoked(key).map(why_revoked);
    of.and_then(revoked).or_else(|| own.and_then(revoked))
}

fn why_revoked(key: &TrustedKey) -> String {
    let reason = if key.reason.is_empty() { "no reason was given" } else { &key.reason };
    format!("its signing key {} ({}) was revoked: {reason}", key.key, key.name)
}

/// Whether only signed versions may serve.
fn requires_signed(shared: &Shared, policy: &TrustPolicy) -> bool {
    policy.require_signed || shared.options.require_signed
}

/// Whether a version may serve a new run.
pub(crate) fn judge(
    shared: &Shared,
    tenant: &TenantId,
    (plugin, version): (&PluginName, &Version),
    component: Digest,
) -> Result<(), Distrust> {
    if let Some(why) = revoked(shared, tenant, component) {
        let message = format!(
            "{plugin}@{version} is not started any more: {why}; sign it with another key and \
             install it again, or wforge trust restore KEY"
        );
        return Err(Distrust::new(DistrustCode::RevokedKey, message));
    }
    let policy = shared.trust.policy(tenant);
    let (is_signed, of_platform) = vouched(shared, tenant, plugin, component);
    if !is_signed && requires_signed(shared, &policy) {
        let message = format!(
            "{plugin}@{version} is not signed, and the trust policy requires it: sign the file and \
             install it again (wforge plugin install FILE --signature FILE.minisig)"
        );
        return Err(Distrust::new(DistrustCode::Unsigned, message));
    }
    let policies = [Some(policy), of_platform];
    let minimum = policies.iter().flatten().filter_map(|policy| policy.minimum.get(plugin)).max();
    match minimum.filter(|minimum| *minimum > version) {
        Some(minimum) => Err(Distrust::below_minimum(plugin, version, minimum)),
        None => Ok(()),
    }
}

/// Whether a component was signed for a tenant; and where the platform did so, its policy.
fn vouched(
    shared: &Shared,
    tenant: &TenantId,
    plugin: &PluginName,
    component: Digest,
) -> (bool, Option<Arc<TrustPolicy>>) {
    let stores = shared.trust.read();
    if stores.get(tenant).is_some_and(|own| own.signed.contains_key(&component)) {
        return (true, None);
    }
    let offered = shared.directory.tenant(tenant).is_some_and(|t| t.plugins.contains(plugin));
    match of_platform(&stores).filter(|_| offered) {
        Some(platform) => (platform.signed.contains_key(&component), Some(platform.policy.clone())),
        None => (false, None),
    }
}

/// The same of a component that was let in.
pub(crate) fn judge_admitted(
    shared: &Shared,
    tenant: &TenantId,
    admitted: &Admitted,
) -> Result<(), Distrust> {
    let manifest = &admitted.manifest;
    judge(shared, tenant, (&manifest.name, &manifest.version), admitted.component)
}

/// Whether a run may begin, or go on from elsewhere, with these plugins.
pub(crate) async fn check(
    shared: &Shared,
    tenant: &TenantId,
    started: &RunStarted,
) -> Result<(), EngineError> {
    Directory::load(shared).await?;
    let mut distrusted: BTreeMap<Digest, Distrust> = BTreeMap::new();
    for pin in started.agents() {
        if let Err(why) = judge(shared, tenant, (&pin.plugin, &pin.version), pin.component) {
            distrusted.insert(pin.component, why);
        }
    }
    let mut all = distrusted.into_values();
    let Some(first) = all.next() else { return Ok(()) };
    let rest: Vec<String> = all.map(|why| why.message).collect();
    let details = if rest.is_empty() {
        Vec::new()
    } else {
        std::iter::once(first.message.clone()).chain(rest).collect()
    };
    Err(EngineError::Invalid { code: first.code.as_str(), message: first.message, details })
}

impl From<Distrust> for EngineError {
    fn from(Distrust { code, message }: Distrust) -> Self {
        Self::Invalid { code: code.as_str(), message, details: Vec::new() }
    }
}
