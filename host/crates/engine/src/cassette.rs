//! A run's recorded answers as a cassette: what a test can answer from without reaching anything.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wforge_model::effect::RequestHash;
use wforge_model::{Failure, NodeId, RunId, TaskId, TenantId, Timestamp, Value};
use wforge_ports::store::Phase;

use crate::load::replay;
use crate::request::EngineError;
use crate::service::Shared;
use crate::tools::{Child, children_of};

/// The most entries of a cassette.
const ENTRIES_MAX: usize = 100_000;

/// One recorded answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CassetteEntry {
    /// The node that asked.
    pub node: NodeId,
    /// The task.
    pub task: TaskId,
    /// The task that called this one as a tool, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<TaskId>,
    /// The name of that tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
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

/// A task with a record.
struct Asker {
    task: TaskId,
    node: NodeId,
    caller: Option<TaskId>,
    tool: Option<String>,
}

impl Asker {
    fn child(&self, child: Child) -> Self {
        let Child { task, tool } = child;
        Self { task, node: self.node.clone(), caller: Some(self.task), tool: Some(tool) }
    }
}

/// All of a run, by task in the order in which they were planned, then attempt and position; the
/// agents that a task called as tools come after it.
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
    let whole = |(task, node)| Asker { task, node, caller: None, tool: None };
    // The next one is at the end.
    let mut open: Vec<Asker> = tasks.into_iter().rev().map(whole).collect();
    while let Some(asker) = open.pop() {
        let children = children_of(shared, tenant, asker.task).await?;
        open.extend(children.into_iter().rev().map(|child| asker.child(child)));
        let Asker { task, node, caller, tool } = asker;
        for record in shared.parts.store.records(tenant, task).await? {
            let Phase::Answer(recorded) = record.phase else { continue };
            let (answer, failure) = match recorded.answer {
                Ok(answer) => (Some(answer), None),
                Err(failure) => (None, Some(failure)),
            };
            entries.push(CassetteEntry {
                node: node.clone(),
                task,
                caller,
                tool: tool.clone(),
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
