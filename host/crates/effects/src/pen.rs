//! Writes a task's record: the first to write a phase of a position wins.

use std::sync::Arc;

use wforge_model::agent::AgentCall;
use wforge_model::effect::RecordKey;
use wforge_model::{Epoch, Failure, Problem, Timestamp};
use wforge_ports::Failpoint;
use wforge_ports::store::{
    EffectIntent, EffectRecord, KvWrite, ListPlace, Phase, Record, RecordError, Recorded,
};

use crate::mark::Mark;
use crate::recorded::Shared;
use crate::request::Asked;
use crate::session::Answer;

/// What it takes to write for one execution of a task.
#[derive(Debug, Clone)]
pub(crate) struct Pen {
    pub(crate) shared: Arc<Shared>,
    pub(crate) call: Arc<AgentCall>,
    pub(crate) lease: Epoch,
}

impl Pen {
    /// Writes what came of a position, and gives what stands there.
    pub(crate) async fn answer(
        &self,
        position: u32,
        asked: &Asked<'_>,
        answer: Answer,
        list: Option<ListPlace>,
    ) -> Result<Phase, RecordError> {
        let at = self.now();
        let mark = Mark::of(asked, &self.call, &answer);
        let record = |answer| {
            let (request, summary) = (asked.hash, asked.summary.clone());
            let Mark { model, wrote } = mark.clone();
            Phase::Answer(EffectRecord { request, summary, at, answer, list, model, wrote })
        };
        self.pass(Failpoint::Performed);
        let written = match self.write(position, record(answer), Vec::new()).await {
            // What was done stays done: the guest learns that its answer is too large to keep.
            Err(error @ RecordError::TooLarge { .. }) => {
                let problem = Problem::new("record_bytes", error.to_string());
                self.write(position, record(Err(Failure::Limit(problem))), Vec::new()).await
            }
            written => written,
        };
        self.pass(Failpoint::Recorded);
        written
    }

    fn pass(&self, place: Failpoint) {
        if let Some(failpoints) = &self.shared.parts.failpoints {
            failpoints.pass(place);
        }
    }

    /// Writes what is about to happen at a position, and gives what stands there.
    pub(crate) async fn intent(
        &self,
        position: u32,
        asked: &Asked<'_>,
        at: Timestamp,
        due: Option<Timestamp>,
    ) -> Result<Phase, RecordError> {
        let (request, summary) = (asked.hash, asked.summary.clone());
        let intent = Phase::Intent(EffectIntent { request, summary, at, due });
        self.write(position, intent, Vec::new()).await
    }

    /// Writes what came of a position together with what it has a plugin remember.
    pub(crate) async fn with_memory(
        &self,
        position: u32,
        phase: Phase,
        kv: Vec<KvWrite>,
    ) -> Result<Phase, RecordError> {
        self.pass(Failpoint::Performed);
        let written = self.write(position, phase, kv).await;
        self.pass(Failpoint::Recorded);
        written
    }

    async fn write(
        &self,
        position: u32,
        phase: Phase,
        kv: Vec<KvWrite>,
    ) -> Result<Phase, RecordError> {
        let record = Record {
            tenant: self.call.tenant.clone(),
            run: self.call.run,
            lease: self.lease,
            key: RecordKey { task: self.call.task, attempt: self.call.attempt, position },
            phase: phase.clone(),
            kv,
        };
        match self.shared.parts.store.record(record).await? {
            Recorded::Written => Ok(phase),
            Recorded::Already(first) => Ok(first),
        }
    }

    /// The time now, as the world has it.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.parts.clock.now()
    }
}
