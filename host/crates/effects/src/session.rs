//! One execution's effects, and the order in which a host call is decided: the grant, the record,
//! the deed. Whatever is decided is durable before the guest sees it.

use std::sync::Arc;

use wforge_model::agent::{AgentCall, Divergence};
use wforge_model::defence::{Defence, holds};
use wforge_model::effect::{Operation, RequestHash, Waiting};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Denial, Epoch, Failure, Problem, Timestamp, Value};
use wforge_ports::effects::{EffectsError, GuestLine};
use wforge_ports::store::{
    EffectIntent, EffectRecord, KvWrite, Phase, ReadError, RecordError, Store,
};
use wforge_ports::{
    BoxFuture, EffectAnswer, EffectRequest, EffectSession, RawFailure, RawRequest, RawResponse,
};

use crate::blobs::Blobs;
use crate::memory::{self, KvLimits};
use crate::pen::Pen;
use crate::record::{Known, TaskRecord};
use crate::recorded::Shared;
use crate::references::References;
use crate::request::{self, Asked};
use crate::secrets::{Redactor, Secrets};

/// What the guest gets for one element.
pub(crate) type Answer = Result<Value, Failure>;

/// Why a call is not answered element by element.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Failure),
    Suspend(Waiting),
    Diverged(Divergence),
    Failed(Failure),
    Fault(EffectsError),
}

/// The effects of one execution.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    pub(crate) call: Arc<AgentCall>,
    limits: SandboxLimits,
    lease: Epoch,
    record: Option<TaskRecord>,
    pub(crate) next: u32,
    time: Timestamp,
    /// Questions that this execution has asked so far, and the answers of people that it used.
    pub(crate) questions: u32,
    pub(crate) used_answers: Vec<usize>,
    /// The blobs that the task may open.
    pub(crate) references: References,
    emits: u32,
    emitted_before: u32,
    is_suspended: bool,
    /// Answers come from the record alone.
    replays: bool,
}

impl Session {
    /// A session in which nothing happens.
    pub(crate) fn replaying(
        shared: Arc<Shared>,
        call: AgentCall,
        references: References,
        lease: Epoch,
    ) -> Self {
        let mut session = Self::over(shared, call, references, lease);
        session.replays = true;
        session
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        call: AgentCall,
        references: References,
        lease: Epoch,
    ) -> Self {
        let emitted_before = shared.emitted.take(call.task, call.attempt);
        let mut session = Self::over(shared, call, references, lease);
        session.emitted_before = emitted_before;
        session
    }

    fn over(shared: Arc<Shared>, call: AgentCall, references: References, lease: Epoch) -> Self {
        Self {
            time: call.began_at,
            limits: shared.parts.limits.limits(&call.tenant, &call.plugin),
            shared,
            call: Arc::new(call),
            lease,
            record: None,
            next: 0,
            questions: 0,
            used_answers: Vec::new(),
            references,
            emits: 0,
            emitted_before: 0,
            is_suspended: false,
            replays: false,
        }
    }

