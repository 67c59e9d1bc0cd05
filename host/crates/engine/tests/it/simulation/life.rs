//! What outlives the crashes of one seed, and what is held of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use wforge_model::agent::AgentCall;
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::{Checkpoint, Failure, Problem, RunId, Seq, TaskId, Timestamp};
use wforge_ports::Entropy;
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::store::Backend;
use wforge_testkit::{Crash, FaultyStore, SimClock, SimEntropy};

use super::deeds::Figures;
use crate::harness::{Answer, World, ok, tenant, upstream};

/// What outlives the crashes of one seed.
pub(super) struct Life {
    behind: Arc<dyn Backend>,
    pub(super) clock: SimClock,
    /// Every call so far.
    pub(super) calls: Arc<Mutex<BTreeMap<TaskId, u32>>>,
    /// Tasks that the store knew to be finished at a restart.
    finished: Arc<Mutex<BTreeSet<TaskId>>>,
    repeated: Arc<Mutex<Vec<TaskId>>>,
    /// What subscribers heard, by run.
    pub(super) heard: BTreeMap<RunId, Vec<StoredEvent>>,
    /// What people were told is done.
    pub(super) acknowledged: Vec<Checkpoint>,
    pub(super) figures: Figures,
    restarts: u64,
    /// Runs that failed and were asked to be taken up again, once.
    pub(super) revived: BTreeSet<RunId>,
}

impl Life {
    pub(super) fn new() -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(1));
        Self {
            behind: Arc::new(MemoryStore::new(StoreParts { entropy })),
            clock: SimClock::at(Timestamp(1_800_000_000_000)),
            calls: Arc::default(),
            finished: Arc::default(),
            repeated: Arc::default(),
            heard: BTreeMap::new(),
            acknowledged: Vec::new(),
            figures: Figures::default(),
            restarts: 0,
            revived: BTreeSet::new(),
        }
    }

    /// An engine on the store that is left, which will crash once more or never.
    pub(super) fn wake(&mut self, crash: Option<Crash>) -> (World, Arc<FaultyStore>) {
        let store = Arc::new(FaultyStore::new(self.behind.clone(), crash));
        self.restarts += 1;
        let (calls, finished, repeated) =
            (self.calls.clone(), self.finished.clone(), self.repeated.clone());
        let script = move |call: &AgentCall| {
            let mut calls = calls.lock().unwrap();
            let count = calls.entry(call.task).or_default();
            *count += 1;
            if finished.lock().unwrap().contains(&call.task) {
                repeated.lock().unwrap().push(call.task);
            }
            answer(call)
        };
        let world = World::simulated(store.clone(), self.clock.clone(), 1 + self.restarts, script);
        (world, store)
    }

    /// Every run that the store has, the oldest first.
    pub(super) async fn runs(&self) -> Vec<RunId> {
        let heads = self.behind.heads(&tenant(), None, usize::MAX).await.unwrap();
        let mut runs: Vec<RunId> = heads.iter().map(|head| head.run).collect();
        runs.sort();
        runs
    }

    pub(super) async fn note_finished(&self) {
        for run in self.runs().await {
            let events = self.log(run).await;
            let done = events.iter().filter_map(|stored| match &stored.event.kind {
                EventKind::TaskFinished(finished) => Some(finished.task),
                _ => None,
            });
            self.finished.lock().unwrap().extend(done);
        }
    }

    /// Notes what came of everything.
    pub(super) async fn count(&mut self) {
        for run in self.runs().await {
            for stored in self.log(run).await {
                match stored.event.kind {
                    EventKind::StepCommitted { ns, .. } => {
                        self.figures.steps += 1;
                        self.figures.inner_steps += u64::from(ns.is_some());
                    }
                    EventKind::RunCompleted { .. } => self.figures.completed += 1,
                    _ => {}
                }
            }
        }
    }

    pub(super) async fn log(&self, run: RunId) -> Vec<StoredEvent> {
        self.behind.events(&tenant(), run, Seq(0), usize::MAX).await.unwrap()
    }

    /// Everything that was heard or acknowledged is in the log, as it was heard.
    pub(super) async fn check_kept(&self, seed: u64) {
        for (run, heard) in &self.heard {
            let log = self.log(*run).await;
            for event in heard {
                let place = usize::try_from(event.seq.0 - 1).unwrap();
                let kept = log.get(place).map(as_stored);
                let heard = as_stored(event);
                assert_eq!(kept, Some(heard), "seed {seed}: {run} lost what was heard");
            }
        }
        for made in &self.acknowledged {
            let events = self.log(made.run).await.len() as u64;
            assert!(events >= made.seq.0, "seed {seed}: {made} was acknowledged and is lost");
        }
    }

    pub(super) fn check_calls(&self, seed: u64) {
        let repeated = self.repeated.lock().unwrap();
        assert!(repeated.is_empty(), "seed {seed}: finished tasks ran again: {repeated:?}");
    }
}

/// What a store has of an event: of keys with `persist: false`, nothing.
fn as_stored(event: &StoredEvent) -> String {
    serde_json::to_string(event).unwrap()
}

/// What an agent answers: as the nodes of written workflows are called, as the tasks of random ones
/// are.
fn answer(call: &AgentCall) -> Answer {
    let is_random = call.node.as_str().starts_with('n');
    match (call.node.as_str(), call.task.as_bytes()[0] % 8) {
        ("flaky", _) if call.attempt < 3 => upstream(),
        ("once", _) if call.attempt < 2 => upstream(),
        ("broken", _) => upstream(),
        (_, 0) if is_random => upstream(),
        (_, 1) if is_random => {
            Answer::Fail(Failure::Failed(Problem::new("drawn", "as its id says")))
        }
        _ => ok(call),
    }
}
