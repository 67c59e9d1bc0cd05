//! A run's events as a stream: server-sent events that resume where they broke off.
//!
//! Durable events carry their sequence as id and come in order, each exactly once after any
//! reconnect. What a plugin logs or emits comes without an id and is never repeated.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt, unfold};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::error;
use wforge_engine::{EngineError, RunMessage, event_parts};
use wforge_model::event::StoredEvent;
use wforge_model::{Seq, Timestamp, Value};
use wforge_ports::Clock;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{PathOf, QueryOf, run_id};
use crate::gate::Permit;
use crate::state::Api;

const LAST_EVENT_ID: &str = "last-event-id";

/// The query of [`stream`].
#[derive(Debug, Deserialize)]
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
    let permit = api.streams.enter(&principal.tenant)?;
    let clock = Arc::clone(&api.parts.clock);
    let age = api.parts.limits.stream_age_max;
    let frames = Frames {
        messages: api.parts.engine.subscribe(&principal.tenant, run, after),
        heartbeat: api.parts.limits.heartbeat,
        beat: clock.sleep_until(clock.now().after(api.parts.limits.heartbeat)),
        end: clock.sleep_until(clock.now().after(age)),
        stop: api.parts.shutdown.clone(),
        clock,
        failed: false,
        permit,
    };
    Ok(Sse::new(frames.stream()).into_response())
}

/// After which event the stream begins. A reconnecting client repeats its first address, so its
/// header goes before the query.
fn resume_after(headers: &HeaderMap, query: Option<u64>) -> Result<Seq, ApiError> {
    let Some(header) = headers.get(LAST_EVENT_ID) else {
        return Ok(Seq(query.unwrap_or(0)));
    };
    let seq = header.to_str().ok().and_then(|text| text.parse().ok());
    seq.map(Seq).ok_or_else(|| {
        ApiError::new(&codes::MALFORMED, "last-event-id is the id of an event, a number")
    })
}

/// A stream that is being sent.
struct Frames {
    messages: BoxStream<'static, Result<RunMessage, EngineError>>,
    clock: Arc<dyn Clock>,
    heartbeat: Duration,
    beat: BoxFuture<'static, ()>,
    end: BoxFuture<'static, ()>,
    stop: CancellationToken,
    failed: bool,
    #[expect(dead_code, reason = "holds the tenant's share of streams until it is dropped")]
    permit: Permit,
}

impl Frames {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        unfold(self, |mut frames| async move {
            let frame = frames.next().await?;
            Some((Ok(frame), frames))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        if self.failed {
            return None;
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = &mut self.end => None,
            message = self.messages.next() => match message? {
                Ok(message) => Some(frame(&message)),
                Err(error) => Some(self.fail(error)),
            },
            () = &mut self.beat => {
                self.beat = self.clock.sleep_until(self.clock.now().after(self.heartbeat));
                Some(Event::default().comment("still here"))
            }
        }
    }

    /// The last frame: the status is long sent, so the problem comes as an event.
    fn fail(&mut self, error: EngineError) -> Event {
        self.failed = true;
        let problem = ApiError::from(error);
        error!(code = problem.code.id, cause = problem.causes(), "event stream failed");
        Event::default().event("error").data(problem.json())
    }
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
        RunMessage::Lagged => passing("lagged", &json!({})),
    }
}

fn passing(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use wforge_model::event::{EventKind, RunEvent};
    use wforge_model::{TaskId, TenantId};

    use super::*;
    use crate::gate::Gate;
    use crate::limits::Share;

    /// A clock on which only the heartbeat's moments ever come.
    #[derive(Debug)]
    struct Beats;

    impl Clock for Beats {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic_ns(&self) -> u64 {
            0
        }

        fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
            match at {
                Timestamp(15_000) => Box::pin(std::future::ready(())),
                _ => Box::pin(std::future::pending()),
            }
        }
    }

    async fn sent(
        messages: impl Stream<Item = Result<RunMessage, EngineError>> + Send + 'static,
        frames_max: usize,
    ) -> String {
        let tenant: TenantId = "acme".parse().unwrap();
        let share = Share { total_max: 1, tenant_max: 1 };
        let frames = Frames {
            messages: messages.boxed(),
            clock: Arc::new(Beats),
            heartbeat: Duration::from_secs(15),
            beat: Beats.sleep_until(Timestamp(15_000)),
            end: Beats.sleep_until(Timestamp(1)),
            stop: CancellationToken::new(),
            failed: false,
            permit: Gate::new("event streams", share).enter(&tenant).unwrap(),
        };
        let body = Sse::new(frames.stream().take(frames_max)).into_response().into_body();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    async fn check(messages: Vec<Result<RunMessage, EngineError>>, expected: &Expect) {
        let text = sent(futures::stream::iter(messages), 100).await;
        expected.assert_eq(&text.replace(&"01".repeat(16), "[id]"));
    }

    fn event(seq: u64, kind: EventKind) -> Result<RunMessage, EngineError> {
        let event = RunEvent { at: Timestamp(1_000), kind };
        Ok(RunMessage::Event(StoredEvent { seq: Seq(seq), event }))
    }

    #[tokio::test]
    async fn durable_events_have_their_sequence_as_id_and_passing_ones_none() {
        let (node, task) = ("digest".parse().unwrap(), TaskId::from_bytes([1; 16]));
        check(
            vec![
                event(7, EventKind::StepCommitted { step: 2 }),
                Ok(RunMessage::Line { node, task, level: "info", message: "a\nid: 9\r\n".into() }),
                Ok(RunMessage::Lagged),
                event(8, EventKind::RunCancelled { reason: "enough".into() }),
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

    #[tokio::test]
    async fn a_failure_is_the_last_frame_and_does_not_tell_its_cause() {
        let cause = std::io::Error::other("disk /dev/sda1 is full");
        let text = sent(
            futures::stream::iter(vec![
                Err(EngineError::Host(Box::new(cause))),
                event(9, EventKind::StepCommitted { step: 3 }),
            ]),
            100,
        )
        .await;
        assert!(text.starts_with("event: error\ndata: {"), "{text}");
        assert!(text.contains("WF0500") && !text.contains("sda1"), "{text}");
        assert_eq!(text.matches("event:").count(), 1, "{text}");
    }

    #[tokio::test]
    async fn an_idle_stream_is_kept_alive_by_comments() {
        assert_eq!(sent(futures::stream::pending(), 2).await, ": still here\n\n: still here\n\n");
    }

    #[test]
    fn the_header_of_a_reconnect_goes_before_the_query() {
        let header = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_EVENT_ID, text.parse().unwrap());
            headers
        };
        assert_eq!(resume_after(&HeaderMap::new(), None).unwrap(), Seq(0));
        assert_eq!(resume_after(&HeaderMap::new(), Some(4)).unwrap(), Seq(4));
        assert_eq!(resume_after(&header("9"), Some(4)).unwrap(), Seq(9));
        assert_eq!(resume_after(&header("-1"), None).unwrap_err().code.id, "WF0400");
    }
}
