//! Tokens of models against a tenant's day: held before a call, counted after it.
//!
//! What is held counts beside what was used until it is settled, so that no two calls take what is
//! left.

use std::sync::{Arc, OnceLock};

use wforge_model::agent::AgentCall;
use wforge_model::{Failure, ModelUsage, Problem, TenantId};
use wforge_ports::{BoxFuture, TokenMeter};

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

    async fn hold(&self, tenant: &TenantId, tokens: u64) -> Result<(), Failure> {
        let Some(shared) = self.0.get() else { return Ok(()) };
        let held = ledger::hold_tokens(shared, tenant, tokens).await;
        let held = held.map_err(|error| {
            tracing::warn!(%tenant, %error, "what a tenant used today cannot be read");
            let message = "the host cannot read what the tenant has used today";
            Failure::Failed(Problem::new("tokens_unknown", message))
        })?;
        if held {
            return Ok(());
        }
        let message =
            "the tenant's tokens_per_day_max would be passed; the day ends at midnight UTC";
        Err(Failure::Limit(Problem::new("tokens_per_day_max", message)))
    }
}

impl TokenMeter for TenantTokens {
    fn reserve<'a>(
        &'a self,
        call: &'a AgentCall,
        tokens: u64,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.hold(&call.tenant, tokens))
    }

    fn settle(&self, call: &AgentCall, reserved: u64, used: u64) {
        let Some(shared) = self.0.get() else { return };
        ledger::settle_tokens(shared, &call.tenant, reserved, used);
    }

    fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage) {
        if let Some(shared) = self.0.get() {
            shared.stats.models.count(model, outcome, used);
        }
    }
}
