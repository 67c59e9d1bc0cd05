//! Grants are asked for, given, refused and taken back, each with its entry of the audit log.

use std::sync::Arc;

use wforge_model::grant::{GrantKey, GrantRecord, GrantStanding, GrantState, REASON_BYTES_MAX};
use wforge_model::{Capability, Digest, NodeId, PluginName, TenantId, Timestamp};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::Collection;

use super::super::{Entry, invalid, to_value, write};
use crate::catalog;
use crate::request::EngineError;
use crate::service::Shared;

/// Grants of one tenant, whatever became of them.
const GRANTS_MAX: usize = 10_000;
/// The longest that a grant is given for, in milliseconds: ten years.
const TTL_MS_MAX: u64 = 10 * 366 * 24 * 3_600 * 1_000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRequest {
    /// `publisher/name[@range]` of an installed plugin: of its newest version in range.
    pub plugin: String,
    /// The component of another version, or of a plugin that is not installed.
    pub component: Option<Digest>,
    /// The workflow in which it shall hold; none: in each.
    pub workflow: Option<String>,
    /// The node at which it shall hold; none: at each.
    pub node: Option<NodeId>,
    /// What it shall allow.
    pub capability: Capability,
    /// Why.
    pub reason: String,
}

/// What is decided of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantDecision {
    /// The state that it gets; not [`GrantState::Requested`].
    pub state: GrantState,
    /// Why.
    pub reason: String,
    /// How long it holds, in milliseconds; none: until it is taken back.
    pub ttl_ms: Option<u64>,
}

/// The grants of a tenant, by id.
pub(crate) fn grants_of(shared: &Shared, tenant: &TenantId) -> Vec<Arc<GrantRecord>> {
    let index = shared.directory.read();
    let own = index.grants.iter().filter(|((of, _), _)| of == tenant);
    let by_id = own.flat_map(|(_, records)| records.iter());
    let mut records: Vec<(String, Arc<GrantRecord>)> =
        by_id.map(|(id, record)| (id.clone(), record.clone())).collect();
    records.sort_by(|left, right| left.0.cmp(&right.0));
    records.into_iter().map(|(_, record)| record).collect()
}

fn count(shared: &Shared, tenant: &TenantId) -> usize {
    let index = shared.directory.read();
    let own = index.grants.iter().filter(|((of, _), _)| of == tenant);
    own.map(|(_, records)| records.len()).sum()
}

/// Asks for a grant. One that was asked for already stays as it is; one that was refused or taken
/// back is asked for anew.
pub(crate) async fn request(
    shared: &Shared,
    tenant: &TenantId,
    asked: GrantRequest,
    by: &str,
) -> Result<Arc<GrantRecord>, EngineError> {
    check_words(&asked)?;
    let admitted = meant(shared, tenant, &asked).await?;
    let needed =
        admitted.needs().any(|need| asked.capability.covers(need) || *need == asked.capability);
    if !needed {
        return Err(not_needed(&admitted, &asked.capability));
    }
    let key = GrantKey {
        plugin: admitted.manifest.name.clone(),
        component: admitted.component,
        workflow: asked.workflow,
        node: asked.node,
        capability: asked.capability,
    };
    let _turn = shared.directory.changing.lock().await;
    let now = shared.parts.clock.now();
    let before = known(shared, tenant, &key.id());
    if let Some(before) = before.filter(|before| {
        matches!(before.standing(now), GrantStanding::Requested | GrantStanding::Granted)
    }) {
        return Ok(before);
    }
    let record = asked_for(key, asked.reason, by, now);
    put(shared, tenant, record, "grant.request", by).await
}

