//! Results that a node's later tasks may take instead of a call: live ones only, for as long as the
//! node says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::warn;
use wforge_model::agent::{AgentCall, Exit, Reply};
use wforge_model::id::IdHasher;
use wforge_model::mock::MockMode;
use wforge_model::{TenantId, Timestamp, Value};
use wforge_ports::store::{Change, ChangeError, Collection, Put};

use crate::request::EngineError;
use crate::service::Shared;

/// Documents that are removed in one change.
const PAGE: usize = 256;

/// Where a call's result is kept, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    key: String,
    ttl_ms: u64,
}

/// A kept result.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    output: Value,
    #[serde(default)]
    exits: Vec<(String, Option<Value>)>,
    expires_at: Timestamp,
}

impl Slot {
    /// The slot of a call: a hash of everything on which its result may depend. The tenant is not
    /// part of it, since every document is a tenant's.
    pub(crate) fn of(call: &AgentCall, mode: MockMode, ttl_ms: u64) -> Self {
        let text = |value: &Value| value.to_string();
        let grants = serde_json::to_vec(&call.grants).unwrap_or_default();
        let hasher = IdHasher::new("wforge.cache.v1")
            .field(call.component.as_bytes())
            .field(call.agent.as_bytes())
            .field(text(&call.config).as_bytes())
            .field(text(&call.input).as_bytes())
            .field(text(&call.context).as_bytes())
            .field(&grants)
            .field(mode.as_str().as_bytes());
        let hasher = call.usable_tools().fold(hasher, |hasher, (name, tool)| {
            hasher.field(name.as_bytes()).field(tool.agent.component.as_bytes())
        });
        let key = hasher.finish().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { key, ttl_ms }
    }

    /// The result that is kept, where there is one and it has not expired.
    pub(crate) async fn get(&self, shared: &Shared, tenant: &TenantId) -> Option<Reply> {
        let found = shared.parts.store.document(tenant, Collection::Cache, &self.key).await;
        let document =
            found.inspect_err(|error| warn!(%error, "the cache cannot be read")).ok()??;
        let kept: Kept = serde_json::from_value(document.value).ok()?;
        if kept.expires_at <= shared.parts.clock.now() {
            self.put_value(shared, tenant, None).await;
            return None;
        }
        let exits = kept.exits.into_iter().map(|(name, input)| Exit { name, input });
        Some(Reply { output: kept.output, exits: exits.collect() })
    }

    /// Keeps a result. Nothing is lost where that fails: the agent is called again.
    pub(crate) fn put(self, shared: &Arc<Shared>, tenant: &TenantId, reply: Reply) {
        let expires_at = shared.parts.clock.now().after_ms(self.ttl_ms);
        let exits = reply.exits.into_iter().map(|exit| (exit.name, exit.input)).collect();
        let kept = Kept { output: reply.output, exits, expires_at };
        let Ok(value) = serde_json::to_value(kept) else { return };
        let (shared_in, tenant) = (shared.clone(), tenant.clone());
        let work = async move { self.put_value(&shared_in, &tenant, Some(value)).await };
        shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
    }

    async fn put_value(&self, shared: &Shared, tenant: &TenantId, value: Option<Value>) {
        let put = Put { collection: Collection::Cache, key: self.key.clone(), value };
        if let Err(error) = shared.parts.store.change(change(tenant, vec![put])).await {
            warn!(%error, "the cache cannot be written");
        }
    }
}

fn change(tenant: &TenantId, puts: Vec<Put>) -> Change {
    Change {
        tenant: tenant.clone(),
        expected: None,
        puts,
        audit: Vec::new(),
        idempotent_reply: None,
    }
}

/// Forgets the results of a tenant that have expired and that nobody asked for since.
pub(crate) async fn tidy(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    let (store, now) = (&shared.parts.store, shared.parts.clock.now());
    let mut after: Option<String> = None;
    loop {
        let page = store.documents(tenant, Collection::Cache, "", after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.key.clone());
        for document in page {
            // What cannot be read is of no use to anybody either.
            let kept = serde_json::from_value::<Kept>(document.value);
            if kept.is_ok_and(|kept| kept.expires_at > now) {
                continue;
            }
            let put = Put { collection: Collection::Cache, key: document.key, value: None };
            let expected = Some(document.version);
            let change = Change { expected, ..change(tenant, vec![put]) };
            match store.change(change).await {
                // Somebody has kept a result there in this moment.
                Ok(_) | Err(ChangeError::Conflict { .. }) => {}
                Err(error) => return Err(EngineError::Host(Box::new(error))),
            }
        }
    }
}

/// Forgets every kept result of a tenant, and says how many there were.
pub(crate) async fn clear(shared: &Shared, tenant: &TenantId) -> Result<u64, EngineError> {
    let (store, mut cleared) = (&shared.parts.store, 0);
    loop {
        let page = store.documents(tenant, Collection::Cache, "", None, PAGE).await?;
        if page.is_empty() {
            return Ok(cleared);
        }
        cleared += page.len() as u64;
        let puts = page.into_iter().map(|document| Put {
            collection: Collection::Cache,
            key: document.key,
            value: None,
        });
        let changed = store.change(change(tenant, puts.collect())).await;
        changed.map_err(|error| EngineError::Host(Box::new(error)))?;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use wforge_model::{Digest, RunId, TaskId};

    use super::*;

    fn call() -> AgentCall {
        AgentCall {
            tenant: "acme".parse().unwrap(),
            plugin: "t/a".parse().unwrap(),
            component: Digest::from_bytes([1; 32]),
            agent: "main".to_owned(),
            task: TaskId::from_bytes([1; 16]),
            run: RunId::from_bytes([1; 16]),
            thread: None,
            workflow: "w@1.0.0".to_owned(),
            node: "a".parse().unwrap(),
            step: 1,
            attempt: 1,
            timeout_ms: None,
            input: json!({}),
            config: Value::Null,
            context: Value::Null,
            grants: ["ask".parse().unwrap()].into_iter().collect(),
            began_at: Timestamp(0),
            answers: Vec::new(),
            kept_effects: 0,
            first_attempt: 1,
            fails_unknown: false,
            is_idempotent: false,
            tools: Arc::new(BTreeMap::new()),
            depth: 0,
        }
    }

    fn key(call: &AgentCall) -> String {
        Slot::of(call, MockMode::Node, 1).key
    }

    #[test]
    fn rule_9_the_key_is_of_everything_on_which_a_result_may_depend_and_of_nothing_else() {
        let others = [
            AgentCall { component: Digest::from_bytes([2; 32]), ..call() },
            AgentCall { agent: "other".to_owned(), ..call() },
            AgentCall { config: json!({ "x": 1 }), ..call() },
            AgentCall { input: json!({ "x": 1 }), ..call() },
            AgentCall { context: json!({ "x": 1 }), ..call() },
            AgentCall { grants: ["kv:run".parse().unwrap()].into_iter().collect(), ..call() },
        ];
        let mut keys: Vec<String> = others.iter().map(key).collect();
        keys.push(Slot::of(&call(), MockMode::Fallback, 1).key);
        keys.push(key(&call()));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "each of these is part of the key");
        let same = AgentCall {
            task: TaskId::from_bytes([2; 16]),
            run: RunId::from_bytes([2; 16]),
            node: "b".parse().unwrap(),
            step: 7,
            attempt: 3,
            began_at: Timestamp(9),
            ..call()
        };
        assert_eq!(key(&same), key(&call()));
    }
}
