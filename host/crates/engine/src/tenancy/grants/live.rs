//! What effects ask before each deed: whether the grant of the run's beginning still stands.

use std::sync::{Arc, OnceLock};

use wforge_model::agent::AgentCall;
use wforge_model::grant::GrantSite;
use wforge_model::{Capability, Denial};
use wforge_ports::GrantCheck;

use super::Granted;
use crate::service::Shared;

/// The grants of one engine. Effects are made before the engine that runs them, so they are handed
/// to them empty; what is asked before the engine is there stands as it was pinned.
#[derive(Debug, Default)]
pub struct LiveGrants(OnceLock<Arc<Shared>>);

impl LiveGrants {
    pub(crate) fn of(&self, shared: Arc<Shared>) {
        // An engine has one book of grants, and a book one engine.
        let _ = self.0.set(shared);
    }
}

impl GrantCheck for LiveGrants {
    fn check(&self, call: &AgentCall, wanted: &Capability) -> Result<(), Denial> {
        let Some(shared) = self.0.get() else { return Ok(()) };
        let site = GrantSite::of(&call.workflow, Some(&call.node));
        if Granted::to_call(shared, call).may(wanted, site) {
            shared.used.note(shared, call, wanted);
            return Ok(());
        }
        Err(Denial {
            capability: wanted.kind().to_owned(),
            resource: wanted.resource().to_owned(),
            hint: format!(
                "it was granted when the run began, and was taken back or has expired since: wforge \
                 grants explain {} {wanted} --workflow {} --node {}",
                call.plugin, site.workflow, call.node
            ),
        })
    }
}
