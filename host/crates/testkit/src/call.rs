//! A call of an agent, of which a test says only what it is about.

use std::sync::Arc;

use serde_json::json;
use wforge_model::agent::AgentCall;
use wforge_model::{Digest, Grants, Timestamp};

/// The first attempt of a task of the tenant `acme`, which may do nothing.
///
/// # Panics
/// Never: the names in it are names.
#[must_use]
#[expect(clippy::unwrap_used, reason = "these are names")]
pub fn call() -> AgentCall {
    AgentCall {
        tenant: "acme".parse().unwrap(),
        plugin: "test/fixture".parse().unwrap(),
        component: Digest::from_bytes([0; 32]),
        agent: "main".to_owned(),
        task: "task_00000000000000000000000000000001".parse().unwrap(),
        run: "run_00000000000000000000000000000002".parse().unwrap(),
        thread: None,
        workflow: "test@1.0.0".to_owned(),
        node: "n".parse().unwrap(),
        step: 1,
        attempt: 1,
        timeout_ms: None,
        input: json!({}),
        config: json!({}),
        context: json!({}),
        grants: Grants::default(),
        began_at: Timestamp(1_700_000_000_000),
        answers: Vec::new(),
        kept_effects: 0,
        first_attempt: 1,
        fails_unknown: false,
        is_idempotent: false,
        tools: Arc::default(),
        depth: 0,
    }
}
