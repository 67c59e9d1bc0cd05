//! Where the records of child tasks are: their ids follow from the caller's id and a position of
//! its record, so the positions are written down before a child's first effect is.

use std::sync::Arc;

use wforge_model::effect::{Operation, RecordKey, RequestHash, child_register, child_task};
use wforge_model::{TaskId, TenantId, Timestamp, Value};
use wforge_ports::effects::{EffectAnswer, EffectRequest, EffectSession, EffectsError, GuestLine};
use wforge_ports::store::{EffectIntent, Phase, Record, RecordError};
use wforge_ports::{BoxFuture, RawFailure, RawRequest, RawResponse, Store, ToolCall};

use crate::request::EngineError;
use crate::service::Shared;

/// What stands before the tool's name in an entry.
const CALL: &str = "tools.call ";

/// A child's session. A child that asks for nothing leaves nothing to be found.
#[derive(Debug)]
pub(crate) struct Registered {
    inner: Box<dyn EffectSession>,
    store: Arc<dyn Store>,
    entry: Option<Record>,
}

impl Registered {
    pub(crate) fn new(inner: Box<dyn EffectSession>, shared: &Shared, call: &ToolCall<'_>) -> Self {
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
            }),
            kv: Vec::new(),
        };
        Self { inner, store: shared.parts.store.clone(), entry: Some(entry) }
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

impl EffectSession for Registered {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        Box::pin(async move {
            match self.register().await {
                Ok(()) => self.inner.perform(request).await,
                Err(error) => EffectAnswer::Fault(error),
            }
        })
    }

    /// Leaves no record, so there is nothing to be found.
    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        self.inner.exchange(request)
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn random_seed(&self) -> [u8; 32] {
        self.inner.random_seed()
    }

    fn position(&self) -> u32 {
        self.inner.position()
    }

    fn log(&mut self, line: GuestLine) {
        self.inner.log(line);
    }

    fn emit(&mut self, topic: String, payload: Value) {
        self.inner.emit(topic, payload);
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
