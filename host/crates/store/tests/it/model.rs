//! Random operations and reopenings against a model of a few maps, on every backend.

use std::collections::BTreeMap;
use std::path::Path;

use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use wforge_model::{Seq, Timestamp, Version};
use wforge_ports::store::{
    ChangeError, Collection, CommitError, KvExpected, KvQuery, KvSpace, KvWrite, Phase,
    QueueChange, RecordError, Recorded, Snapshot,
};
use wforge_store::{MemoryStore, SledOptions, SledStore, StoreParts};
use wforge_testkit::store::{Backend, make};

use crate::entropy;

#[derive(Debug, Clone)]
enum Act {
    Commit { tenant: u8, run: u8, is_stale: bool, is_done: bool, events: usize, bytes: usize },
    Record { tenant: u8, task: u8, position: u32, is_intent: bool, bytes: usize },
    Change { tenant: u8, key: u8, expected: Expected, bytes: Option<usize> },
    Remember { tenant: u8, key: u8, expected: Expected, bytes: Option<usize> },
    Snapshot { tenant: u8, run: u8, seq: u64, bytes: usize },
    Blob { tenant: u8, bytes: usize },
    Close,
    End,
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    Right,
    Wrong,
    Any,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let bytes =
        || prop_oneof![8 => 0..200_usize, 3 => 4_000..4_200_usize, 1 => 262_000..270_000_usize];
    let tenant = || 0..2_u8;
    let expected =
        || prop_oneof![Just(Expected::Right), Just(Expected::Wrong), Just(Expected::Any)];
    let act = prop_oneof![
        6 => (tenant(), 0..3_u8, prop::bool::weighted(0.2), any::<bool>(), 1..4_usize, bytes())
            .prop_map(|(tenant, run, is_stale, is_done, events, bytes)| {
                Act::Commit { tenant, run, is_stale, is_done, events, bytes }
            }),
        4 => (tenant(), 0..3_u8, 0..3_u32, any::<bool>(), bytes())
            .prop_map(|(tenant, task, position, is_intent, bytes)| {
                Act::Record { tenant, task, position, is_intent, bytes }
            }),
        4 => (tenant(), 0..3_u8, expected(), prop::option::weighted(0.7, bytes()))
            .prop_map(|(tenant, key, expected, bytes)| Act::Change { tenant, key, expected, bytes }),
        4 => (tenant(), 0..3_u8, expected(), prop::option::weighted(0.7, bytes()))
            .prop_map(|(tenant, key, expected, bytes)| {
                Act::Remember { tenant, key, expected, bytes }
            }),
        2 => (tenant(), 0..2_u8, 1..9_u64, bytes())
            .prop_map(|(tenant, run, seq, bytes)| Act::Snapshot { tenant, run, seq, bytes }),
        1 => (tenant(), bytes()).prop_map(|(tenant, bytes)| Act::Blob { tenant, bytes }),
        1 => Just(Act::Close),
        1 => Just(Act::End),
    ];
    proptest::collection::vec(act, 1..40)
}

type TaskPlace = (u8, u8, u32, u8);

/// What the store must answer.
#[derive(Debug, Default)]
struct Model {
    runs: BTreeMap<(u8, u8), Vec<Value>>,
    live: BTreeMap<(u8, u8), bool>,
    records: BTreeMap<TaskPlace, Phase>,
    documents: BTreeMap<(u8, u8), (u64, Option<Value>)>,
    memory: BTreeMap<(u8, u8), (u64, Option<Value>)>,
    /// The highest version of what went, by tenant.
    floors: BTreeMap<u8, u64>,
    snapshots: BTreeMap<(u8, u8), BTreeMap<u64, Vec<u8>>>,
    blobs: Vec<(u8, Vec<u8>)>,
}

fn tenant(number: u8) -> wforge_model::TenantId {
    make::tenant(if number == 0 { "t" } else { "tt" })
}

fn space() -> KvSpace {
    KvSpace::Plugin("a/b".parse().unwrap())
}

/// Different at each act, so that nothing passes for something else.
fn value(act: usize, bytes: usize) -> Value {
    json!(format!("{act}:{}", make::text(bytes)))
}

impl Model {
    fn commit(&mut self, store: &dyn Backend, act: usize, what: &Act) {
        let Act::Commit { tenant: of, run, is_stale, is_done, events, bytes } = what else {
            return;
        };
        let log = self.runs.entry((*of, *run)).or_default();
        let inputs: Vec<_> = (0..*events).map(|n| value(act * 10 + n, *bytes)).collect();
        let started = inputs.iter().cloned().map(make::started).collect();
        let expected = log.len() as u64 + u64::from(*is_stale);
        let mut commit = make::commit(&tenant(*of), make::run(*run), expected, started);
        commit.queue = if *is_done { QueueChange::Done } else { QueueChange::Live };
        let outcome = block_on(store.commit(commit));
        if *is_stale {
            assert!(matches!(outcome, Err(CommitError::Conflict { .. })), "{outcome:?}");
            return;
        }
        log.extend(inputs);
        self.live.insert((*of, *run), !is_done);
        assert_eq!(outcome.unwrap(), Seq(log.len() as u64));
    }

