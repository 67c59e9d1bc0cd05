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
    /// Events that the attempt has emitted.
    pub(crate) emits: u32,
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
        let mut mark = Mark::of(asked, &self.call, &answer);
        let redactor = self.shared.parts.secrets.redactor(&self.call.tenant);
        let answer = match (&redactor, answer) {
            (None, answer) => answer,
            (Some(redactor), Ok(value)) => Ok(redactor.value(value)),
            (Some(redactor), Err(failure)) => Err(redactor.failure(failure)),
        };
        if let Some(redactor) = &redactor {
            mark.model = mark.model.map(|model| redactor.text(&model));
        }
        let record = |answer| {
            let (request, summary) = (asked.hash, self.summary(asked));
            let (Mark { model, wrote }, emits) = (mark.clone(), self.emits);
            let record = EffectRecord { request, summary, at, answer, list, model, wrote, emits };
            Phase::Answer(record)
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

    /// The request in words, without secrets.
    fn summary(&self, asked: &Asked<'_>) -> String {
        match self.shared.parts.secrets.redactor(&self.call.tenant) {
            Some(redactor) => redactor.text(&asked.summary),
            None => asked.summary.clone(),
        }
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
        let (request, summary) = (asked.hash, self.summary(asked));
        let intent = EffectIntent { request, summary, at, due, emits: self.emits };
        let intent = Phase::Intent(intent);
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
