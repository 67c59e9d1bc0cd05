//! A store, a clock and an output around the effects of one task.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use wforge_effects::{BlobLimits, Blobs, EffectsParts, KvLimits, RecordedEffects, Secrets, Tools};
use wforge_model::agent::AgentCall;
use wforge_model::effect::{Answered, Operation, Question, Waiting};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Capability, Denial, Epoch, Grants, TaskId, Timestamp};
use wforge_ports::effects::{GuestLine, GuestOutput, TaskContext};
use wforge_ports::{EffectAnswer, EffectRequest, EffectSession, Effects, GrantCheck, Store};
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{SimClock, SimEntropy};

use crate::fake_store::FakeStore;
use crate::outside::Outside;

/// When every task begins.
pub(crate) const NOON: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) struct World<S = FakeStore> {
    pub(crate) store: Arc<S>,
    pub(crate) clock: SimClock,
    pub(crate) output: Arc<Output>,
    pub(crate) outside: Arc<Outside>,
    pub(crate) book: Arc<Book>,
    pub(crate) effects: RecordedEffects,
    pub(crate) call: AgentCall,
    pub(crate) lease: Epoch,
}

#[derive(Debug, Default)]
pub(crate) struct Output(Mutex<Vec<String>>);

impl Output {
    pub(crate) fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl GuestOutput for Output {
    fn line(&self, call: &AgentCall, line: GuestLine) {
        let told = format!("{} says {}", call.node, line.message);
        self.0.lock().unwrap().push(told);
    }

    fn emitted(&self, _call: &AgentCall, ordinal: u32, topic: String, payload: Value) {
        self.0.lock().unwrap().push(format!("{ordinal}: {topic} {payload}"));
    }

    fn delta(&self, _call: &AgentCall, position: u32, n: u32, topic: &str, text: &str) {
        self.0.lock().unwrap().push(format!("{position}.{n}: {topic} {text}"));
    }
}

/// Grants that stand until they are taken back.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Vec<String>>);

impl Book {
    pub(crate) fn take_back(&self, capability: &str) {
        self.0.lock().unwrap().push(capability.to_owned());
    }
}

impl GrantCheck for Book {
    fn check(&self, _call: &AgentCall, wanted: &Capability) -> Result<(), Denial> {
        if !self.0.lock().unwrap().contains(&wanted.to_string()) {
            return Ok(());
        }
        let (capability, resource) = (wanted.kind().to_owned(), wanted.resource().to_owned());
        Err(Denial { capability, resource, hint: "it was taken back".to_owned() })
    }
}

/// What tasks may keep.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeepLimits {
    pub(crate) kv: KvLimits,
    pub(crate) blobs: BlobLimits,
}

/// The world of a task that may do what is named.
pub(crate) fn world(grants: &[&str]) -> World {
    world_with(grants, SandboxLimits::default())
}

pub(crate) fn world_with(grants: &[&str], limits: SandboxLimits) -> World {
    world_of(grants, limits, |_| Tools::default())
}

/// The same with tools that use the world's clock.
pub(crate) fn world_of(
    grants: &[&str],
    limits: SandboxLimits,
    tools: impl FnOnce(&SimClock) -> Tools,
) -> World {
    let limits = (limits, KeepLimits::default());
    world_over(FakeStore::default(), Epoch(0), grants, limits, tools)
}

/// The world of a task that may do what is named, on a store that keeps memory and blobs too.
pub(crate) fn keeping_world(grants: &[&str], keep: KeepLimits) -> World<MemoryStore> {
    let store = MemoryStore::new(StoreParts { entropy: Arc::new(SimEntropy::new(1)) });
    let limits = (SandboxLimits::default(), keep);
    world_over(store, Epoch(1), grants, limits, |_| Tools::default())
}

fn world_over<S: Store + 'static>(
    store: S,
    lease: Epoch,
    grants: &[&str],
    (limits, keep): (SandboxLimits, KeepLimits),
    tools: impl FnOnce(&SimClock) -> Tools,
) -> World<S> {
    let store = Arc::new(store);
    let clock = SimClock::at(NOON);
    let output = Arc::new(Output::default());
    let (outside, book) = (Arc::new(Outside::default()), Arc::new(Book::default()));
    let effects = RecordedEffects::new(EffectsParts {
        limits: Arc::new(limits),
        kv: keep.kv,
        blobs: Blobs::new(store.clone(), keep.blobs),
        tools: Arc::new(tools(&clock)),
        ..parts(store.clone(), &clock, output.clone(), outside.clone(), book.clone())
    });
    World { store, clock, output, outside, book, effects, call: call(grants), lease }
}

/// What effects of this world are made of, with limits as they ship and no tools.
fn parts<S: Store + 'static>(
    store: Arc<S>,
    clock: &SimClock,
    output: Arc<Output>,
    world: Arc<Outside>,
    grants: Arc<Book>,
) -> EffectsParts {
    EffectsParts {
        secrets: Secrets::new(store.clone()),
        clock: Arc::new(clock.clone()),
        output,
        tools: Arc::default(),
        host_key: [9; 32],
        limits: Arc::new(SandboxLimits::default()),
        kv: KvLimits::default(),
        blobs: Blobs::new(store.clone(), BlobLimits::default()),
        store,
        world,
        threads: tokio::runtime::Handle::current(),
        flights: TaskTracker::new(),
        grants,
        failpoints: None,
        at_once_max: 4,
    }
}

