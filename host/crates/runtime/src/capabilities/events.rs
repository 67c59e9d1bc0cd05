//! `events`: progress for whoever watches. Needs no grant; only its ordinal is recorded.

use wforge_model::{Failure, Problem};

use super::{Wit, to_wit};
use crate::bindings::workflowforge::plugin::events::Host;
use crate::guest::state::Guest;
use wforge_model::text::harmless;

use crate::guest::voice::cut;

/// The longest topic, in bytes.
const TOPIC_BYTES_MAX: usize = 256;

impl Host for Guest {
    async fn emit(&mut self, topic: String, payload: String) -> wasmtime::Result<Wit<()>> {
        self.count_call()?;
        let payload = match self.argument("payload", &payload) {
            Ok(payload) => payload,
            Err(failure) => return Ok(Err(to_wit(&failure))),
        };
        if self.voice.event(harmless(cut(&topic, TOPIC_BYTES_MAX)), payload) {
            return Ok(Ok(()));
        }
        let message = "the events of this call are used up; emit fewer, or larger ones";
        Ok(Err(to_wit(&Failure::Limit(Problem::new("emits", message)))))
    }
}
