//! One execution's effects, and the order in which a host call is decided: the grant, the record,
//! the deed. Whatever is decided is durable before the guest sees it.

use std::sync::Arc;

use wforge_model::agent::{AgentCall, Divergence};
use wforge_model::effect::{Operation, RecordKey, RequestHash, Waiting};
use wforge_model::{Epoch, Failure, Problem, Timestamp, Value};
use wforge_ports::effects::{EffectsError, GuestLine};
use wforge_ports::store::{
    EffectIntent, EffectRecord, KvWrite, Phase, ReadError, Record, RecordError, Recorded, Store,
};
use wforge_ports::{BoxFuture, EffectAnswer, EffectRequest, EffectSession};

use crate::blobs::Blobs;
use crate::memory;
use crate::record::{Known, TaskRecord};
use crate::recorded::{KeepLimits, Shared};
use crate::references::References;
use crate::request::{self, Asked};

/// What the guest gets for one element.
pub(crate) type Answer = Result<Value, Failure>;

/// Why a call is not answered element by element.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Failure),
    Suspend(Waiting),
    Diverged(Divergence),
    Fault(EffectsError),
}

/// The effects of one execution.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    pub(crate) call: AgentCall,
    lease: Epoch,
    record: Option<TaskRecord>,
    next: u32,
    time: Timestamp,
    /// Questions that this execution has asked so far, and the answers of people that it used.
    pub(crate) questions: u32,
    pub(crate) used_answers: Vec<usize>,
    /// The blobs that the task may open.
    pub(crate) references: References,
    emits: u32,
    emitted_before: u32,
    is_suspended: bool,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        call: AgentCall,
        references: References,
        lease: Epoch,
    ) -> Self {
        let emitted_before = shared.emitted.take(call.task, call.attempt);
        Self {
            time: call.began_at,
            shared,
            call,
            lease,
            record: None,
            next: 0,
            questions: 0,
            used_answers: Vec::new(),
            references,
            emits: 0,
            emitted_before,
            is_suspended: false,
        }
    }

    /// The time now, as the world has it.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.shared.parts.clock.now()
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.shared.parts.store.as_ref()
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.shared.blobs
    }

    pub(crate) fn limits(&self) -> &KeepLimits {
        &self.shared.parts.keep
    }

    async fn answer_all(&mut self, request: &EffectRequest) -> Result<Vec<Answer>, Stop> {
        request::check(request, self.shared.parts.limits.json_depth_max).map_err(Stop::Refused)?;
        self.read_record().await?;
        let mut answers = Vec::with_capacity(request.elements.len());
        let mut open = Vec::new();
        for element in &request.elements {
            match self.answer(&Asked::new(request.operation, element)).await {
                Ok(answer) => answers.push(answer),
                // The others of the list are asked as well, each at its own place in the record.
                Err(Stop::Suspend(Waiting::Question(question))) => {
                    self.next = self.next.saturating_add(1);
                    open.push(question);
                }
                Err(stop) => return Err(stop),
            }
        }
        match Waiting::asking(open) {
            Some(waiting) => Err(Stop::Suspend(waiting)),
            None => Ok(answers),
        }
    }

    async fn answer(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        if asked.operation == Operation::BlobsRead {
            return self.read_blob(asked).await;
        }
        let permission = asked.require(&self.call.grants, self.call.plugin.as_str());
        let known = self.known();
        let is_known = known.request() == Some(asked.hash);
        if permission.is_ok() && !is_known && !request::is_served(asked.operation) {
            return Ok(Err(asked.unserved()));
        }
        if known.request().is_some() && !is_known {
            return Err(Stop::Diverged(self.divergence(known.summary(), &asked.summary)));
        }
        if let Some(answer) = known.answer {
            self.note(asked.operation);
            return Ok(self.pass(answer));
        }
        let max = self.shared.parts.limits.effects_max;
        if self.next >= max {
            let message = format!("a task may have at most {max} effects");
            return Err(Stop::Refused(Failure::Limit(Problem::new("effects", message))));
        }
        match (permission, asked.operation) {
            (Err(denial), _) => {
                self.note(asked.operation);
                self.write_answer(asked, Err(Failure::Denied(denial))).await
            }
            (Ok(()), Operation::HumanAsk) => self.ask(asked, known.intent).await,
            (Ok(()), Operation::TimerSleep) => self.sleep(asked, known.intent).await,
            (Ok(()), Operation::KvGet) => self.at_key(asked, memory::get).await,
            (Ok(()), Operation::KvSet) => self.at_key(asked, memory::set).await,
            (Ok(()), Operation::KvDelete) => self.at_key(asked, memory::delete).await,
            (Ok(()), Operation::KvCompareAndSwap) => {
                self.at_key(asked, memory::compare_and_swap).await
            }
            (Ok(()), Operation::KvList) => self.list_keys(asked).await,
            (Ok(()), Operation::BlobsCreate) => self.create_blob(asked).await,
            (Ok(()), _) => Ok(Err(asked.unserved())),
        }
    }

    /// A question that was answered from the record counts like one that is asked.
    fn note(&mut self, operation: Operation) {
        if operation == Operation::HumanAsk {
            self.questions += 1;
        }
    }

    /// What is known of the next position.
    fn known(&self) -> Known {
        self.record.as_ref().and_then(|record| record.at(self.next)).cloned().unwrap_or_default()
    }

    /// Hands a recorded answer on; from here on it is that time.
    fn pass(&mut self, answer: EffectRecord) -> Answer {
        self.next = self.next.saturating_add(1);
        // A wall clock may have been set back in between; the guest's never goes back.
        self.time = self.time.max(answer.at);
        answer.answer
    }

    /// Writes what came of the next position. Where another execution was first, its answer holds.
    pub(crate) async fn write_answer(
        &mut self,
        asked: &Asked<'_>,
        answer: Answer,
    ) -> Result<Answer, Stop> {
        let record = EffectRecord {
            request: asked.hash,
            summary: asked.summary.clone(),
            at: self.clock_now(),
            answer,
        };
        let phase = self.write(Phase::Answer(record)).await?;
        self.settle(phase, asked)
    }

    /// Hands on the answer that stands at the next position.
    pub(crate) fn settle(&mut self, phase: Phase, asked: &Asked<'_>) -> Result<Answer, Stop> {
        match phase {
            Phase::Answer(record) if record.request == asked.hash => Ok(self.pass(record)),
            Phase::Answer(record) => Err(self.overtaken(&record.summary, asked)),
            Phase::Intent(intent) => Err(self.overtaken(&intent.summary, asked)),
        }
    }

    /// Writes what is about to happen at the next position, and gives what was written first.
    pub(crate) async fn write_intent(
        &mut self,
        asked: &Asked<'_>,
        at: Timestamp,
        due: Option<Timestamp>,
    ) -> Result<EffectIntent, Stop> {
        let summary = asked.summary.clone();
        let intent = EffectIntent { request: asked.hash, summary, at, due };
        match self.write(Phase::Intent(intent)).await? {
            Phase::Intent(intent) if intent.request == asked.hash => Ok(intent),
            Phase::Intent(intent) => Err(self.overtaken(&intent.summary, asked)),
            Phase::Answer(record) => Err(self.overtaken(&record.summary, asked)),
        }
    }

    async fn write(&mut self, phase: Phase) -> Result<Phase, Stop> {
        self.write_with(phase, Vec::new()).await.map_err(of_record)
    }

    /// Writes a phase of the next position with what is remembered, and gives what was written
    /// first.
    pub(crate) async fn write_with(
        &mut self,
        phase: Phase,
        kv: Vec<KvWrite>,
    ) -> Result<Phase, RecordError> {
        let position = self.next;
        let record = Record {
            tenant: self.call.tenant.clone(),
            run: self.call.run,
            lease: self.lease,
            key: RecordKey { task: self.call.task, attempt: self.call.attempt, position },
            phase: phase.clone(),
            kv,
        };
        let written = match self.shared.parts.store.record(record).await? {
            Recorded::Written => phase,
            Recorded::Already(first) => first,
        };
        if let Some(record) = &mut self.record {
            record.put(position, written.clone());
        }
        Ok(written)
    }

    /// The record, read once and only when something is asked.
    async fn read_record(&mut self) -> Result<(), Stop> {
        if self.record.is_none() {
            let store = &self.shared.parts.store;
            let records = store.records(&self.call.tenant, self.call.task).await;
            let records = records.map_err(|error| Stop::Fault(of_read(error)))?;
            self.record = Some(TaskRecord::of(&self.call, records));
        }
        Ok(())
    }

    fn overtaken(&self, recorded: &str, asked: &Asked<'_>) -> Stop {
        Stop::Diverged(self.divergence(recorded, &asked.summary))
    }

    fn divergence(&self, recorded: &str, asked: &str) -> Divergence {
        let (recorded, asked) = (recorded.to_owned(), asked.to_owned());
        Divergence { position: self.next, recorded, asked }
    }
}

