//! An agent that attacks its host: it does what its input says, one deed after the other, and says
//! what came of each. None of the deeds is a trick of the language: each is what an author could
//! write.

mod deed;

use serde::Deserialize;
use workflowforge_sdk::{Ctx, Failure, Reply, Value, agents, json};

pub use deed::Deed;

/// What to do.
#[derive(Debug, Deserialize)]
pub struct Orders {
    /// The deeds, in order.
    pub deeds: Vec<Deed>,
    /// The exit to leave by.
    #[serde(default)]
    pub exit: Option<String>,
}

/// The agents.
#[agents]
pub mod agent {
    use super::*;

    /// Does all deeds.
    pub fn act(ctx: &Ctx, orders: Orders) -> Result<Reply<Value>, Failure> {
        let results: Vec<Value> = orders.deeds.iter().map(|deed| result(deed.done(ctx))).collect();
        let reply = Reply::new(json!({ "results": results }));
        Ok(match &orders.exit {
            Some(exit) => reply.goto(exit),
            None => reply,
        })
    }
}

/// As data: an attack goes on where one way is shut.
fn result(done: Result<Value, Failure>) -> Value {
    match done {
        Ok(value) => json!({ "ok": value }),
        Err(failure) => json!({ "error": format!("{failure:?}") }),
    }
}
