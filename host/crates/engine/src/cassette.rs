//! A run's recorded answers as a cassette: what a test can answer from without reaching anything.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wforge_model::effect::RequestHash;
use wforge_model::{Failure, NodeId, RunId, TaskId, TenantId, Timestamp, Value};
use wforge_ports::store::Phase;

use crate::load::replay;
use crate::request::EngineError;
use crate::service::Shared;

/// The most entries of a cassette.
const ENTRIES_MAX: usize = 100_000;

/// One recorded answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CassetteEntry {
    /// The node that asked.
    pub node: NodeId,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: u32,
    /// The place in the task's record.
    pub position: u32,
    /// Hash of the request; what it is found by.
    pub request: RequestHash,
    /// The request in words.
    pub summary: String,
    /// When it was answered.
    pub at: Timestamp,
    /// The answer, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Else the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// All of a run, by task in the order in which they were planned, then attempt and position.
pub(crate) async fn of_run(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    id: RunId,
) -> Result<Vec<CassetteEntry>, EngineError> {
    let mut tasks: Vec<(TaskId, NodeId)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    replay(shared, tenant, id, |run, _| {
        for task in run.all_tasks() {
            if seen.insert(task.id) {
                tasks.push((task.id, task.node.clone()));
            }
        }
    })
    .await?;
    let mut entries = Vec::new();
    for (task, node) in tasks {
        for record in shared.parts.store.records(tenant, task).await? {
            let Phase::Answer(recorded) = record.phase else { continue };
            let (answer, failure) = match recorded.answer {
                Ok(answer) => (Some(answer), None),
                Err(failure) => (None, Some(failure)),
            };
            entries.push(CassetteEntry {
                node: node.clone(),
                task,
                attempt: record.key.attempt,
                position: record.key.position,
                request: recorded.request,
                summary: recorded.summary,
                at: recorded.at,
                answer,
                failure,
            });
            if entries.len() > ENTRIES_MAX {
                return Err(EngineError::Invalid {
                    code: "cassette_too_large",
                    message: format!("{id} has more than {ENTRIES_MAX} recorded answers"),
                    details: Vec::new(),
                });
            }
        }
    }
    Ok(entries)
}