    fn record(&mut self, store: &dyn Backend, act: usize, what: &Act) {
        let Act::Record { tenant: of, task, position, is_intent, bytes } = what else { return };
        let (owner, id) = (tenant(*of), make::task(*task));
        let record = if *is_intent {
            make::intent(&owner, id, *position)
        } else {
            make::answer(&owner, id, *position, value(act, *bytes))
        };
        let place = (*of, *task, *position, record.phase.ordinal());
        let outcome = block_on(store.record(record.clone())).unwrap();
        match self.records.get(&place) {
            Some(first) => assert!(outcome == Recorded::Already(first.clone())),
            None => {
                assert!(outcome == Recorded::Written);
                self.records.insert(place, record.phase);
            }
        }
    }

    fn change(&mut self, store: &dyn Backend, act: usize, what: &Act) {
        let Act::Change { tenant: of, key, expected, bytes } = what else { return };
        let (version, standing) = self.documents.entry((*of, *key)).or_insert((0, None));
        let shown = if standing.is_some() { *version } else { 0 };
        let expects = match expected {
            Expected::Right => Some(shown),
            Expected::Wrong => Some(shown + 1),
            Expected::Any => None,
        };
        let new = bytes.map(|bytes| value(act, bytes));
        let put = make::put(&key.to_string(), new.clone());
        let outcome = block_on(store.change(make::change(&tenant(*of), expects, vec![put])));
        if let Expected::Wrong = expected {
            assert!(
                matches!(&outcome, Err(ChangeError::Conflict { found, .. })
                    if *found == Version(shown)),
                "{outcome:?}"
            );
            return;
        }
        (*version, *standing) = (*version + 1, new);
        assert_eq!(outcome.unwrap(), Version(*version));
    }

    fn remember(&mut self, store: &dyn Backend, act: usize, what: &Act) {
        let Act::Remember { tenant: of, key, expected, bytes } = what else { return };
        let floor = self.floors.entry(*of).or_default();
        let (version, standing) = self.memory.entry((*of, *key)).or_insert((0, None));
        let found = if standing.is_some() { *version } else { 0 };
        let next = if found > 0 { found + 1 } else { *floor + 1 };
        let expects = |found| Some(KvExpected { found: Version(found), version: Version(next) });
        let new = bytes.map(|bytes| value(act, bytes));
        let mut write = KvWrite::of(space(), key.to_string(), new.clone());
        write.expected = match expected {
            Expected::Right => expects(found),
            Expected::Wrong => expects(found + 1),
            Expected::Any => None,
        };
        let position = u32::try_from(act).unwrap();
        let mut record = make::answer(&tenant(*of), make::task(7), position, json!(null));
        record.kv = vec![write];
        let outcome = block_on(store.record(record));
        if let Expected::Wrong = expected {
            assert!(matches!(outcome, Err(RecordError::KvConflict { .. })), "{outcome:?}");
            return;
        }
        assert!(outcome.unwrap() == Recorded::Written);
        if new.is_none() {
            *floor = (*floor).max(next);
        }
        (*version, *standing) = (next, new);
    }

    fn snapshot(&mut self, store: &dyn Backend, what: &Act) {
        let Act::Snapshot { tenant: of, run, seq, bytes } = what else { return };
        let state = make::text(*bytes).into_bytes();
        let kept = self.snapshots.entry((*of, *run)).or_default();
        kept.insert(*seq, state.clone());
        if kept.len() > 2 {
            kept.pop_first();
        }
        let snapshot =
            Snapshot { tenant: tenant(*of), run: make::run(*run), seq: Seq(*seq), state };
        block_on(store.save_snapshot(snapshot)).unwrap();
    }

    fn blob(&mut self, store: &dyn Backend, act: usize, what: &Act) {
        let Act::Blob { tenant: of, bytes } = what else { return };
        let bytes = format!("{act}{}", make::text(*bytes)).into_bytes();
        block_on(store.put_blob(&tenant(*of), bytes.clone())).unwrap();
        self.blobs.push((*of, bytes));
    }