/// Decides of a grant.
pub(crate) async fn decide(
    shared: &Shared,
    tenant: &TenantId,
    id: &str,
    decision: GrantDecision,
    by: &str,
) -> Result<Arc<GrantRecord>, EngineError> {
    check_reason(&decision.reason)?;
    if decision.ttl_ms.is_some_and(|ttl| ttl == 0 || ttl > TTL_MS_MAX) {
        return Err(invalid("bad_ttl", format!("a grant holds for 1 to {TTL_MS_MAX} ms")));
    }
    let _turn = shared.directory.changing.lock().await;
    let before = known(shared, tenant, id)
        .ok_or_else(|| EngineError::NotFound { kind: "grant", name: id.to_owned() })?;
    let now = shared.parts.clock.now();
    let action = match decision.state {
        GrantState::Granted => {
            permitted(shared, tenant, &before.key.capability)?;
            "grant.approve"
        }
        GrantState::Denied => "grant.deny",
        GrantState::Revoked if before.standing(now) != GrantStanding::Granted => {
            let stands = before.standing(now).as_str();
            let message = format!("{id} is {stands}: only what was granted can be taken back");
            return Err(EngineError::Conflict { code: "not_granted", message });
        }
        GrantState::Revoked => "grant.revoke",
        GrantState::Requested => {
            return Err(invalid("bad_decision", "approve, deny or revoke it"));
        }
    };
    let decided = GrantRecord {
        state: decision.state,
        decided_by: Some(by.to_owned()),
        decided_at: Some(now),
        decision: Some(decision.reason).filter(|reason| !reason.is_empty()),
        expires_at: decision
            .ttl_ms
            .filter(|_| decision.state == GrantState::Granted)
            .map(|ttl| now.after_ms(ttl)),
        ..GrantRecord::clone(&before)
    };
    put(shared, tenant, decided, action, by).await
}

/// Asks for the needs of a version that was just installed. What an earlier version of the plugin
/// was granted and this one needs unchanged, it keeps; the rest waits for somebody to decide.
pub(crate) async fn ask_for_needs(
    shared: &Shared,
    tenant: &TenantId,
    admitted: &Admitted,
    by: &str,
) -> Result<(), EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let now = shared.parts.clock.now();
    let earlier = grants_of(shared, tenant).into_iter().filter(|record| {
        record.key.plugin == admitted.manifest.name
            && record.key.component != admitted.component
            && record.standing(now) == GrantStanding::Granted
    });
    let earlier: Vec<_> = earlier.collect();
    let by_file = shared.parts.grants.granted(tenant, &admitted.manifest.name);
    for need in &admitted.manifest.needs {
        let capability = &need.capability;
        let kept: Vec<_> =
            earlier.iter().filter(|record| record.key.capability == *capability).collect();
        for record in &kept {
            let key = GrantKey { component: admitted.component, ..record.key.clone() };
            if known(shared, tenant, &key.id()).is_none() {
                let from = Some(record.key.id());
                let record = GrantRecord { key, kept_from: from, ..GrantRecord::clone(record) };
                put(shared, tenant, record, "grant.keep", by).await?;
            }
        }
        if !kept.is_empty() || by_file.iter().any(|grant| grant.covers(capability)) {
            continue;
        }
        let key = GrantKey {
            plugin: admitted.manifest.name.clone(),
            component: admitted.component,
            workflow: None,
            node: None,
            capability: capability.clone(),
        };
        if known(shared, tenant, &key.id()).is_none() {
            let record = asked_for(key, need.reason.clone(), by, now);
            put(shared, tenant, record, "grant.request", by).await?;
        }
    }
    Ok(())
}

fn asked_for(key: GrantKey, reason: String, by: &str, now: Timestamp) -> GrantRecord {
    GrantRecord {
        key,
        state: GrantState::Requested,
        reason,
        requested_by: by.to_owned(),
        requested_at: now,
        decided_by: None,
        decided_at: None,
        decision: None,
        expires_at: None,
        kept_from: None,
    }
}

fn known(shared: &Shared, tenant: &TenantId, id: &str) -> Option<Arc<GrantRecord>> {
    let index = shared.directory.read();
    let mut own = index.grants.iter().filter(|((of, _), _)| of == tenant);
    own.find_map(|(_, records)| records.get(id).cloned())
}

