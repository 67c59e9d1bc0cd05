//! Random memory of two tasks that crash, against a model of a few maps.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use wforge_model::agent::AgentCall;
use wforge_model::{ThreadId, Timestamp};
use wforge_ports::store::KvSpace;
use wforge_ports::{Clock as _, EffectAnswer, EffectRequest, EffectSession, Store as _};
use wforge_store::MemoryStore;

use crate::memory::{delete, get, list, set, swap};
use crate::world::{KeepLimits, World, another_task, keeping_world};

const SCOPES: [&str; 3] = ["run", "thread", "plugin"];
const KEYS: [&str; 4] = ["", "a", "a/b", "b"];

#[derive(Debug, Clone)]
enum Act {
    Call { task: usize, scope: usize, key: usize, what: What },
    Crash { task: usize },
    Wait { ms: u64 },
}

#[derive(Debug, Clone)]
enum What {
    Get,
    Set { ttl_ms: Option<u64> },
    Delete,
    Swap { is_right: bool },
    List { limit: u64 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let what = prop_oneof![
        3 => Just(What::Get),
        5 => proptest::option::weighted(0.4, 1..50_u64).prop_map(|ttl_ms| What::Set { ttl_ms }),
        2 => Just(What::Delete),
        3 => prop::bool::weighted(0.7).prop_map(|is_right| What::Swap { is_right }),
        1 => (1..4_u64).prop_map(|limit| What::List { limit }),
    ];
    let call = (0..2_usize, 0..SCOPES.len(), 0..KEYS.len(), what)
        .prop_map(|(task, scope, key, what)| Act::Call { task, scope, key, what });
    let act = prop_oneof![
        8 => call,
        1 => (0..2_usize).prop_map(|task| Act::Crash { task }),
        2 => (1..40_u64).prop_map(|ms| Act::Wait { ms }),
    ];
    proptest::collection::vec(act, 1..80)
}

#[derive(Debug, Clone)]
struct Entry {
    value: Value,
    version: u64,
    expires_at: Option<Timestamp>,
}

type Place = (usize, usize);

/// What the two tasks together must see.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<Place, Entry>,
    /// The highest version that each key had.
    versions: BTreeMap<Place, u64>,
    writes: u64,
}

impl Model {
    fn live(&self, place: Place, now: Timestamp) -> Option<&Entry> {
        let entry = self.entries.get(&place)?;
        entry.expires_at.is_none_or(|at| at > now).then_some(entry)
    }

    fn told(&self, place: Place, now: Timestamp) -> Option<Value> {
        let entry = self.live(place, now)?;
        Some(json!({ "key": KEYS[place.1], "value": entry.value, "version": entry.version }))
    }

    fn put(&mut self, place: Place, entry: Entry) {
        let before = self.versions.insert(place, entry.version).unwrap_or(0);
        assert!(entry.version > before, "{place:?} had version {before}");
        self.entries.insert(place, entry);
    }
}

/// One of the two tasks: what it asked and heard so far.
struct Task {
    call: AgentCall,
    session: Box<dyn EffectSession>,
    history: Vec<(EffectRequest, Value)>,
}

impl Task {
    async fn ask(&mut self, request: EffectRequest) -> Value {
        let answer = self.session.perform(request).await;
        let EffectAnswer::Answered(mut answers) = answer else { panic!("{answer:?}") };
        answers.remove(0).unwrap()
    }

    /// Begins anew, and hears what it heard before.
    async fn crash(&mut self, world: &World<MemoryStore>) {
        self.session = world.open_as(&self.call).await;
        for (request, heard) in self.history.clone() {
            assert_eq!(self.ask(request.clone()).await, heard, "{request:?}");
        }
    }
}

struct Play {
    world: World<MemoryStore>,
    tasks: Vec<Task>,
    model: Model,
}