    fn check(&self, store: &dyn Backend) {
        for ((of, run), log) in &self.runs {
            let (of, run) = (tenant(*of), make::run(*run));
            let events = block_on(store.events(&of, run, Seq(0), usize::MAX)).unwrap();
            let found = events.into_iter().map(|event| event.event);
            assert!(found.eq(log.iter().cloned().map(make::started)), "events of {of} {run}");
            let head = block_on(store.head(&of, run)).unwrap();
            assert_eq!(head.map_or(0, |head| head.seq.0), log.len() as u64);
        }
        let live = self.live.values().filter(|is_live| **is_live).count();
        assert_eq!(block_on(store.claim(99)).unwrap().len(), live);
        for (of, task) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let found = block_on(store.records(&tenant(of), make::task(task))).unwrap();
            let expected = self.records.range((of, task, 0, 0)..(of, task + 1, 0, 0));
            assert!(found.iter().map(|record| &record.phase).eq(expected.map(|(_, phase)| phase)));
        }
        self.check_documents(store);
        self.check_memory(store);
        for ((of, run), kept) in &self.snapshots {
            let found = block_on(store.snapshot(&tenant(*of), make::run(*run))).unwrap().unwrap();
            let (seq, state) = kept.last_key_value().unwrap();
            assert!((found.seq, &found.state) == (Seq(*seq), state), "snapshot {seq}");
        }
        for (of, bytes) in &self.blobs {
            let digest = block_on(store.put_blob(&tenant(*of), bytes.clone())).unwrap();
            assert!(block_on(store.blob(&tenant(*of), digest)).unwrap().as_ref() == Some(bytes));
        }
    }

    fn check_memory(&self, store: &dyn Backend) {
        for ((of, key), (version, standing)) in &self.memory {
            let found = block_on(store.memory(&tenant(*of), &space(), &key.to_string())).unwrap();
            let next = found.next.0;
            let found = found.entry.map(|entry| (entry.version.0, entry.value));
            let expected = standing.clone().map(|value| (*version, value));
            assert!(found == expected, "memory {key} of {of}");
            assert!(next > *version, "memory {key} of {of}: {next} after {version}");
        }
        for of in 0..2 {
            let (space, now) = (space(), Timestamp(0));
            let (prefix, after, limit, bytes_max) = ("", None, 99, u64::MAX);
            let query = KvQuery { space: &space, prefix, after, limit, bytes_max, now };
            let listed = block_on(store.memories(&tenant(of), query)).unwrap().entries;
            let there = self.memory.range((of, 0)..(of + 1, 0));
            let there = there.filter(|(_, (_, standing))| standing.is_some());
            assert_eq!(listed.len(), there.count(), "memory of {of}");
        }
    }

    fn check_documents(&self, store: &dyn Backend) {
        for of in 0..2 {
            let listed =
                block_on(store.documents(&tenant(of), Collection::Settings, "", None, 99)).unwrap();
            let found = listed.into_iter().map(|document| (document.version.0, document.value));
            let expected = self
                .documents
                .range((of, 0)..(of + 1, 0))
                .filter_map(|(_, standing)| Some((standing.0, standing.1.clone()?)));
            assert!(found.eq(expected), "documents of {of}");
        }
    }
}

type Open = dyn Fn(&Path) -> Box<dyn Backend>;

fn check(acts: &[Act], persists: bool, open: &Open) {
    let dir = TempDir::new().unwrap();
    let mut model = Model::default();
    let mut store = Some(open(dir.path()));
    for (number, act) in acts.iter().enumerate() {
        let current = store.as_deref().unwrap();
        match act {
            Act::Commit { .. } => model.commit(current, number, act),
            Act::Record { .. } => model.record(current, number, act),
            Act::Change { .. } => model.change(current, number, act),
            Act::Remember { .. } => model.remember(current, number, act),
            Act::Snapshot { .. } => model.snapshot(current, act),
            Act::Blob { .. } => model.blob(current, number, act),
            Act::Close | Act::End if !persists => {}
            Act::Close | Act::End => {
                if let Act::Close = act {
                    block_on(current.close()).unwrap();
                }
                drop(store.take());
                store = Some(open(dir.path()));
                model.check(store.as_deref().unwrap());
            }
        }
    }
    model.check(store.as_deref().unwrap());
}

fn sled(dir: &Path, copy_bytes_max: usize) -> Box<dyn Backend> {
    let options = SledOptions {
        copy_bytes_max,
        segment_bytes: 32 << 10,
        cache_bytes: 4 << 20,
        ..SledOptions::default()
    };
    Box::new(SledStore::open(dir, options, entropy()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_answers_as_the_model_does(acts in acts()) {
        check(&acts, false, &|_| Box::new(MemoryStore::new(StoreParts { entropy: entropy() })));
    }

    #[test]
    fn sled_answers_as_the_model_does_over_reopenings(acts in acts()) {
        check(&acts, true, &|dir| sled(dir, 16 << 10));
    }

    #[test]
    fn sled_without_copies_answers_as_the_model_does_over_reopenings(acts in acts()) {
        check(&acts, true, &|dir| sled(dir, 0));
    }
}