/// The version of a plugin that a request is about.
pub(super) async fn meant(
    shared: &Shared,
    tenant: &TenantId,
    asked: &GrantRequest,
) -> Result<Admitted, EngineError> {
    let Some(component) = asked.component else {
        return Ok(catalog::plugin(shared, tenant, &asked.plugin).await?.admitted);
    };
    let admitted = catalog::component(&shared.parts, tenant, component).await;
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(EngineError::NotFound { .. }) => {
            let plugins = catalog::plugins(shared, tenant).await?;
            let found = plugins.into_iter().find(|info| info.admitted.component == component);
            let name = component.to_string();
            found.ok_or(EngineError::NotFound { kind: "component", name })?.admitted
        }
        Err(error) => return Err(error),
    };
    let name: Result<PluginName, _> =
        asked.plugin.split_once('@').map_or(asked.plugin.as_str(), |(name, _)| name).parse();
    if name.is_ok_and(|name| name == admitted.manifest.name) {
        return Ok(admitted);
    }
    let message = format!("{component} is a version of {}", admitted.manifest.name);
    Err(invalid("other_plugin", message))
}

/// What an operator's policy forbids cannot be given.
fn permitted(shared: &Shared, tenant: &TenantId, wanted: &Capability) -> Result<(), EngineError> {
    if shared.parts.grants.permits(tenant, wanted) {
        return Ok(());
    }
    let message = format!(
        "the operator's policy leaves no {wanted} to this tenant: see [[ceiling]] in the grants file"
    );
    Err(invalid("over_ceiling", message))
}

fn not_needed(admitted: &Admitted, wanted: &Capability) -> EngineError {
    let needs: Vec<String> = admitted.needs().map(ToString::to_string).collect();
    let needs = if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") };
    let Admitted { manifest, .. } = admitted;
    invalid(
        "not_needed",
        format!(
            "{}@{} does not ask for {wanted}; it needs {needs}",
            manifest.name, manifest.version
        ),
    )
}

fn check_words(asked: &GrantRequest) -> Result<(), EngineError> {
    check_reason(&asked.reason)?;
    if asked.node.is_some() && asked.workflow.is_none() {
        return Err(invalid("node_alone", "a node is of a workflow: name that too"));
    }
    let is_name = |name: &String| {
        !name.is_empty() && name.len() <= 128 && !name.chars().any(|c| c.is_control() || c == '@')
    };
    if asked.workflow.as_ref().is_some_and(|name| !is_name(name)) {
        return Err(invalid("bad_workflow", "write the workflow's name, without its version"));
    }
    Ok(())
}

fn check_reason(reason: &str) -> Result<(), EngineError> {
    let fits =
        reason.len() <= REASON_BYTES_MAX && !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits {
        return Ok(());
    }
    let message = format!("a reason has at most {REASON_BYTES_MAX} bytes of text");
    Err(invalid("bad_reason", message))
}

async fn put(
    shared: &Shared,
    tenant: &TenantId,
    record: GrantRecord,
    action: &'static str,
    by: &str,
) -> Result<Arc<GrantRecord>, EngineError> {
    let id = record.key.id();
    if known(shared, tenant, &id).is_none() && count(shared, tenant) >= GRANTS_MAX {
        let message = format!("the tenant has {GRANTS_MAX} grants; uninstall what nobody uses");
        return Err(EngineError::Conflict { code: "too_many_grants", message });
    }
    let GrantKey { plugin, component, workflow, node, capability } = &record.key;
    let site = match (workflow, node) {
        (Some(workflow), Some(node)) => format!(" at {workflow}/{node}"),
        (Some(workflow), None) => format!(" at {workflow}"),
        (None, _) => String::new(),
    };
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Grants,
        key: id.clone(),
        value: Some(to_value(&record)?),
        also: Vec::new(),
        action,
        resource: format!("{id} {plugin} {component} {capability}{site}"),
        by,
    };
    write(shared, entry).await?;
    let (place, record) = ((tenant.clone(), *component), Arc::new(record.clone()));
    shared.directory.write().grants.entry(place).or_default().insert(id, record.clone());
    Ok(record)
}