impl Play {
    async fn begin() -> Self {
        let grants = ["kv:run", "kv:thread", "kv:plugin"];
        let mut world = keeping_world(&grants, KeepLimits::default());
        world.call.thread = Some(ThreadId::from_bytes([5; 16]));
        let mut tasks = Vec::new();
        for number in 1..=2 {
            let call = another_task(&world.call, number);
            let session = world.open_as(&call).await;
            tasks.push(Task { call, session, history: Vec::new() });
        }
        Self { world, tasks, model: Model::default() }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Wait { ms } => self.world.clock.advance(Duration::from_millis(*ms)),
            Act::Crash { task } => self.tasks[*task].crash(&self.world).await,
            Act::Call { task, scope, key, what } => self.call(*task, (*scope, *key), what).await,
        }
    }

    async fn call(&mut self, task: usize, place: Place, what: &What) {
        let now = self.world.clock.now();
        let (scope, key) = (SCOPES[place.0], KEYS[place.1]);
        let found = self.model.live(place, now).map(|entry| entry.version);
        let value = json!(self.model.writes);
        let request = match what {
            What::Get => get(scope, key),
            What::Set { ttl_ms } => set(scope, key, value.clone(), *ttl_ms),
            What::Delete => delete(scope, key),
            What::Swap { is_right: true } => swap(scope, key, found, value.clone()),
            What::Swap { is_right: false } => {
                swap(scope, key, Some(found.unwrap_or(0) + 1), value.clone())
            }
            What::List { limit } => list(scope, key, *limit, None),
        };
        let heard = self.tasks[task].ask(request.clone()).await;
        self.tasks[task].history.push((request, heard.clone()));
        let version = self.version(place).await;
        match what {
            What::Get => assert_eq!(heard, self.model.told(place, now).unwrap_or_default()),
            What::List { limit } => assert_eq!(heard["entries"], self.listed(place, *limit, now)),
            What::Delete => {
                assert_eq!(heard, json!(found.is_some()));
                self.model.entries.remove(&place);
            }
            What::Swap { is_right } => {
                assert_eq!(heard, json!(is_right));
                if *is_right {
                    self.model.put(place, Entry { value, version, expires_at: None });
                }
            }
            What::Set { ttl_ms } => {
                let expires_at = ttl_ms.map(|ms| now.after_ms(ms));
                self.model.put(place, Entry { value: value.clone(), version, expires_at });
                assert_eq!(heard, json!({ "key": key, "value": value, "version": version }));
            }
        }
        self.model.writes += 1;
    }

    /// The version that the store has; 0 where there is no entry.
    async fn version(&self, (scope, key): Place) -> u64 {
        let call = &self.world.call;
        let space = match SCOPES[scope] {
            "run" => KvSpace::Run(call.run),
            "thread" => KvSpace::Thread(call.thread.unwrap()),
            _ => KvSpace::Plugin(call.plugin.clone()),
        };
        let found = self.world.store.memory(&call.tenant, &space, KEYS[key]).await.unwrap();
        found.entry.map_or(0, |entry| entry.version.0)
    }

    fn listed(&self, (scope, prefix): Place, limit: u64, now: Timestamp) -> Value {
        let keys = (0..KEYS.len()).filter(|key| KEYS[*key].starts_with(KEYS[prefix]));
        let told = keys.filter_map(|key| self.model.told((scope, key), now));
        told.take(usize::try_from(limit).unwrap()).collect()
    }

    /// A rerun of both changes nothing, and the store has as many records as they had answers.
    async fn end(mut self) {
        let mut tasks = std::mem::take(&mut self.tasks);
        for task in &mut tasks {
            task.crash(&self.world).await;
            let records = self.world.store.records(&task.call.tenant, task.call.task).await;
            assert_eq!(records.unwrap().len(), task.history.len());
        }
        let now = self.world.clock.now();
        for place in
            (0..SCOPES.len()).flat_map(|scope| (0..KEYS.len()).map(move |key| (scope, key)))
        {
            if let Some(entry) = self.model.live(place, now) {
                assert_eq!(self.version(place).await, entry.version, "{place:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn two_tasks_that_crash_see_one_memory_and_write_nothing_twice(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut play = Play::begin().await;
            for act in &acts {
                play.act(act).await;
            }
            play.end().await;
        });
    }
}
