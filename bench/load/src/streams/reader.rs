//! One reader of one run, who is torn off again and again and goes on after his last event.

use std::time::Duration;

use anyhow::Result;
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::Door;
use super::frames::{Frame, Frames};

/// How long a connection is kept at most, in milliseconds; what it is, is chance.
const KEPT_MS_MAX: u64 = 1_500;
/// Before somebody comes again who was torn off or refused, in milliseconds.
const AWAY_MS_MAX: u64 = 80;

/// What a reader has to show.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The durable events as they came, over all connections.
    pub(crate) events: Vec<Value>,
    /// How often he left.
    pub(crate) left: usize,
    /// How often the connection broke, or there was no server.
    pub(crate) broken: usize,
}

/// How a connection ended.
enum Ended {
    /// The run has ended and there is nothing more to read.
    Whole,
    /// The run came to its end, and so did its stream; the next connection says so.
    Over,
    /// The server was gone, or ended the stream.
    Broken,
}

/// Reads until the server says that there is nothing more.
pub(crate) async fn read(door: Door, run: String, mut chance: fastrand::Rng) -> Result<Read> {
    let mut read = Read::default();
    let mut last = 0;
    loop {
        let kept = Duration::from_millis(chance.u64(1..KEPT_MS_MAX));
        let sitting = sit(&door, &run, &mut last, &mut read.events);
        match tokio::time::timeout(kept, sitting).await {
            Err(_) => read.left += 1,
            Ok(Ok(Ended::Over)) => {}
            Ok(Ok(Ended::Broken)) => read.broken += 1,
            Ok(Ok(Ended::Whole)) => return Ok(read),
            Ok(Err(error)) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(chance.u64(1..AWAY_MS_MAX))).await;
    }
}

/// One connection. Where it is dropped, all that had come whole is in `events`.
async fn sit(door: &Door, run: &str, last: &mut u64, events: &mut Vec<Value>) -> Result<Ended> {
    let client = door.client()?;
    let path = format!("/v1/runs/{run}/events");
    let Ok(response) = client.events(&path, *last).await else { return Ok(Ended::Broken) };
    match response.status().as_u16() {
        200 => {}
        204 => return Ok(Ended::Whole),
        // Full, or not ready yet.
        429 | 503 => return Ok(Ended::Broken),
        status => anyhow::bail!("{path} after {last}: {status}"),
    }
    let (mut body, mut frames) = (response.into_body(), Frames::default());
    while let Some(Ok(part)) = body.frame().await {
        let Ok(bytes) = part.into_data() else { continue };
        for frame in frames.take(&bytes)? {
            keep(frame, last, events)?;
        }
    }
    let is_over = super::kind(events.last()) == super::LAST;
    Ok(if is_over { Ended::Over } else { Ended::Broken })
}

/// Durable events have an id; the others are never told again, and not of this proof.
fn keep(frame: Frame, last: &mut u64, events: &mut Vec<Value>) -> Result<()> {
    anyhow::ensure!(frame.event != "error", "the stream failed: {}", frame.data);
    let Some(id) = frame.id else { return Ok(()) };
    *last = id.parse()?;
    events.push(serde_json::from_str(&frame.data)?);
    Ok(())
}
