//! A server's stream of events that goes on where it broke off: over its age, over lost
//! connections, and over a server that is started again.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::anyhow;
use reqwest::Response;
use wforge_ports::Clock as _;

use super::Remote;
use super::problem::of_api;
use super::sse::{Frame, Frames};
use crate::cli::refusal::Refusal;
use crate::clock::SystemClock;

/// How often a server that was reached before is asked in a row without saying anything.
const TRIES_MAX: u32 = 30;
/// Between two of these.
const PAUSE: Duration = Duration::from_secs(1);

/// A stream that is being read.
pub(super) struct Reading {
    remote: Remote,
    path: String,
    /// The id of the last event; empty: from the beginning.
    after: String,
    open: Option<Open>,
    /// Whether the server ever answered.
    reached: bool,
    tries: u32,
}

struct Open {
    response: Response,
    frames: Frames,
    ready: VecDeque<Frame>,
}

impl Reading {
    /// The stream at that path, after the event with that id.
    pub(super) fn new(remote: &Remote, path: String, after: String) -> Self {
        Self { remote: remote.clone(), path, after, open: None, reached: false, tries: 0 }
    }

    /// The next event; none where nothing more comes.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(response) = self.connect().await? else { return Ok(None) };
                let (frames, ready) = (Frames::default(), VecDeque::new());
                self.open = Some(Open { response, frames, ready });
                continue;
            };
            if let Some(frame) = open.ready.pop_front() {
                self.tries = 0;
                match frame.event.as_str() {
                    "reconnect" => {
                        self.open = None;
                        continue;
                    }
                    "error" => {
                        return Err(of_api(self.remote.server(), 500, frame.data.as_bytes()));
                    }
                    _ => {}
                }
                if let Some(id) = &frame.id {
                    self.after.clone_from(id);
                }
                return Ok(Some(frame));
            }
            match open.response.chunk().await {
                Ok(Some(chunk)) => open.ready.extend(open.frames.take(&chunk)?),
                // A run that has ended answers the next connection with nothing.
                Ok(None) | Err(_) => {
                    self.open = None;
                    let ended = anyhow!("{} ended the event stream", self.remote.server());
                    self.try_again(ended).await?;
                }
            }
        }
    }

    /// None where nothing is left to send.
    async fn connect(&mut self) -> anyhow::Result<Option<Response>> {
        loop {
            let and = if self.path.contains('?') { '&' } else { '?' };
            let path = match self.after.as_str() {
                "" => self.path.clone(),
                after => format!("{}{and}after={after}", self.path),
            };
            match self.remote.event_stream(&path).await {
                Ok(response) => {
                    self.reached = true;
                    return Ok((response.status().as_u16() != 204).then_some(response));
                }
                Err(error) if self.reached && may_pass(&error) => self.try_again(error).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// At once the first time, after a pause the next ones; gives up at last.
    async fn try_again(&mut self, error: anyhow::Error) -> anyhow::Result<()> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return Err(error);
        }
        if self.tries > 1 {
            SystemClock.sleep_until(SystemClock.now().after(PAUSE)).await;
        }
        Ok(())
    }
}

/// Whether a server that is started again would mend it.
fn may_pass(error: &anyhow::Error) -> bool {
    let refusal = error.downcast_ref::<Refusal>();
    refusal.is_some_and(|refusal| ["unreachable", "WF0503"].contains(&refusal.code.as_ref()))
}