impl Known {
    fn request(&self) -> Option<RequestHash> {
        let answered = self.answer.as_ref().map(|answer| answer.request);
        answered.or_else(|| self.intent.as_ref().map(|intent| intent.request))
    }

    fn summary(&self) -> &str {
        let answered = self.answer.as_ref().map(|answer| answer.summary.as_str());
        let intended = self.intent.as_ref().map(|intent| intent.summary.as_str());
        answered.or(intended).unwrap_or_default()
    }
}

impl EffectSession for Session {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        Box::pin(async move {
            match self.answer_all(&request).await {
                Ok(answers) => {
                    self.references.learn(request.operation, &answers);
                    EffectAnswer::Answered(answers)
                }
                Err(Stop::Refused(failure)) => EffectAnswer::Refused(failure),
                Err(Stop::Diverged(divergence)) => EffectAnswer::Diverged(divergence),
                Err(Stop::Fault(error)) => EffectAnswer::Fault(error),
                Err(Stop::Suspend(waiting)) => {
                    self.is_suspended = true;
                    EffectAnswer::Suspend(waiting)
                }
            }
        })
    }

    fn now(&self) -> Timestamp {
        self.time
    }

    fn random_seed(&self) -> [u8; 32] {
        self.shared.seed(&self.call)
    }

    fn position(&self) -> u32 {
        self.next
    }

    fn log(&mut self, line: GuestLine) {
        self.shared.parts.output.line(&self.call, line);
    }

    fn emit(&mut self, topic: String, payload: Value) {
        let ordinal = self.emits;
        self.emits = self.emits.saturating_add(1);
        if ordinal >= self.emitted_before {
            self.shared.parts.output.emitted(&self.call, ordinal, topic, payload);
        }
    }
}

/// Only a suspended attempt runs again as it is.
impl Drop for Session {
    fn drop(&mut self) {
        if self.is_suspended {
            let published = self.emits.max(self.emitted_before);
            self.shared.emitted.keep(self.call.task, self.call.attempt, published);
        }
    }
}

pub(crate) fn of_record(error: RecordError) -> Stop {
    match error {
        RecordError::LeaseLost { .. } => Stop::Fault(EffectsError::LeaseLost),
        RecordError::Unavailable(source) => Stop::Fault(EffectsError::Unavailable(source)),
        RecordError::TooLarge { .. } => {
            Stop::Refused(Failure::Limit(Problem::new("record_bytes", error.to_string())))
        }
        RecordError::KvConflict { .. } | RecordError::KvFull { .. } => {
            Stop::Fault(EffectsError::Unavailable(error.into()))
        }
    }
}

pub(crate) fn of_read(error: ReadError) -> EffectsError {
    EffectsError::Unavailable(error.into())
}