impl<S: Store + 'static> World<S> {
    /// The effects of another process on the same store, with that key of its host.
    pub(crate) fn another_process(&self, host_key: [u8; 32]) -> RecordedEffects {
        let (output, outside) = (self.output.clone(), self.outside.clone());
        let parts = parts(self.store.clone(), &self.clock, output, outside, self.book.clone());
        RecordedEffects::new(EffectsParts { host_key, ..parts })
    }
}

impl<S> World<S> {
    /// The next execution of the task.
    pub(crate) async fn open(&self) -> Box<dyn EffectSession> {
        self.open_as(&self.call).await
    }

    /// The next execution of another task of this world.
    pub(crate) async fn open_as(&self, call: &AgentCall) -> Box<dyn EffectSession> {
        self.effects
            .open(TaskContext { call, lease: self.lease, may_have_run: false })
            .await
            .unwrap()
    }

    /// Makes these calls in one new execution, up to the first that does not answer.
    pub(crate) async fn execute(&self, requests: &[EffectRequest]) -> Vec<String> {
        self.execute_as(&self.call, requests).await
    }

    /// Makes these calls in one new execution of another task of this world.
    pub(crate) async fn execute_as(
        &self,
        call: &AgentCall,
        requests: &[EffectRequest],
    ) -> Vec<String> {
        let mut session = self.open_as(call).await;
        let mut told = Vec::new();
        for request in requests {
            let answer = session.perform(request.clone()).await;
            let is_answered = matches!(answer, EffectAnswer::Answered(_));
            told.push(tell(&answer));
            if !is_answered {
                break;
            }
        }
        told
    }

    /// A person answers the question that the task waits for, or nobody does.
    pub(crate) async fn answer(&mut self, requests: &[EffectRequest], answer: Option<Value>) {
        let question = self.question(requests).await;
        self.told(&question, answer);
    }

    /// A person answers a question of the task, or nobody does.
    pub(crate) fn told(&mut self, question: &Question, answer: Option<Value>) {
        let (request, at) = (question.request, wforge_ports::Clock::now(&self.clock));
        self.call.answers.push(Answered { question: question.id, request, answer, at });
    }

    /// The question that an execution of these calls ends with.
    pub(crate) async fn question(&self, requests: &[EffectRequest]) -> Question {
        let mut open = self.questions(requests).await;
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    }

    /// The questions that an execution of these calls ends with.
    pub(crate) async fn questions(&self, requests: &[EffectRequest]) -> Vec<Question> {
        let mut session = self.open().await;
        for request in requests {
            if let EffectAnswer::Suspend(waiting) = session.perform(request.clone()).await {
                return waiting.questions().to_vec();
            }
        }
        panic!("nothing was asked")
    }
}

pub(crate) fn tell(answer: &EffectAnswer) -> String {
    match answer {
        EffectAnswer::Answered(results) => {
            let told: Vec<String> = results
                .iter()
                .map(|result| match result {
                    Ok(value) => value.to_string(),
                    Err(failure) => format!("{failure}"),
                })
                .collect();
            format!("[{}]", told.join(", "))
        }
        EffectAnswer::Refused(failure) => format!("refused: {failure}"),
        EffectAnswer::Suspend(Waiting::Timer { until }) => {
            format!("sleeps until noon + {} ms", until.0 - NOON.0)
        }
        EffectAnswer::Suspend(waiting) => {
            let asked = waiting.questions().iter().map(|question| {
                let deadline = question.deadline.map(|at| at.0 - NOON.0);
                format!("asks {:?}, deadline {deadline:?}", question.prompt)
            });
            asked.collect::<Vec<_>>().join(" and ")
        }
        EffectAnswer::Diverged(divergence) => format!(
            "diverged at {}: {} is recorded, {} was asked",
            divergence.position, divergence.recorded, divergence.asked
        ),
        EffectAnswer::Failed(failure) => format!("failed: {failure}"),
        EffectAnswer::Fault(error) => format!("fault: {error}"),
    }
}

pub(crate) fn sleep(ms: u64) -> EffectRequest {
    EffectRequest { operation: Operation::TimerSleep, elements: vec![json!({ "ms": ms })] }
}

pub(crate) fn ask(prompt: &str) -> EffectRequest {
    ask_until(prompt, None)
}

pub(crate) fn ask_until(prompt: &str, deadline_ms: Option<u64>) -> EffectRequest {
    let element = json!({
        "prompt": prompt, "schema": null, "deadline_ms": deadline_ms, "assignee": null,
        "options": {},
    });
    EffectRequest { operation: Operation::HumanAsk, elements: vec![element] }
}

pub(crate) fn request(operation: Operation, element: Value) -> EffectRequest {
    EffectRequest { operation, elements: vec![element] }
}

/// The same call for another task of its node.
pub(crate) fn another_task(call: &AgentCall, number: u8) -> AgentCall {
    AgentCall { task: TaskId::from_bytes([number; 16]), ..call.clone() }
}

pub(crate) fn call(grants: &[&str]) -> AgentCall {
    let grants = grants.iter().map(|grant| grant.parse().unwrap()).collect::<Grants>();
    AgentCall { grants, began_at: NOON, ..wforge_testkit::call() }
}
