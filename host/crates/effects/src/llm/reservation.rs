//! Tokens that are held while a model is asked.
//!
//! The estimate: a third of the bytes of the request's JSON text, and the most that the answer may
//! have (`max_tokens`, else the model's `max_tokens_default`). It is rather too much than too
//! little, and what was used takes its place as soon as it is known.

use wforge_model::Failure;
use wforge_model::agent::AgentCall;
use wforge_ports::TokenMeter;

use super::answer::estimated_tokens;

/// A hold that ends when it is settled, or without use when it is dropped.
pub(crate) struct Reservation<'a> {
    meter: &'a dyn TokenMeter,
    call: &'a AgentCall,
    reserved: u64,
    used: u64,
}

impl<'a> Reservation<'a> {
    pub(crate) async fn new(
        meter: &'a dyn TokenMeter,
        call: &'a AgentCall,
        request_bytes: usize,
        max_tokens: u32,
    ) -> Result<Self, Failure> {
        let reserved = estimated_tokens(request_bytes).saturating_add(u64::from(max_tokens));
        meter.reserve(call, reserved).await?;
        Ok(Self { meter, call, reserved, used: 0 })
    }

    /// Counts what was used.
    pub(crate) fn settle(mut self, used: u64) {
        self.used = used;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.meter.settle(self.call, self.reserved, self.used);
    }
}
