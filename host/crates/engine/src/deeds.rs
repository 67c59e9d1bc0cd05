//! What a task did, counted from its records: once, however often it ran.

use serde_json::Value;
use wforge_model::{Deeds, ModelUsage, TaskId, TenantId};
use wforge_ports::store::{EffectRecord, Phase};

use crate::request::EngineError;
use crate::service::Shared;
use crate::tools::with_children;

/// Of a task over all its attempts, and of the agents that it called as tools.
pub(crate) async fn of_task(
    shared: &Shared,
    tenant: &TenantId,
    task: TaskId,
) -> Result<Deeds, EngineError> {
    let mut deeds = Deeds::default();
    for id in with_children(shared, tenant, vec![task]).await? {
        for record in shared.parts.store.records(tenant, id).await? {
            if let Phase::Answer(answer) = &record.phase {
                take(&mut deeds, answer);
            }
        }
    }
    Ok(deeds)
}

fn take(deeds: &mut Deeds, record: &EffectRecord) {
    deeds.wrote |= record.wrote;
    let Some(asked) = &record.model else { return };
    let Ok(answer) = &record.answer else {
        deeds.usage.take(asked, &ModelUsage { calls: 1, failed: 1, ..ModelUsage::default() });
        return;
    };
    // Where another model answered in place of the one that was asked, the answer says which.
    let model = answer.get("model").and_then(Value::as_str).unwrap_or(asked);
    let tokens = |field: &str| {
        let counted = answer.get("usage").and_then(|usage| usage.get(field));
        counted.and_then(Value::as_u64).unwrap_or_default()
    };
    let (input_tokens, output_tokens) = (tokens("input_tokens"), tokens("output_tokens"));
    let used = ModelUsage { calls: 1, failed: 0, input_tokens, output_tokens };
    deeds.usage.take(model, &used);
}
