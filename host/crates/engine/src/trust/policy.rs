//! What a tenant asks of signatures and versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use serde::Serialize;
use wforge_model::trust::TrustPolicy;
use wforge_model::{PluginName, TenantId};
use wforge_ports::store::Collection;

use super::requires_signed;
use crate::request::EngineError;
use crate::service::{Shared, check_open};
use crate::tenancy::{Directory, Entry, to_value, write};

/// The key of the one document of its collection.
const POLICY: &str = "policy";
/// Changes of one request that the audit log names.
const SAID_MAX: usize = 32;

/// What a policy becomes; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// Whether only signed versions are let in and serve new runs.
    pub require_signed: Option<bool>,
    /// Whether older signed versions may be installed after newer ones.
    pub allow_rollback: Option<bool>,
    /// Lowest versions; none takes one away.
    pub minimum: BTreeMap<PluginName, Option<Version>>,
}

/// A policy as it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyShown {
    /// What the tenant said.
    #[serde(flatten)]
    pub policy: TrustPolicy,
    /// Whether signatures are required, by the tenant or by the operator's configuration.
    pub signatures_required: bool,
}

/// How a tenant's policy stands.
pub(crate) fn policy_of(shared: &Shared, tenant: &TenantId) -> PolicyShown {
    let policy = TrustPolicy::clone(&shared.trust.policy(tenant));
    PolicyShown { signatures_required: requires_signed(shared, &policy), policy }
}

/// Changes a tenant's policy; holds from the next run on.
pub(crate) async fn change_policy(
    shared: &Shared,
    tenant: &TenantId,
    change: PolicyChange,
    by: &str,
) -> Result<PolicyShown, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    check_open(shared, tenant)?;
    let before = shared.trust.policy(tenant);
    let mut policy = TrustPolicy::clone(&before);
    let mut said = Vec::new();
    if let Some(require) = change.require_signed {
        policy.require_signed = require;
        said.push(format!("require_signed={require}"));
    }
    if let Some(allow) = change.allow_rollback {
        policy.allow_rollback = allow;
        said.push(format!("allow_rollback={allow}"));
    }
    for (plugin, version) in change.minimum {
        let shown = version.as_ref().map_or_else(|| "any".to_owned(), Version::to_string);
        said.push(format!("{plugin}>={shown}"));
        match version {
            Some(version) => drop(policy.minimum.insert(plugin, version)),
            None => drop(policy.minimum.remove(&plugin)),
        }
    }
    check_count(shared, &policy)?;
    if policy != *before {
        put(shared, tenant, policy, in_short(&said), by).await?;
    }
    Ok(policy_of(shared, tenant))
}

/// What the audit log says of a change.
fn in_short(said: &[String]) -> String {
    let first: Vec<&str> = said.iter().take(SAID_MAX).map(String::as_str).collect();
    match said.len().saturating_sub(SAID_MAX) {
        0 => first.join(" "),
        more => format!("{} and {more} more", first.join(" ")),
    }
}

fn check_count(shared: &Shared, policy: &TrustPolicy) -> Result<(), EngineError> {
    let minimums_max = shared.options.trust.minimums_max;
    if policy.minimum.len() <= minimums_max {
        return Ok(());
    }
    let message = format!(
        "{} plugins would have a minimum version; at most {minimums_max} may \
         (limits.trust.minimums_max)",
        policy.minimum.len()
    );
    Err(EngineError::Conflict { code: "too_many_minimums", message })
}

async fn put(
    shared: &Shared,
    tenant: &TenantId,
    policy: TrustPolicy,
    resource: String,
    by: &str,
) -> Result<(), EngineError> {
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::TrustPolicies,
        key: POLICY.to_owned(),
        value: Some(to_value(&policy)?),
        also: Vec::new(),
        action: "trust.policy",
        resource,
        by,
    };
    write(shared, entry).await?;
    shared.trust.write().entry(tenant.clone()).or_default().policy = Arc::new(policy);
    Ok(())
}
