//! `timer`: waiting that survives a restart. Request: `{"ms": n}`; answer: null.

use serde_json::json;
use wforge_model::effect::Operation;

use super::{Wit, answer};
use crate::bindings::workflowforge::plugin::timer::Host;
use crate::guest::state::Guest;

impl Host for Guest {
    async fn sleep(&mut self, ms: u64) -> wasmtime::Result<Wit<()>> {
        let result = self.perform(Operation::TimerSleep, Ok(json!({ "ms": ms }))).await?;
        Ok(answer(Operation::TimerSleep, result, |_| Some(())))
    }
}
