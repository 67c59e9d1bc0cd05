//! Tokens of models against a tenant's day: held before a call, counted after it.
//!
//! What is held counts as used until it is settled, so that no two calls take what is left.

use std::sync::{Arc, OnceLock};

use wforge_model::agent::AgentCall;
use wforge_model::{Failure, ModelUsage, Problem, TenantId};
use wforge_ports::TokenMeter;

use super::ledger;
use crate::service::Shared;

/// The meter of the tenants of one engine. Effects are made before the engine that runs them, so it
/// is handed to them empty and holds nothing back until the engine is there.
#[derive(Debug, Default)]
pub struct TenantTokens(OnceLock<Arc<Shared>>);

impl TenantTokens {
    pub(crate) fn of(&self, shared: Arc<Shared>) {
        // An engine has one meter, and a meter one engine.
        let _ = self.0.set(shared);
    }

    fn change(&self, tenant: &TenantId, change: impl FnOnce(u64, u64) -> Option<u64>) -> bool {
        self.0.get().is_none_or(|shared| ledger::change_tokens(shared, tenant, change))
    }
}

impl TokenMeter for TenantTokens {
    fn reserve(&self, call: &AgentCall, tokens: u64) -> Result<(), Failure> {
        let held = self.change(&call.tenant, |used, max| {
            let more = used.saturating_add(tokens);
            (max == 0 || more <= max).then_some(more)
        });
        if held {
            return Ok(());
        }
        let message =
            "the tenant's tokens_per_day_max would be passed; the day ends at midnight UTC";
        Err(Failure::Limit(Problem::new("tokens_per_day_max", message)))
    }

    fn settle(&self, call: &AgentCall, reserved: u64, used: u64) {
        self.change(&call.tenant, |before, _| {
            Some(before.saturating_sub(reserved).saturating_add(used))
        });
    }

    fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage) {
        if let Some(shared) = self.0.get() {
            shared.stats.models.count(model, outcome, used);
        }
    }
}