    /// The time now, as the world has it.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.shared.parts.clock.now()
    }

    /// Whether answers come from the record alone.
    pub(crate) const fn is_replay(&self) -> bool {
        self.replays
    }

    /// How many effects a task may have.
    pub(crate) fn effects_max(&self) -> u32 {
        self.limits.effects_max
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.shared.parts.store.as_ref()
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.shared.parts.blobs
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.shared.parts.secrets
    }

    /// What takes the opened secrets of the tenant out of a text.
    pub(crate) fn redactor(&self) -> Option<Arc<Redactor>> {
        self.secrets().redactor(&self.call.tenant)
    }

    pub(crate) fn kv_limits(&self) -> &KvLimits {
        &self.shared.parts.kv
    }

    async fn answer_all(&mut self, request: &EffectRequest) -> Result<Vec<Answer>, Stop> {
        request::check(request, self.limits.json_depth_max).map_err(Stop::Refused)?;
        self.read_record().await?;
        if is_side_by_side(request.operation) {
            return self.answer_side_by_side(request).await;
        }
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

    /// Answers one element. What the record holds of a secret is not the secret.
    async fn answer(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        let answer = match self.redactor().filter(|_| asked.operation.is_of_memory()) {
            // What a plugin remembers it remembers without secrets, under keys without them.
            Some(redactor) => {
                let element = redactor.value(asked.element.clone());
                let (operation, hash, summary) =
                    (asked.operation, asked.hash, redactor.text(&asked.summary));
                self.as_recorded(&Asked { operation, element: &element, hash, summary }).await?
            }
            None => self.as_recorded(asked).await?,
        };
        match asked.operation {
            Operation::SecretsReveal => self.shown_secret(asked, answer).await,
            _ => Ok(answer),
        }
    }

    async fn as_recorded(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        if asked.operation == Operation::BlobsRead {
            return self.read_blob(asked).await;
        }
        let known = self.known_at(self.next);
        // What was begun under a grant is ended: an answer that a person gave is kept.
        let permission = match known.intent {
            Some(_) => asked.require(&self.call.grants, self.call.plugin.as_str()),
            None => self.permission(asked),
        };
        let is_known = known.request() == Some(asked.hash);
        if permission.is_ok() && !is_known && !self.serves(asked.operation) {
            return Ok(Err(asked.unserved()));
        }
        if known.request().is_some() && !is_known && holds(Defence::Divergence) {
            return Err(self.diverged_at(self.next, known.summary(), &asked.summary));
        }
        if let Some(answer) = known.answer {
            self.note(asked.operation);
            return Ok(self.pass(answer));
        }
        self.check_effects(self.next, asked)?;
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
            (Ok(()), Operation::SecretsGet) => self.hold_secret(asked).await,
            (Ok(()), Operation::SecretsReveal) => self.reveal_secret(asked).await,
            (Ok(()), _) => Ok(Err(asked.unserved())),
        }
    }

    /// Whether the node may do it: as granted when its run began, and still.
    pub(crate) fn permission(&self, asked: &Asked<'_>) -> Result<(), Denial> {
        if !holds(Defence::Grants) {
            return Ok(());
        }
        let grants = &self.call.grants;
        asked.require(grants, self.call.plugin.as_str())?;
        if self.replays {
            return Ok(());
        }
        // What was never granted is refused where a credential is filled in.
        let held = asked.held().filter(|held| grants.allow(held));
        let mut wanted = asked.wanted().into_iter().chain(held);
        wanted.try_for_each(|wanted| self.shared.parts.grants.check(&self.call, &wanted))
    }

    /// A question that was answered from the record counts like one that is asked.
    fn note(&mut self, operation: Operation) {
        if operation == Operation::HumanAsk {
            self.questions += 1;
        }
    }

    /// Refuses what comes after the last effect that a task may have, and in a replay everything.
    pub(crate) fn check_effects(&self, position: u32, asked: &Asked<'_>) -> Result<(), Stop> {
        if self.replays {
            return Err(self.diverged_at(position, "nothing", &asked.summary));
        }
        let max = self.limits.effects_max;
        if position < max {
            return Ok(());
        }
        let message = format!("a task may have at most {max} effects");
        Err(Stop::Refused(Failure::Limit(Problem::new("effects", message))))
    }

    /// Whether this host performs the function, by itself or in the world.
    pub(crate) fn serves(&self, operation: Operation) -> bool {
        request::is_served(operation) || self.shared.parts.world.serves(operation)
    }

    /// What is known of a position.
    pub(crate) fn known_at(&self, position: u32) -> Known {
        self.record.as_ref().and_then(|record| record.at(position)).cloned().unwrap_or_default()
    }

    pub(crate) fn pen(&self) -> Pen {
        let (shared, call) = (Arc::clone(&self.shared), Arc::clone(&self.call));
        Pen { shared, call, lease: self.lease, emits: self.emitted() }
    }

    /// Hands a recorded answer on; from here on it is that time.
    pub(crate) fn pass(&mut self, answer: EffectRecord) -> Answer {
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
        let written = self.pen().answer(self.next, asked, answer, None).await;
        self.settle(written.map_err(|error| Stop::Fault(fault_of(error)))?, asked)
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
        let written = self.pen().intent(self.next, asked, at, due).await;
        match written.map_err(|error| Stop::Fault(fault_of(error)))? {
            Phase::Intent(intent) if intent.request == asked.hash => Ok(intent),
            Phase::Intent(intent) => Err(self.overtaken(&intent.summary, asked)),
            Phase::Answer(record) => Err(self.overtaken(&record.summary, asked)),
        }
    }

    /// Writes a phase of the next position with what is remembered, and gives what was written
    /// first.
    pub(crate) async fn write_with(
        &self,
        phase: Phase,
        kv: Vec<KvWrite>,
    ) -> Result<Phase, RecordError> {
        self.pen().with_memory(self.next, phase, kv).await
    }

    /// The record, read once and only when something is asked.
    async fn read_record(&mut self) -> Result<(), Stop> {
        if self.record.is_none() {
            let store = &self.shared.parts.store;
            let records = store.records(&self.call.tenant, self.call.task).await;
            let records = records.map_err(|error| Stop::Fault(of_read(error)))?;
            let record = TaskRecord::of(&self.call, records);
            self.emitted_before = self.emitted_before.max(record.emitted());
            self.record = Some(record);
        }
        Ok(())
    }

    /// Reads what an execution of an earlier process left, so that nothing is published again.
    pub(crate) async fn recall(&mut self) -> Result<(), EffectsError> {
        match self.read_record().await {
            Err(Stop::Fault(error)) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// How many events the attempt has emitted, in this execution or in one before it.
    pub(crate) fn emitted(&self) -> u32 {
        self.emits.max(self.emitted_before)
    }

    fn overtaken(&self, recorded: &str, asked: &Asked<'_>) -> Stop {
        self.diverged_at(self.next, recorded, &asked.summary)
    }

    #[expect(clippy::unused_self, reason = "reads as what happened to the session")]
    pub(crate) fn diverged_at(&self, position: u32, recorded: &str, asked: &str) -> Stop {
        let (recorded, asked) = (recorded.to_owned(), asked.to_owned());
        Stop::Diverged(Divergence { position, recorded, asked })
    }
}

/// Functions that the world performs, lists of them side by side. The others are the session's own.
const fn is_side_by_side(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::LlmComplete | Operation::HttpFetch | Operation::ToolsCall | Operation::ToolsList
    )
}

