//! How large JSON is, without writing it.

use wforge_model::event::{EventKind, Origin, Route, RunEvent, RunStarted, Write};
use wforge_model::{Object, Value};

/// What a list without items takes.
pub(crate) const EMPTY_LIST_BYTES: u64 = 2;

/// About the length of a value as compact JSON, in bytes.
pub(crate) fn json_bytes(value: &Value) -> u64 {
    match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => items_bytes(items) + EMPTY_LIST_BYTES,
        Value::Object(fields) => object_bytes(fields),
    }
}

/// What these items take in a list.
pub(crate) fn items_bytes(items: &[Value]) -> u64 {
    items.iter().map(|item| json_bytes(item) + 1).sum()
}

fn object_bytes(fields: &Object) -> u64 {
    let field =
        |(name, value): (&alloc::string::String, &Value)| name.len() as u64 + 4 + json_bytes(value);
    fields.iter().map(field).sum::<u64>() + 2
}

/// What an event takes beside its values, about.
const EVENT_BYTES: u64 = 200;

/// About how many bytes an event takes in a log.
#[must_use]
pub fn event_bytes(event: &RunEvent) -> u64 {
    let values = match &event.kind {
        EventKind::RunQueued(queued) => started_bytes(&queued.start),
        EventKind::RunStarted(started) => started_bytes(started),
        EventKind::StepPlanned { tasks, .. } => 80 * tasks.len() as u64,
        EventKind::SubgraphStarted { input, routes, .. } => {
            object_bytes(input) + routes_bytes(routes)
        }
        EventKind::QuestionAnswered { answer, .. } => answer.as_ref().map_or(0, json_bytes),
        EventKind::TaskFinished(finished) => {
            let emitted = finished.emitted.iter().map(|emitted| json_bytes(&emitted.payload));
            writes_bytes(&finished.writes) + routes_bytes(&finished.routes) + emitted.sum::<u64>()
        }
        EventKind::RunCompleted { output, .. } => object_bytes(output),
        EventKind::TaskSuspended { .. }
        | EventKind::TaskResumed { .. }
        | EventKind::TaskRetried { .. }
        | EventKind::TaskFailed { .. }
        | EventKind::StepCommitted { .. }
        | EventKind::RunFailed { .. }
        | EventKind::RunCancelled { .. }
        | EventKind::Interrupted { .. }
        | EventKind::QuestionAssigned { .. }
        | EventKind::PauseRequested { .. }
        | EventKind::Continued { .. }
        | EventKind::RunRevived { .. }
        | EventKind::FailureHandled { .. }
        | EventKind::RunBlocked { .. }
        | EventKind::RunUnblocked { .. } => 0,
    };
    EVENT_BYTES + values
}

fn started_bytes(started: &RunStarted) -> u64 {
    let pinned = started.subgraphs.values().map(|pinned| &pinned.pins);
    let pins = core::iter::once(&started.pins).chain(pinned).flat_map(|pins| pins.values());
    let tools = started.tools.values().map(|tool| &tool.agent);
    let schemas: u64 =
        pins.chain(tools).map(|pin| json_bytes(&pin.input) + json_bytes(&pin.output)).sum();
    let updates = match &started.origin {
        Origin::Update(updates) => updates.iter().map(|update| writes_bytes(&update.writes)).sum(),
        Origin::Input | Origin::Continue | Origin::Migrate | Origin::Copy => 0,
    };
    object_bytes(&started.input)
        + json_bytes(&started.context)
        + routes_bytes(&started.routes)
        + schemas
        + updates
}

fn writes_bytes(writes: &[Write]) -> u64 {
    writes.iter().map(|write| 32 + json_bytes(&write.value)).sum()
}

fn routes_bytes(routes: &[Route]) -> u64 {
    let bytes = |route: &Route| match route {
        Route::Each { items, .. } => items.iter().map(json_bytes).sum(),
        Route::Send { bindings, sent, .. } => {
            object_bytes(bindings) + sent.as_ref().map_or(0, json_bytes)
        }
        Route::Parent { sent, .. } => sent.as_ref().map_or(0, json_bytes),
        Route::Node(_) | Route::Arrive { .. } | Route::Outcome(_) => 0,
    };
    routes.iter().map(|route| 32 + bytes(route)).sum()
}
