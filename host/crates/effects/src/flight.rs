//! One effect on its way: performed and written down, also where nobody waits for it any more.
//!
//! Whoever cancels a task drops its sandbox at once. A request that is under way then goes on for a
//! while, so that what came of it is on record.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::oneshot;
use tracing::Instrument as _;
use wforge_model::agent::Divergence;
use wforge_model::effect::{Operation, RequestHash, Waiting};
use wforge_model::{Failure, Problem, Value};
use wforge_ports::effects::EffectsError;
use wforge_ports::store::{EffectRecord, ListPlace, Phase};

use crate::deed::{Deed, Done, idempotency_key};
use crate::pen::Pen;
use crate::request::Asked;
use crate::secrets::Mouth;
use crate::session::fault_of;
use crate::tools;

/// How long an effect goes on without the call that asked for it.
const GRACE: Duration = Duration::from_secs(5);

/// An element that is to be performed.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) operation: Operation,
    pub(crate) element: Value,
    pub(crate) hash: RequestHash,
    pub(crate) summary: String,
    pub(crate) position: u32,
    pub(crate) list: Option<ListPlace>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Landed {
    Recorded(EffectRecord),
    Suspended(Waiting),
    /// A tool asks something else than before.
    Diverged(Divergence),
    /// This host does not do such things.
    Unserved(Failure),
    /// Something else stands at its position.
    Overtaken(String),
}

impl Order {
    /// Performs it on a task of its own, and waits for the end.
    pub(crate) async fn fly(self, pen: Pen) -> Result<Landed, EffectsError> {
        let (passenger, left) = oneshot::channel::<()>();
        let is_agent = self.asked().is_of_agent(&pen.call);
        let parts = &pen.shared.parts;
        let (flights, threads) = (parts.flights.clone(), parts.threads.clone());
        let flight = async move {
            let abandoned = async {
                let _ = left.await;
                // An agent's sandbox goes with that of its caller.
                if !is_agent {
                    let clock = &pen.shared.parts.clock;
                    clock.sleep_until(clock.now().after(GRACE)).await;
                }
            };
            tokio::select! {
                landed = self.perform(&pen) => landed,
                () = abandoned => Err(EffectsError::Unavailable("nobody waits for it".into())),
            }
        };
        let landed = flights.spawn_on(flight.in_current_span(), &threads).await;
        drop(passenger);
        landed.unwrap_or_else(|error| Err(EffectsError::Unavailable(error.into())))
    }

    async fn perform(&self, pen: &Pen) -> Result<Landed, EffectsError> {
        let asked = self.asked();
        // An agent waits for what it does itself, which takes a place of its own.
        let _permit = if asked.is_of_agent(&pen.call) {
            None
        } else {
            pen.shared.permits.take(&pen.call.tenant).await
        };
        let shared = &pen.shared;
        let key = idempotency_key(pen.call.task, self.position, self.hash);
        let topic = asked.text("stream_to");
        let deltas = std::sync::atomic::AtomicU32::new(0);
        let say = |text: &str| {
            let n = deltas.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            shared.parts.output.delta(&pen.call, self.position, n, topic, text);
        };
        let mouth = Mouth::new(&shared.parts.secrets, &pen.call.tenant, &say);
        let on_delta = |text: &str| mouth.take(text);
        let deed = Deed {
            call: &pen.call,
            asked: &asked,
            position: self.position,
            lease: pen.lease,
            idempotency_key: &key,
            on_delta: &on_delta,
        };
        let parts = &shared.parts;
        let is_tool = matches!(self.operation, Operation::ToolsCall | Operation::ToolsList);
        let done = if is_tool && !parts.world.serves(self.operation) {
            tools::perform(&parts.tools, &deed).await?
        } else {
            // A part of the host that breaks on a request must not leave the run waiting for ever.
            let performed = AssertUnwindSafe(parts.world.perform(&deed)).catch_unwind().await;
            performed.unwrap_or_else(|_| Ok(Done::Answered(Err(broke(self.operation)))))?
        };
        mouth.close();
        match done {
            Done::Suspended(waiting) => Ok(Landed::Suspended(waiting)),
            Done::Diverged(divergence) => Ok(Landed::Diverged(divergence)),
            Done::Answered(answer) => self.write(pen, &asked, answer).await,
        }
    }

    /// Writes an answer down; where another execution was first, its answer holds.
    pub(crate) async fn write(
        &self,
        pen: &Pen,
        asked: &Asked<'_>,
        answer: crate::session::Answer,
    ) -> Result<Landed, EffectsError> {
        let written = pen.answer(self.position, asked, answer, self.list).await;
        Ok(match written.map_err(fault_of)? {
            Phase::Answer(record) if record.request == self.hash => Landed::Recorded(record),
            Phase::Answer(record) => Landed::Overtaken(record.summary),
            Phase::Intent(intent) => Landed::Overtaken(intent.summary),
        })
    }

    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            operation: self.operation,
            element: &self.element,
            hash: self.hash,
            summary: self.summary.clone(),
        }
    }
}

/// What a guest is told of a request on which a part of the host broke.
fn broke(operation: Operation) -> Failure {
    tracing::error!(%operation, "a part of the host broke on a request; the report above says where");
    Failure::Failed(Problem::new("host_panic", "the host broke on this request"))
}
