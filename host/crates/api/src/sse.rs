//! Server-sent events: how a stream of the engine's is sent, kept alive, and ended.
//!
//! Never here: what an event says (`crate::events`, `crate::stream`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt, unfold};
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::error;
use wforge_engine::EngineError;
use wforge_model::Seq;
use wforge_ports::Clock;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::gate::Permit;
use crate::state::Shared;

const LAST_EVENT_ID: &str = "last-event-id";

/// After which time a client that lost its stream shall come back: long enough for a server that
/// is started again, and for many clients not to come at once with every hiccup.
const RETRY: Duration = Duration::from_secs(2);

/// Sends what the engine streams, each message as `frame` says it.
///
/// # Errors
/// The tenant's share of streams is used up.
pub(crate) fn send<T: Send + 'static>(
    api: &Shared,
    principal: &Principal,
    messages: BoxStream<'static, Result<T, EngineError>>,
    frame: fn(&T) -> Event,
) -> Result<Response, ApiError> {
    let permit = api.streams.enter(&principal.tenant)?;
    let clock = Arc::clone(&api.parts.clock);
    let limits = &api.parts.limits;
    let frames = Frames {
        messages,
        frame,
        heartbeat: limits.heartbeat,
        beat: clock.sleep_until(clock.now().after(limits.heartbeat)),
        end: clock.sleep_until(clock.now().after(limits.stream_age_max)),
        stop: api.parts.shutdown.clone(),
        holds: holding(api, principal),
        clock,
        first: Some(Event::default().retry(RETRY)),
        ended: false,
        permit,
    };
    Ok(Sse::new(frames.stream()).into_response())
}

/// Whether the credential that opened a stream is still good.
fn holding(api: &Shared, principal: &Principal) -> Box<dyn Fn() -> bool + Send> {
    let credentials = Arc::clone(&api.parts.credentials);
    let (clock, principal) = (Arc::clone(&api.parts.clock), principal.clone());
    Box::new(move || principal.still_holds(credentials.as_ref(), clock.now()))
}

/// After which event the stream begins. A reconnecting client repeats its first address, so its
/// header goes before the query.
///
/// # Errors
/// The header is no number.
pub(crate) fn resume_after(headers: &HeaderMap, query: Option<u64>) -> Result<Seq, ApiError> {
    let Some(header) = last_event_id(headers)? else {
        return Ok(Seq(query.unwrap_or(0)));
    };
    header.parse().map(Seq).map_err(|_| {
        ApiError::new(&codes::MALFORMED, "last-event-id is the id of an event, a number")
    })
}

/// The id after which a client that reconnects wants to go on.
///
/// # Errors
/// The header is no text.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let header = headers.get(LAST_EVENT_ID);
    let text = header.map(|header| header.to_str()).transpose();
    text.map_err(|_| ApiError::new(&codes::MALFORMED, "last-event-id is an id that was sent here"))
}

/// A stream that is being sent.
struct Frames<T> {
    messages: BoxStream<'static, Result<T, EngineError>>,
    frame: fn(&T) -> Event,
    clock: Arc<dyn Clock>,
    heartbeat: Duration,
    beat: BoxFuture<'static, ()>,
    end: BoxFuture<'static, ()>,
    stop: CancellationToken,
    /// Asked at each heartbeat: what was withdrawn opens nothing any more, nor keeps it open.
    holds: Box<dyn Fn() -> bool + Send>,
    /// What is said before anything else.
    first: Option<Event>,
    ended: bool,
    #[expect(dead_code, reason = "holds the tenant's share of streams until it is dropped")]
    permit: Permit,
}

impl<T: Send + 'static> Frames<T> {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        unfold(self, |mut frames| async move {
            let frame = frames.next().await?;
            Some((Ok(frame), frames))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Some(self.leave("stopping")),
            () = &mut self.end => Some(self.leave("age")),
            () = &mut self.beat => {
                self.beat = self.clock.sleep_until(self.clock.now().after(self.heartbeat));
                (self.holds)().then(|| Event::default().comment("still here"))
            }
            message = self.messages.next() => match message? {
                Ok(message) => Some((self.frame)(&message)),
                Err(error) => Some(self.fail(error)),
            },
        }
    }

    /// The last frame of a stream that has more to say: come back, with the id of your last event.
    fn leave(&mut self, reason: &str) -> Event {
        self.ended = true;
        passing("reconnect", &json!({ "reason": reason, "retry_ms": RETRY.as_millis() }))
    }

    /// The last frame: the status is long sent, so the problem comes as an event.
    fn fail(&mut self, error: EngineError) -> Event {
        self.ended = true;
        let problem = ApiError::from(error);
        error!(code = problem.code.id, cause = problem.causes(), "event stream failed");
        Event::default().event("error").data(problem.json())
    }
}

