//! A run's events as a stream: server-sent events that resume where they broke off.
//!
//! Durable events carry their sequence as id and come in order, each exactly once after any
//! reconnect. What a plugin logs or emits comes without an id and is never repeated.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_engine::{RunMessage, event_parts};
use wforge_model::event::StoredEvent;
use wforge_model::{Seq, Timestamp, Value};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{PathOf, QueryOf, run_id};
use crate::sse::{self, passing, resume_after};
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
    if head.status.is_final() && after >= head.seq {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let messages = api.parts.engine.subscribe(&principal.tenant, run, after);
    sse::send(&api, &principal, messages, frame)
}

/// A durable event as clients read it.
#[derive(Debug, Serialize)]
struct Durable {
    seq: Seq,
    at: Timestamp,
    kind: &'static str,
    data: Value,
}

fn frame(message: &RunMessage) -> Event {
    match message {
        RunMessage::Event(StoredEvent { seq, event }) => {
            let (kind, data) = event_parts(event);
            let durable = Durable { seq: *seq, at: event.at, kind, data };
            passing(kind, &durable).id(seq.to_string())
        }
        RunMessage::Line { node, task, level, message } => passing(
            "log",
            &json!({ "node": node, "task": task, "level": level, "message": message }),
        ),
        RunMessage::Emitted { node, task, ordinal, topic, payload } => passing(
            "emit",
            &json!({
                "node": node, "task": task, "ordinal": ordinal, "topic": topic, "payload": payload,
            }),
        ),
        RunMessage::Delta { node, task, position, n, topic, text } => passing(
            "delta",
            &json!({
                "node": node, "task": task, "position": position, "n": n, "topic": topic,
                "text": text,
            }),
        ),
        RunMessage::Lagged => passing("lagged", &json!({})),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::sse::Sse;
    use expect_test::{Expect, expect};
    use wforge_model::TaskId;
    use wforge_model::event::{EventKind, RunEvent};

    use super::*;

    async fn check(messages: &[RunMessage], expected: &Expect) {
        let frames: Vec<_> =
            messages.iter().map(|it| Ok::<_, std::convert::Infallible>(frame(it))).collect();
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
            &[
                event(7, EventKind::StepCommitted { ns: None, step: 2 }),
                RunMessage::Line { node, task, level: "info", message: "a\nid: 9\r\n".into() },
                RunMessage::Lagged,
                event(8, cancelled("enough")),
            ],
            &expect![[r#"
                event: step_committed
                data: {"seq":7,"at":1000,"kind":"step_committed","data":{"step":2}}
                id: 7

                event: log
                data: {"level":"info","message":"a\nid: 9\r\n","node":"digest","task":"task_[id]"}

                event: lagged
                data: {}

                event: run_cancelled
                data: {"seq":8,"at":1000,"kind":"run_cancelled","data":{"reason":"enough"}}
                id: 8

            "#]],
        )
        .await;
    }
}
