//! Tokens that a run, a node of a run and a plugin of a tenant may use.
//!
//! What is held counts as used until it is settled, so calls that run side by side cannot pass a
//! budget together. The counts live in memory: a host that starts anew counts anew, and of runs and
//! nodes the host forgets those that have asked for nothing while very many others did.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::json;
use wforge_model::agent::AgentCall;
use wforge_model::{Failure, ModelUsage, NodeId, PluginName, Problem, RunId, TenantId};
use wforge_ports::{BoxFuture, Clock, TokenMeter};

use crate::recent::Recent;

/// The budgets. 0: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenLimits {
    /// Tokens of one run.
    pub tokens_per_run_max: u64,
    /// Tokens of one node in one run, over all its tasks.
    pub tokens_per_node_max: u64,
    /// Tokens of one plugin in one tenant on one day (UTC).
    pub tokens_per_plugin_per_day_max: u64,
}

/// Budgets of runs, nodes and plugins, before the tenant's.
#[derive(Debug)]
pub struct Budgets {
    limits: TokenLimits,
    clock: Arc<dyn Clock>,
    tenants: Arc<dyn TokenMeter>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    runs: Recent<RunId, Count>,
    nodes: Recent<(RunId, NodeId), Count>,
    plugins: Recent<(TenantId, PluginName), Count>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    used: u64,
    held: u64,
    /// Days since 1970; always 0 for what is not counted by the day.
    day: u64,
}

impl Budgets {
    /// Budgets in front of those of tenants.
    #[must_use]
    pub fn new(limits: TokenLimits, clock: Arc<dyn Clock>, tenants: Arc<dyn TokenMeter>) -> Self {
        Self { limits, clock, tenants, counts: Mutex::default() }
    }

    /// The counts of a call's run, node and plugin.
    fn with<R>(&self, call: &AgentCall, with: impl FnOnce([&mut Count; 3]) -> R) -> R {
        let today = self.clock.now().0 / 86_400_000;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { runs, nodes, plugins } = &mut *counts;
        let node = (call.run, call.node.clone());
        let plugin = (call.tenant.clone(), call.plugin.clone());
        with([runs.count(call.run, 0), nodes.count(node, 0), plugins.count(plugin, today)])
    }

    /// All three or none.
    fn hold(&self, call: &AgentCall, tokens: u64) -> Result<(), Failure> {
        let TokenLimits { tokens_per_run_max, tokens_per_node_max, tokens_per_plugin_per_day_max } =
            self.limits;
        let to_midnight = self.clock.now().ms_to_midnight();
        self.with(call, |counts| {
            let [run, node, plugin] = &counts;
            run.check("tokens_per_run", tokens_per_run_max, tokens)?;
            node.check("tokens_per_node", tokens_per_node_max, tokens)?;
            let daily = plugin.check("tokens_per_plugin", tokens_per_plugin_per_day_max, tokens);
            daily.map_err(|problem| Problem { retry_after_ms: Some(to_midnight), ..problem })?;
            counts.into_iter().for_each(|count| count.held = count.held.saturating_add(tokens));
            Ok(())
        })
        .map_err(Failure::Limit)
    }

    fn release(&self, call: &AgentCall, held: u64, used: u64) {
        self.with(call, |counts| {
            for count in counts {
                count.held = count.held.saturating_sub(held);
                count.used = count.used.saturating_add(used);
            }
        });
    }
}

/// What is held while the tenant's budget is asked; given back unless it is kept, also where nobody
/// waits for the answer any more.
struct Held<'a> {
    budgets: &'a Budgets,
    call: &'a AgentCall,
    tokens: u64,
}

impl<'a> Held<'a> {
    fn new(budgets: &'a Budgets, call: &'a AgentCall, tokens: u64) -> Result<Self, Failure> {
        budgets.hold(call, tokens)?;
        Ok(Self { budgets, call, tokens })
    }

    fn keep(mut self) {
        self.tokens = 0;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budgets.release(self.call, self.tokens, 0);
    }
}

impl TokenMeter for Budgets {
    fn reserve<'a>(
        &'a self,
        call: &'a AgentCall,
        tokens: u64,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let held = Held::new(self, call, tokens)?;
            self.tenants.reserve(call, tokens).await?;
            held.keep();
            Ok(())
        })
    }

    fn settle(&self, call: &AgentCall, reserved: u64, used: u64) {
        self.release(call, reserved, used);
        self.tenants.settle(call, reserved, used);
    }

    fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage) {
        self.tenants.count(model, outcome, used);
    }
}

impl Count {
    fn check(&self, code: &str, limit: u64, tokens: u64) -> Result<(), Problem> {
        let after = self.used.saturating_add(self.held).saturating_add(tokens);
        if limit == 0 || after <= limit {
            return Ok(());
        }
        let Self { used, held, .. } = *self;
        let message = format!(
            "{tokens} tokens more would pass the budget of {limit}: {used} are used and {held} held"
        );
        let mut problem = Problem::new(code, message);
        problem.details = json!({ "limit": limit, "used": used, "held": held, "asked": tokens });
        Err(problem)
    }
}

impl<K: Ord> Recent<K, Count> {
    /// The count of that day. What is held goes on over midnight, what was used does not.
    fn count(&mut self, key: K, day: u64) -> &mut Count {
        let count = self.entry(key);
        if count.day != day {
            *count = Count { used: 0, held: count.held, day };
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_with_what_is_still_held() {
        let mut recent = Recent::<u8, Count>::default();
        *recent.count(0, 1) = Count { used: 5, held: 3, day: 1 };
        let count = recent.count(0, 2);
        assert_eq!((count.used, count.held), (0, 3));
    }
}