impl Known {
    pub(crate) fn request(&self) -> Option<RequestHash> {
        let answered = self.answer.as_ref().map(|answer| answer.request);
        answered.or_else(|| self.intent.as_ref().map(|intent| intent.request))
    }

    pub(crate) fn summary(&self) -> &str {
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
                Err(Stop::Failed(failure)) => EffectAnswer::Failed(failure),
                Err(Stop::Fault(error)) => EffectAnswer::Fault(error),
                Err(Stop::Suspend(waiting)) => {
                    self.is_suspended = true;
                    EffectAnswer::Suspend(waiting)
                }
            }
        })
    }

    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        self.begin_exchange(request)
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

    fn recorded(&self) -> u32 {
        self.record.as_ref().map_or(0, TaskRecord::read)
    }

    fn log(&mut self, line: GuestLine) {
        if !self.replays {
            let line = match self.redactor() {
                Some(redactor) => redactor.line(&line),
                None => line,
            };
            self.shared.parts.output.line(&self.call, line);
        }
    }

    fn emit(&mut self, topic: String, payload: Value) {
        let ordinal = self.emits;
        self.emits = self.emits.saturating_add(1);
        if ordinal >= self.emitted_before && !self.replays {
            let (topic, payload) = match self.redactor() {
                Some(redactor) => (redactor.text(&topic), redactor.value(payload)),
                None => (topic, payload),
            };
            self.shared.parts.output.emitted(&self.call, ordinal, topic, payload);
        }
    }
}

/// Only a suspended attempt runs again as it is.
impl Drop for Session {
    fn drop(&mut self) {
        if self.is_suspended && !self.replays {
            self.shared.emitted.keep(self.call.task, self.call.attempt, self.emitted());
        }
    }
}

pub(crate) fn of_record(error: RecordError) -> Stop {
    match error {
        RecordError::TooLarge { .. } => {
            Stop::Refused(Failure::Limit(Problem::new("record_bytes", error.to_string())))
        }
        error => Stop::Fault(fault_of(error)),
    }
}

/// Why the host cannot go on after an error of a record.
pub(crate) fn fault_of(error: RecordError) -> EffectsError {
    match error {
        RecordError::LeaseLost { .. } => EffectsError::LeaseLost,
        RecordError::Unavailable(source) => EffectsError::Unavailable(source),
        // Not even the words of the request fit, or memory was written where none was meant: the
        // store is not what it should be.
        RecordError::TooLarge { .. }
        | RecordError::KvConflict { .. }
        | RecordError::KvFull { .. } => EffectsError::Unavailable(error.into()),
    }
}

pub(crate) fn of_read(error: ReadError) -> EffectsError {
    EffectsError::Unavailable(error.into())
}
