//! Why a plugin may do something at a node, or may not, in words.

use std::sync::Arc;

use serde::Serialize;
use wforge_model::grant::{GrantRecord, GrantSite};
use wforge_model::{Capability, Digest, TenantId};
use wforge_ports::plugins::Admitted;

use super::Granted;
use super::change::{GrantRequest, meant};
use super::used::used_of;
use crate::request::EngineError;
use crate::service::Shared;

/// What was found about one capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explained {
    /// Whether it may be done.
    pub may: bool,
    /// `publisher/name@version`.
    pub plugin: String,
    /// The bytes of that version.
    pub component: Digest,
    /// What was asked about.
    pub capability: Capability,
    /// What was found, one sentence each, in the order in which it counts.
    pub because: Vec<String>,
    /// The command that would change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The last day in UTC on which it was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_on: Option<String>,
}

/// Explains whether a plugin may do something.
pub(crate) async fn explain(
    shared: &Shared,
    tenant: &TenantId,
    asked: GrantRequest,
) -> Result<Explained, EngineError> {
    let admitted = meant(shared, tenant, &asked).await?;
    let case = Case { shared, tenant, admitted: &admitted, asked: &asked };
    let (needed, words) = case.needed();
    let mut because = vec![words];
    because.push(case.policy());
    because.extend(case.file());
    let records = case.records();
    let now = shared.parts.clock.now();
    because.extend(records.iter().map(|record| about(record, now)));
    let may = needed && case.may();
    let used = used_of(shared, tenant, admitted.component).await?;
    let used_on = used.iter().filter(|(grant, _)| grant.covers(&asked.capability));
    let used_on = used_on.map(|(_, day)| day.clone()).max();
    let (manifest, component) = (&admitted.manifest, admitted.component);
    Ok(Explained {
        may,
        plugin: format!("{}@{}", manifest.name, manifest.version),
        component,
        command: (!may && needed).then(|| case.command()),
        because,
        capability: asked.capability,
        used_on,
    })
}

struct Case<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    admitted: &'a Admitted,
    asked: &'a GrantRequest,
}

impl Case<'_> {
    fn granted(&self) -> Granted<'_> {
        Granted::to(self.shared, self.tenant, self.admitted)
    }

    fn may(&self) -> bool {
        let workflow = self.asked.workflow.as_deref().unwrap_or_default();
        let site = GrantSite { workflow, node: self.asked.node.as_ref() };
        self.granted().may(&self.asked.capability, site)
    }

    fn needed(&self) -> (bool, String) {
        let wanted = &self.asked.capability;
        let manifest = &self.admitted.manifest;
        let need = manifest.needs.iter().find(|need| need.capability.covers(wanted));
        match need {
            Some(need) => {
                let (capability, reason) = (&need.capability, &need.reason);
                (true, format!("its manifest needs {capability}: {reason}"))
            }
            None => (false, format!("its manifest does not ask for {wanted}: nobody can give it")),
        }
    }

    fn policy(&self) -> String {
        let wanted = &self.asked.capability;
        if self.shared.parts.grants.permits(self.tenant, wanted) {
            return "the operator's policy leaves it to the tenant".to_owned();
        }
        format!(
            "the operator's policy ([[ceiling]] in the grants file) leaves no {wanted} to the tenant"
        )
    }

    fn file(&self) -> Option<String> {
        let by_file = self.shared.parts.grants.granted(self.tenant, &self.admitted.manifest.name);
        let grant = by_file.iter().find(|grant| grant.covers(&self.asked.capability))?;
        Some(format!("the operator's grants file gives {grant}"))
    }

    /// The grants that are about it, for this site or for each.
    fn records(&self) -> Vec<Arc<GrantRecord>> {
        let wanted = &self.asked.capability;
        let mut records = self.granted().records();
        records.retain(|record| {
            let of_workflow = record.key.workflow.is_none()
                || self.asked.workflow.is_none()
                || record.key.workflow == self.asked.workflow;
            let of_node = record.key.node.is_none()
                || self.asked.node.is_none()
                || record.key.node == self.asked.node;
            record.key.capability.covers(wanted) && of_workflow && of_node
        });
        records
    }

    fn command(&self) -> String {
        let wanted = &self.asked.capability;
        if !self.shared.parts.grants.permits(self.tenant, wanted) {
            return "raise [[ceiling]] in the grants file".to_owned();
        }
        let mut command = format!("wforge grants approve {} {wanted}", self.admitted.manifest.name);
        if let Some(workflow) = &self.asked.workflow {
            command.push_str(&format!(" --workflow {workflow}"));
        }
        if let Some(node) = &self.asked.node {
            command.push_str(&format!(" --node {node}"));
        }
        command
    }
}

fn about(record: &GrantRecord, now: wforge_model::Timestamp) -> String {
    let mut words = format!("{} is {}", record.key.id(), record.standing(now).as_str());
    match (&record.key.workflow, &record.key.node) {
        (Some(workflow), Some(node)) => words.push_str(&format!(" at {workflow}/{node}")),
        (Some(workflow), None) => words.push_str(&format!(" in {workflow}")),
        (None, _) => {}
    }
    match (&record.decided_by, record.decided_at) {
        (Some(by), Some(at)) => words.push_str(&format!(", decided by {by} at {at}")),
        _ => words.push_str(&format!(", asked for by {}", record.requested_by)),
    }
    if let Some(reason) = &record.decision {
        words.push_str(&format!(": {reason}"));
    }
    if let Some(end) = record.expires_at {
        words.push_str(&format!(" (until {end})"));
    }
    if let Some(from) = &record.kept_from {
        words.push_str(&format!(" (kept from {from} of an earlier version)"));
    }
    words
}
