//! Where the records of child tasks are: their ids follow from the caller's id and a position of
//! its record, so the positions are written down before a child's first effect is.

use std::sync::Arc;

use wforge_model::effect::{Operation, RecordKey, RequestHash, child_register, child_task};
use wforge_model::{TaskId, TenantId, Value};
use wforge_ports::effects::{EffectRequest, EffectsError};
use wforge_ports::store::{EffectIntent, Phase, Record, RecordError};
use wforge_ports::{BoxFuture, Store, ToolCall};

use crate::attended::Attends;
use crate::request::EngineError;
use crate::service::Shared;

/// What stands before the tool's name in an entry.
const CALL: &str = "tools.call ";

/// Where a child's record is found. A child that asks for nothing leaves nothing to be found, and
/// neither does what leaves no record.
#[derive(Debug)]
pub(crate) struct Register {
    store: Arc<dyn Store>,
    entry: Option<Record>,
}

impl Register {
    pub(crate) fn new(shared: &Shared, call: &ToolCall<'_>) -> Self {
        let request = Value::String(call.name.to_owned());
        let entry = Record {
            tenant: call.caller.tenant.clone(),
            run: call.caller.run,
            lease: call.lease,
            // The child's id is the same over attempts of its caller.
            key: RecordKey {
                task: child_register(call.caller.task),
                attempt: 1,
                position: call.position,
            },
            phase: Phase::Intent(EffectIntent {
                request: RequestHash::of(Operation::ToolsCall, &request),
                summary: format!("{CALL}{}", call.name),
                at: shared.parts.clock.now(),
                due: None,
                emits: 0,
            }),
            kv: Vec::new(),
        };
        Self { store: shared.parts.store.clone(), entry: Some(entry) }
    }

    async fn register(&mut self) -> Result<(), EffectsError> {
        let Some(entry) = self.entry.clone() else { return Ok(()) };
        match self.store.record(entry).await {
            // Whoever was first wrote the same place.
            Ok(_) => self.entry = None,
            Err(RecordError::LeaseLost { .. }) => return Err(EffectsError::LeaseLost),
            Err(error) => return Err(EffectsError::Unavailable(error.into())),
        }
        Ok(())
    }
}

impl Attends for Register {
    fn before<'a>(
        &'a mut self,
        _request: &'a EffectRequest,
        _position: u32,
    ) -> BoxFuture<'a, Result<(), EffectsError>> {
        Box::pin(self.register())
    }
}

/// A task that another one called as a tool, and has effects of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) task: TaskId,
    /// The name under which it was called.
    pub(crate) tool: String,
}

/// The children of a task, by the places at which they were called.
pub(crate) async fn children_of(
    shared: &Shared,
    tenant: &TenantId,
    task: TaskId,
) -> Result<Vec<Child>, EngineError> {
    let entries = shared.parts.store.records(tenant, child_register(task)).await?;
    let child = |entry: Record| {
        let summary = match &entry.phase {
            Phase::Intent(intent) => &intent.summary,
            Phase::Answer(answer) => &answer.summary,
        };
        let tool = summary.strip_prefix(CALL).unwrap_or(summary).to_owned();
        Child { task: child_task(task, entry.key.position), tool }
    };
    Ok(entries.into_iter().map(child).collect())
}

/// Tasks, their children, theirs, and the ids under which those are written down: everything of
/// them that has records.
pub(crate) async fn with_children(
    shared: &Shared,
    tenant: &TenantId,
    tasks: Vec<TaskId>,
) -> Result<Vec<TaskId>, EngineError> {
    let (mut all, mut open) = (tasks.clone(), tasks);
    while let Some(task) = open.pop() {
        let children = children_of(shared, tenant, task).await?;
        if children.is_empty() {
            continue;
        }
        all.push(child_register(task));
        for child in children {
            all.push(child.task);
            open.push(child.task);
        }
    }
    Ok(all)
}
