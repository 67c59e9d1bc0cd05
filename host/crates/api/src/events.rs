//! The events of a run, or of a thread, as a stream: server-sent events that resume where they
//! broke off.
//!
//! Durable events carry their sequence as id and come in order, each exactly once after any
//! reconnect; in a thread's stream the run stands before it, `run_…@12`. What a plugin logs or
//! emits comes without an id and is never repeated.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_engine::{EngineError, RunMessage, ThreadMessage, event_parts};
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{Checkpoint, NodeId, RunId, Seq, TaskId, Timestamp, Value};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{PathOf, QueryOf, run_id, thread_id};
use crate::sse::{self, last_event_id, passing, resume_after};
use crate::state::Api;

/// The query of [`stream`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterQuery {
    after: Option<u64>,
}

/// `GET /v1/runs/{run}/events`. 204, which tells clients not to come again, where the run has
/// ended and nothing is left to send.
pub(crate) async fn stream(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(query): QueryOf<AfterQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let run = run_id(&run)?;
    let after = resume_after(&headers, query.after)?;
    let head = api.parts.engine.head(&principal.tenant, run).await?;
    if is_told(&head, after) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let messages = api.parts.engine.subscribe(&principal.tenant, run, after);
    sse::send(&api, &principal, messages, frame)
}

/// Whether a run has ended and all of it was seen.
pub(crate) fn is_told(head: &RunHead, after: Seq) -> bool {
    head.status.is_final() && head.waiting_for.is_empty() && after >= head.seq
}

/// The query of [`of_thread`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AfterInThreadQuery {
    /// The id of the event after which the stream begins, such as `run_…@12`; the header
    /// `last-event-id` goes before it.
    after: Option<String>,
}

/// `GET /v1/threads/{thread}/events`: all runs of the thread in the order in which they began,
/// then its next ones, until the client leaves or the stream is too old.
pub(crate) async fn of_thread(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(query): QueryOf<AfterInThreadQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let after = last_event_id(&headers)?.or(query.after.as_deref()).map(place).transpose()?;
    let messages = engine.subscribe_thread(tenant, thread, after).await?;
    if let Some(after) = after {
        match engine.head(tenant, after.run).await {
            Ok(head) if head.thread != Some(thread) => return Err(other_thread()),
            // A run that was pruned since was one of the thread's.
            Ok(_) | Err(EngineError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    sse::send(&api, &principal, messages, |ThreadMessage { run, message }| {
        frame_of(Some(*run), message)
    })
}

fn place(text: &str) -> Result<Checkpoint, ApiError> {
    text.parse().map_err(|_| {
        let detail = "after and last-event-id are ids of a thread's events, such as run_…@12";
        ApiError::new(&codes::MALFORMED, detail)
    })
}

fn other_thread() -> ApiError {
    ApiError::new(&codes::MALFORMED, "after names a run that is none of this thread")
}

/// A durable event as clients read it.
#[derive(Debug, Serialize)]
struct Durable {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    seq: Seq,
    at: Timestamp,
    kind: &'static str,
    data: Value,
}

/// What is not kept, as clients read it.
#[derive(Debug, Serialize)]
struct Passing<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    node: &'a NodeId,
    task: TaskId,
    #[serde(flatten)]
    what: T,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What<'a> {
    Line { level: &'a str, message: &'a str },
    Emitted { ordinal: u32, topic: &'a str, payload: &'a Value },
    Delta { position: u32, n: u32, topic: &'a str, text: &'a str },
}

fn frame(message: &RunMessage) -> Event {
    frame_of(None, message)
}

/// An event; in a thread's stream with its run.
fn frame_of(run: Option<RunId>, message: &RunMessage) -> Event {
    let id = |seq: Seq| match run {
        Some(run) => Checkpoint { run, seq }.to_string(),
        None => seq.to_string(),
    };
    match message {
        RunMessage::Event(StoredEvent { seq, event }) => {
            let (kind, data) = event_parts(event);
            let durable = Durable { run, seq: *seq, at: event.at, kind, data };
            passing(kind, &durable).id(id(*seq))
        }
        RunMessage::Line { node, task, level, message } => {
            let what = What::Line { level, message };
            passing("log", &Passing { run, node, task: *task, what })
        }
        RunMessage::Emitted { node, task, ordinal, topic, payload } => {
            let what = What::Emitted { ordinal: *ordinal, topic, payload };
            passing("emit", &Passing { run, node, task: *task, what })
        }
        RunMessage::Delta { node, task, position, n, topic, text } => {
            let what = What::Delta { position: *position, n: *n, topic, text };
            passing("delta", &Passing { run, node, task: *task, what })
        }
        RunMessage::Lagged { after, skipped } => {
            passing("lagged", &json!({ "after": id(*after), "skipped": skipped }))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::sse::Sse;
    use expect_test::{Expect, expect};
    use wforge_model::TaskId;
    use wforge_model::event::{EventKind, RunEvent};

    use super::*;

    async fn check(run: Option<RunId>, messages: &[RunMessage], expected: &Expect) {
        let frame = |it| Ok::<_, std::convert::Infallible>(frame_of(run, it));
        let frames: Vec<_> = messages.iter().map(frame).collect();
        let body = Sse::new(futures::stream::iter(frames)).into_response().into_body();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.into()).unwrap();
        expected.assert_eq(&text.replace(&"01".repeat(16), "[id]"));
    }

    fn event(seq: u64, kind: EventKind) -> RunMessage {
        let event = RunEvent { at: Timestamp(1_000), kind };
        RunMessage::Event(StoredEvent { seq: Seq(seq), event })
    }

    fn cancelled(reason: &str) -> EventKind {
        EventKind::RunCancelled { reason: reason.into(), by: String::new(), rolled_back: false }
    }

    #[tokio::test]
    async fn durable_events_have_their_sequence_as_id_and_passing_ones_none() {
        let (node, task) = ("digest".parse().unwrap(), TaskId::from_bytes([1; 16]));
        check(
            None,
            &[
                event(7, EventKind::StepCommitted { ns: None, step: 2 }),
                RunMessage::Line { node, task, level: "info", message: "a\nid: 9\r\n".into() },
                RunMessage::Lagged { after: Seq(7), skipped: 3 },
                event(8, cancelled("enough")),
            ],
            &expect![[r#"
                event: step_committed
                data: {"seq":7,"at":1000,"kind":"step_committed","data":{"step":2}}
                id: 7

                event: log
                data: {"node":"digest","task":"task_[id]","level":"info","message":"a\nid: 9\r\n"}

                event: lagged
                data: {"after":"7","skipped":3}

                event: run_cancelled
                data: {"seq":8,"at":1000,"kind":"run_cancelled","data":{"reason":"enough"}}
                id: 8

            "#]],
        )
        .await;
    }

    #[tokio::test]
    async fn in_a_stream_of_a_thread_each_id_says_its_run() {
        check(
            Some(RunId::from_bytes([1; 16])),
            &[
                event(7, EventKind::StepCommitted { ns: None, step: 2 }),
                RunMessage::Lagged { after: Seq(7), skipped: 3 },
            ],
            &expect![[r#"
                event: step_committed
                data: {"run":"run_[id]","seq":7,"at":1000,"kind":"step_committed","data":{"step":2}}
                id: run_[id]@7

                event: lagged
                data: {"after":"run_[id]@7","skipped":3}

            "#]],
        )
        .await;
    }
}
