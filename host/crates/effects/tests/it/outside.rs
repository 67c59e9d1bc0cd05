//! A world outside that notes what it was asked to do, and answers as it is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures::future::BoxFuture;
use serde_json::json;
use wforge_effects::{Deed, Done, World};
use wforge_model::effect::Operation;
use wforge_model::{Failure, Problem, TenantId};
use wforge_ports::effects::EffectsError;
use wforge_ports::{RawFailure, RawRequest, RawResponse};

/// What happens to the next deeds, in their order; after that they succeed.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// It works.
    Works,
    /// Its server fails.
    Fails,
    /// The host itself breaks on it.
    Breaks,
    /// It is never heard of again.
    Hangs,
    /// It waits for this.
    Waits(wforge_model::effect::Waiting),
}

/// The world.
#[derive(Debug, Default)]
pub(crate) struct Outside(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    fates: VecDeque<Fate>,
    is_closed: bool,
    takes_tools: bool,
    done: Vec<String>,
    keys: Vec<String>,
}

impl Outside {
    pub(crate) fn will(&self, fates: &[Fate]) {
        self.0.lock().unwrap().fates.extend(fates.iter().cloned());
    }

    /// From now on it is called in the place of tools.
    pub(crate) fn take_tools(&self) {
        self.0.lock().unwrap().takes_tools = true;
    }

    /// From now on it does nothing.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap().is_closed = true;
    }

    /// What was done, in order.
    pub(crate) fn done(&self) -> Vec<String> {
        self.0.lock().unwrap().done.clone()
    }

    /// The idempotency keys that came along.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().keys.clone()
    }

    fn note(&self, deed: &Deed<'_>) -> Fate {
        let mut state = self.0.lock().unwrap();
        state.done.push(deed.element()["url"].as_str().unwrap_or("?").to_owned());
        state.keys.push(deed.idempotency_key().to_owned());
        state.fates.pop_front().unwrap_or(Fate::Works)
    }
}

impl World for Outside {
    fn serves(&self, operation: Operation) -> bool {
        let state = self.0.lock().unwrap();
        let is_outside = operation == Operation::HttpFetch
            || operation == Operation::ToolsCall && state.takes_tools;
        is_outside && !state.is_closed
    }

    fn perform<'a>(&'a self, deed: &'a Deed<'a>) -> BoxFuture<'a, Result<Done, EffectsError>> {
        Box::pin(async move {
            let answer = match self.note(deed) {
                Fate::Works => Ok(json!({ "of": deed.element()["url"] })),
                Fate::Fails => Err(Failure::Upstream(Problem::new("broken", "it broke"))),
                Fate::Breaks => panic!("broken on purpose"),
                Fate::Hangs => std::future::pending().await,
                Fate::Waits(waiting) => return Ok(Done::Suspended(waiting)),
            };
            Ok(Done::Answered(answer))
        })
    }

    fn exchange<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RawRequest,
    ) -> BoxFuture<'a, Result<RawResponse, RawFailure>> {
        let mut state = self.0.lock().unwrap();
        state.done.push(format!("{tenant}: {} {}", request.method, request.url));
        let is_hung = matches!(state.fates.pop_front(), Some(Fate::Hangs));
        Box::pin(async move {
            if is_hung {
                std::future::pending::<()>().await;
            }
            Ok(RawResponse { status: 200, headers: Vec::new(), body: request.body })
        })
    }
}