/// An event without an id: it is never repeated.
pub(crate) fn passing(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use wforge_model::{TenantId, Timestamp};

    use super::*;
    use crate::gate::Gate;
    use crate::limits::Share;

    /// A clock on which so many heartbeats come at once, and nothing else ever does.
    #[derive(Debug)]
    struct Beats(AtomicU32);

    impl Clock for Beats {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic_ns(&self) -> u64 {
            0
        }

        fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
            let is_beat = at == Timestamp(15_000);
            let take = |left: u32| left.checked_sub(1);
            if is_beat && self.0.fetch_update(Relaxed, Relaxed, take).is_ok() {
                return Box::pin(std::future::ready(()));
            }
            Box::pin(std::future::pending())
        }
    }

    async fn sent(
        messages: impl Stream<Item = Result<u32, EngineError>> + Send + 'static,
        beats: u32,
    ) -> String {
        sent_while(messages, beats, true).await
    }

    async fn sent_while(
        messages: impl Stream<Item = Result<u32, EngineError>> + Send + 'static,
        beats: u32,
        holds: bool,
    ) -> String {
        text_of(frames(messages, beats, holds)).await
    }

    async fn text_of(frames: Frames<u32>) -> String {
        const FRAMES_MAX: usize = 4;
        let body = Sse::new(frames.stream().take(FRAMES_MAX)).into_response().into_body();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    fn frames(
        messages: impl Stream<Item = Result<u32, EngineError>> + Send + 'static,
        beats: u32,
        holds: bool,
    ) -> Frames<u32> {
        let clock = Beats(AtomicU32::new(beats));
        let tenant: TenantId = "acme".parse().unwrap();
        let share = Share { total_max: 1, tenant_max: 1 };
        Frames {
            messages: messages.boxed(),
            frame: |number| passing("number", number),
            heartbeat: Duration::from_secs(15),
            beat: clock.sleep_until(Timestamp(15_000)),
            end: clock.sleep_until(Timestamp(1)),
            clock: Arc::new(clock),
            stop: CancellationToken::new(),
            holds: Box::new(move || holds),
            first: None,
            ended: false,
            permit: Gate::new("event streams", share).enter(&tenant).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_failure_is_the_last_frame_and_does_not_tell_its_cause() {
        let cause = std::io::Error::other("disk /dev/sda1 is full");
        let messages = vec![Ok(1), Err(EngineError::Host(Box::new(cause))), Ok(2)];
        let text = sent(futures::stream::iter(messages), 0).await;
        assert!(text.starts_with("event: number\ndata: 1\n\nevent: error\ndata: {"), "{text}");
        assert!(text.contains("WF0500") && !text.contains("sda1"), "{text}");
        assert_eq!(text.matches("event:").count(), 2, "{text}");
    }

    #[tokio::test]
    async fn an_idle_stream_is_kept_alive_by_comments() {
        let text = sent(futures::stream::pending(), 4).await;
        assert_eq!(text, ": still here\n\n".repeat(4));
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_credential_though_more_is_to_come() {
        let endless = || futures::stream::repeat_with(|| Ok(1));
        assert_eq!(sent_while(endless(), 1, false).await, "");
        let text = sent_while(endless(), 1, true).await;
        assert!(text.starts_with(": still here\n\nevent: number\n"), "{text}");
    }

    #[tokio::test]
    async fn a_stream_that_has_more_to_say_asks_its_reader_to_come_back() {
        let mut old = frames(futures::stream::pending(), 0, true);
        old.end = Box::pin(std::future::ready(()));
        let text = text_of(old).await;
        assert_eq!(text, "event: reconnect\ndata: {\"reason\":\"age\",\"retry_ms\":2000}\n\n");
        let stopping = frames(futures::stream::repeat_with(|| Ok(1)), 0, true);
        stopping.stop.cancel();
        let text = text_of(stopping).await;
        assert!(text.starts_with("event: reconnect\ndata: {\"reason\":\"stopping\""), "{text}");
        assert_eq!(text.matches("event:").count(), 1, "{text}");
    }

    #[tokio::test]
    async fn a_reader_hears_first_how_long_to_wait_before_it_comes_back() {
        let mut new = frames(futures::stream::iter([Ok(1)]), 0, true);
        new.first = Some(Event::default().retry(RETRY));
        assert_eq!(text_of(new).await, "retry: 2000\n\nevent: number\ndata: 1\n\n");
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
