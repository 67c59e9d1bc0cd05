//! A run as a stream of chunks in the modes that are asked for.
//!
//! What follows from a durable event has an id, `seq.n`: the n-th chunk of that event, so that a
//! stream which broke off between two of them goes on with the second. What agents emit meanwhile
//! has none and is never repeated. The last frame of a run that has ended is `end`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures::future::ready;
use futures::stream::{BoxStream, StreamExt, once};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_engine::{EngineError, Handle, StreamRequest, Streamed};
use wforge_model::{RunId, Seq, TenantId, Value};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::events::is_told;
use crate::extract::{PathOf, QueryOf, run_id};
use crate::sse::{self, last_event_id};
use crate::state::Api;

/// The query of [`stream`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamQuery {
    /// Modes, separated by commas.
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    subgraphs: bool,
    #[serde(default)]
    after: Option<String>,
}

/// The place of a chunk: the n-th of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    seq: u64,
    number: u64,
}

impl Place {
    /// `12.1`, or `12` for all of that event.
    fn read(text: &str) -> Option<Self> {
        let (seq, number) = match text.split_once('.') {
            Some((seq, number)) => (seq, number.parse().ok()?),
            None => (text, u64::MAX),
        };
        Some(Self { seq: seq.parse().ok()?, number })
    }
}

/// One frame.
enum Frame {
    Streamed { place: Option<Place>, streamed: Streamed },
    End { seq: Seq },
}

/// `GET /v1/runs/{run}/stream`. 204, which tells clients not to come again, where the run has
/// ended and its end was seen.
pub(crate) async fn stream(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(query): QueryOf<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let run = run_id(&run)?;
    let after = after(&headers, query.after.as_deref())?;
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let head = engine.head(tenant, run).await?;
    if is_told(&head, Seq(after.seq)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let request = request(query.mode.as_deref(), query.subgraphs, after)?;
    let chunks = engine.stream(tenant, run, request).await?;
    let frames = numbered(chunks, after).chain(end(engine.clone(), tenant.clone(), run));
    sse::send(&api, &principal, frames.boxed(), frame)
}

/// The header of a reconnect goes before the query.
fn after(headers: &HeaderMap, query: Option<&str>) -> Result<Place, ApiError> {
    let text = match last_event_id(headers)? {
        Some(header) => header,
        None => query.unwrap_or("0"),
    };
    Place::read(text).ok_or_else(|| {
        let detail =
            "after and last-event-id are ids of chunks, such as 12.1, or numbers of events";
        ApiError::new(&codes::MALFORMED, detail)
    })
}

fn request(modes: Option<&str>, subgraphs: bool, after: Place) -> Result<StreamRequest, ApiError> {
    let mut wanted = Vec::new();
    for name in modes.unwrap_or("updates").split(',') {
        let mode = serde_json::from_value(Value::from(name.trim()))
            .map_err(|error| ApiError::new(&codes::MALFORMED, format!("mode: {error}")))?;
        if !wanted.contains(&mode) {
            wanted.push(mode);
        }
    }
    // The event of the last chunk is told again, without those of its chunks that were sent.
    let whole = after.number == u64::MAX;
    let seq = if whole { after.seq } else { after.seq.saturating_sub(1) };
    Ok(StreamRequest { modes: wanted, subgraphs, after: Seq(seq) })
}

/// The chunks after a place, each with its own.
fn numbered(
    chunks: BoxStream<'static, Result<Streamed, EngineError>>,
    after: Place,
) -> BoxStream<'static, Result<Frame, EngineError>> {
    let mut last = Place::default();
    let frames = chunks.filter_map(move |chunk| {
        let frame = chunk.map(|streamed| {
            let seq = match &streamed {
                Streamed::Chunk(seq, _) => *seq,
                Streamed::Lagged { .. } => None,
            };
            let place = seq.map(|seq| {
                let number = if last.seq == seq.0 { last.number + 1 } else { 1 };
                last = Place { seq: seq.0, number };
                last
            });
            Frame::Streamed { place, streamed }
        });
        let sent = |place: Place| place.seq == after.seq && place.number <= after.number;
        let is_old = matches!(
            &frame,
            Ok(Frame::Streamed { place: Some(place), .. }) if sent(*place)
        );
        ready((!is_old).then_some(frame))
    });
    frames.boxed()
}

/// The last frame of a run that has ended; none where the server stops.
fn end(
    engine: Handle,
    tenant: TenantId,
    run: RunId,
) -> BoxStream<'static, Result<Frame, EngineError>> {
    let head = async move { engine.head(&tenant, run).await };
    let frame = once(head).filter_map(|head| {
        ready(match head {
            Ok(head) if head.status.is_final() => Some(Ok(Frame::End { seq: head.seq })),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    });
    frame.boxed()
}

/// A chunk as clients read it.
#[derive(Debug, Serialize)]
struct Sent<'a> {
    mode: &'a str,
    ns: &'a [String],
    data: &'a Value,
}

fn frame(frame: &Frame) -> Event {
    match frame {
        Frame::Streamed { place, streamed: Streamed::Chunk(_, chunk) } => {
            let mode = chunk.mode.as_str();
            let event = sse::passing(mode, &Sent { mode, ns: &chunk.ns, data: &chunk.data });
            match place {
                Some(Place { seq, number }) => event.id(format!("{seq}.{number}")),
                None => event,
            }
        }
        Frame::Streamed { streamed: Streamed::Lagged { after, skipped }, .. } => {
            sse::passing("lagged", &json!({ "after": after.to_string(), "skipped": skipped }))
        }
        Frame::End { seq } => sse::passing("end", &json!({})).id(seq.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_chunk_of_an_event_or_all_of_it() {
        assert_eq!(Place::read("12.1"), Some(Place { seq: 12, number: 1 }));
        assert_eq!(Place::read("12"), Some(Place { seq: 12, number: u64::MAX }));
        for wrong in ["", "x", "-1", "1.", ".1", "1.2.3"] {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_names_modes_that_there_are() {
        let check = |modes: Option<&str>, after: &str| match request(
            modes,
            false,
            Place::read(after).unwrap(),
        ) {
            Ok(wanted) => {
                let modes: Vec<&str> = wanted.modes.iter().map(|mode| mode.as_str()).collect();
                format!("{} after {}", modes.join(" "), wanted.after)
            }
            Err(error) => error.detail,
        };
        assert_eq!(check(None, "0"), "updates after 0");
        assert_eq!(check(Some("values, tasks,values"), "7.2"), "values tasks after 6");
        assert_eq!(check(Some("values"), "7"), "values after 7");
        assert!(check(Some("everything"), "0").contains("expected one of `values`"));
    }
}
