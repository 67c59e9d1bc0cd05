//! What plugins may do: asked for, given, refused and taken back, by people; and what the
//! operator's file and policy say beside that.
//!
//! What may be done is what the manifest needs, and the file or a grant that stands gives, and the
//! operator's policy leaves; at one node, never merged over nodes. [`Granted`] is that sum,
//! [`change`] its history, [`explain`] its words, [`LiveGrants`] what effects ask while they run.

mod change;
mod explain;
mod live;
mod used;

use std::sync::Arc;

use wforge_model::agent::AgentCall;
use wforge_model::grant::{GrantRecord, GrantSite};
use wforge_model::{Capability, Digest, Grants, PluginName, TenantId, Timestamp};
use wforge_ports::plugins::Admitted;

use crate::service::Shared;

pub use change::{GrantDecision, GrantRequest};
pub use explain::Explained;
pub use live::LiveGrants;

pub(crate) use change::{ask_for_needs, decide, grants_of, request};
pub(crate) use explain::explain;
pub(crate) use used::{Used, flush_used, used_of};

/// What one version of a plugin was granted in one tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Granted<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    plugin: &'a PluginName,
    component: Digest,
    now: Timestamp,
}

impl<'a> Granted<'a> {
    pub(crate) fn to(shared: &'a Shared, tenant: &'a TenantId, admitted: &'a Admitted) -> Self {
        let (plugin, component) = (&admitted.manifest.name, admitted.component);
        Self { shared, tenant, plugin, component, now: shared.parts.clock.now() }
    }

    fn to_call(shared: &'a Shared, call: &'a AgentCall) -> Self {
        let (tenant, plugin, component) = (&call.tenant, &call.plugin, call.component);
        Self { shared, tenant, plugin, component, now: shared.parts.clock.now() }
    }

    /// Whether it may do that at this node.
    pub(crate) fn may(&self, wanted: &Capability, site: GrantSite<'_>) -> bool {
        if !self.shared.parts.grants.permits(self.tenant, wanted) {
            return false;
        }
        let by_file = self.shared.parts.grants.granted(self.tenant, self.plugin);
        by_file.iter().any(|grant| grant.covers(wanted))
            || self
                .records()
                .iter()
                .any(|record| record.key.capability.covers(wanted) && record.holds(site, self.now))
    }

    /// Those of its needs that it may do at this node.
    pub(crate) fn of(&self, admitted: &Admitted, site: GrantSite<'_>) -> Grants {
        admitted.needs().filter(|need| self.may(need, site)).cloned().collect()
    }

    /// Those of its needs that it may not do at this node.
    pub(crate) fn missing(&self, admitted: &Admitted, site: GrantSite<'_>) -> Vec<Capability> {
        admitted.needs().filter(|need| !self.may(need, site)).cloned().collect()
    }

    fn records(&self) -> Vec<Arc<GrantRecord>> {
        let index = self.shared.directory.read();
        let of_component = index.grants.get(&(self.tenant.clone(), self.component));
        let records = of_component.into_iter().flat_map(|records| records.values());
        records.filter(|record| record.key.plugin == *self.plugin).cloned().collect()
    }
}
