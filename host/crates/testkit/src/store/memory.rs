//! The memory of plugins.

use futures::future::join_all;
use serde_json::{Value, json};
use wforge_model::head::RunStatus;
use wforge_model::{ThreadId, Timestamp, Version};
use wforge_ports::store::{
    AuditDraft, CommitError, KvExpected, KvPage, KvQuery, KvRoom, KvSpace, KvUnit, KvWrite,
    QueueChange, Record, RecordError, Recorded, Remember, RememberError,
};
use wforge_ports::threads::{Forget, Forgotten};

use super::Bench;
use super::make::{answer, commit, run, started, stepped, task, tenant, text};

fn of_run(number: u8) -> KvSpace {
    KvSpace::Run(run(number))
}

fn set(space: &KvSpace, key: &str, value: Value) -> KvWrite {
    KvWrite::of(space.clone(), key.to_owned(), Some(value))
}

fn delete(space: &KvSpace, key: &str) -> KvWrite {
    KvWrite::of(space.clone(), key.to_owned(), None)
}

fn expects(write: KvWrite, found: u64, version: u64) -> KvWrite {
    let expected = KvExpected { found: Version(found), version: Version(version) };
    KvWrite { expected: Some(expected), ..write }
}

/// A write in the record of an effect, one millisecond after the one before.
fn record(position: u32, write: KvWrite) -> Record {
    let mut record = answer(&tenant("acme"), task(1), position, json!(null));
    record.kv = vec![write];
    if let wforge_ports::store::Phase::Answer(answer) = &mut record.phase {
        answer.at = Timestamp(u64::from(position));
    }
    record
}

async fn write(bench: &Bench, position: u32, write: KvWrite) {
    let recorded = bench.store().record(record(position, write)).await.unwrap();
    assert_eq!(recorded, Recorded::Written);
}

/// Value and version of a key, and the version that its next write gets.
async fn stands(bench: &Bench, space: &KvSpace, key: &str) -> (Option<(Value, u64)>, u64) {
    let standing = bench.store().memory(&tenant("acme"), space, key).await.unwrap();
    (standing.entry.map(|entry| (entry.value, entry.version.0)), standing.next.0)
}

async fn list(
    bench: &Bench,
    space: &KvSpace,
    (prefix, after): (&str, Option<&str>),
    (limit, bytes_max, now): (usize, u64, u64),
) -> (Vec<String>, bool) {
    let query = KvQuery { space, prefix, after, limit, bytes_max, now: Timestamp(now) };
    let KvPage { entries, has_more } =
        bench.store().memories(&tenant("acme"), query).await.unwrap();
    (entries.into_iter().map(|entry| entry.key).collect(), has_more)
}

/// A null is a value, and no value deletes.
pub async fn what_a_record_remembers_is_read_back_with_it(bench: &mut Bench) {
    let space = of_run(1);
    assert_eq!(stands(bench, &space, "k").await, (None, 1));
    write(bench, 0, set(&space, "k", json!({ "a": [1, "\u{0}"] }))).await;
    assert_eq!(stands(bench, &space, "k").await, (Some((json!({ "a": [1, "\u{0}"] }), 1)), 2));
    write(bench, 1, set(&space, "k", json!(null))).await;
    assert_eq!(stands(bench, &space, "k").await, (Some((json!(null), 2)), 3));
    write(bench, 2, delete(&space, "k")).await;
    assert_eq!(stands(bench, &space, "k").await, (None, 4));
    let mut expiring = expects(set(&space, "k", json!(null)), 0, 4);
    expiring.expires_at = Some(Timestamp(9));
    write(bench, 3, expiring.clone()).await;
    let kept = bench.store().records(&tenant("acme"), task(1)).await.unwrap();
    assert_eq!(kept.last(), Some(&record(3, expiring)), "the record says what was written");
    let found = bench.store().memory(&tenant("acme"), &space, "k").await.unwrap();
    let is_live = |now| found.live(Timestamp(now)).is_some();
    assert!(is_live(8) && !is_live(9));
}

async fn remember(bench: &Bench, write: KvWrite) -> Result<(), RememberError> {
    let audit = vec![AuditDraft {
        at: Timestamp(1),
        actor: "ada".into(),
        action: "kv.put".into(),
        resource: write.key.clone(),
        outcome: "ok".into(),
    }];
    let remember = Remember { tenant: tenant("acme"), write, at: Timestamp(1), audit };
    bench.store().remember(remember).await
}

/// It is durable with its entry of the audit log, or neither is there.
pub async fn what_no_task_writes_keeps_the_versions_the_room_and_the_audit_log(bench: &mut Bench) {
    let space = KvSpace::Plugin("acme/count".parse().unwrap());
    write(bench, 0, set(&space, "k", json!(1))).await;
    let stale = remember(bench, expects(set(&space, "k", json!(2)), 0, 2)).await;
    assert!(matches!(stale, Err(RememberError::Conflict { .. })), "{stale:?}");
    let room = Some(KvRoom { keys_max: 1, bytes_max: 100 });
    let full = remember(bench, KvWrite { room, ..set(&space, "l", json!(1)) }).await;
    assert!(matches!(full, Err(RememberError::Full { max: 1, .. })), "{full:?}");
    remember(bench, expects(set(&space, "k", json!(null)), 1, 2)).await.unwrap();
    assert_eq!(stands(bench, &space, "k").await, (Some((json!(null), 2)), 3));
    remember(bench, expects(delete(&space, "k"), 2, 3)).await.unwrap();
    assert_eq!(stands(bench, &space, "k").await, (None, 4));
    let audit = bench.store().audit(&tenant("acme"), 0, 9).await.unwrap();
    assert_eq!(audit.len(), 2, "{audit:?}");
}

/// Also where others of the space went, and over its own end.
pub async fn no_version_of_a_key_comes_twice(bench: &mut Bench) {
    let space = of_run(1);
    write(bench, 0, set(&space, "a", json!(1))).await;
    write(bench, 1, set(&space, "a", json!(2))).await;
    write(bench, 2, set(&space, "b", json!(1))).await;
    assert_eq!(stands(bench, &space, "b").await.1, 2);
    write(bench, 3, delete(&space, "a")).await;
    assert_eq!(stands(bench, &space, "a").await, (None, 4));
    assert_eq!(stands(bench, &space, "b").await, (Some((json!(1), 1)), 2), "b goes on as it was");
    let mut short = set(&space, "a", json!(3));
    short.expires_at = Some(Timestamp(5));
    write(bench, 4, short).await;
    assert_eq!(stands(bench, &space, "a").await, (Some((json!(3), 4)), 5));
    // This one removes it.
    write(bench, 6, set(&space, "b", json!(2))).await;
    assert_eq!(stands(bench, &space, "a").await, (None, 5));
}

/// Neither its record nor its entry is there, and the next one may take its place.
pub async fn a_write_that_expected_something_else_is_not_made(bench: &mut Bench) {
    let (acme, space) = (tenant("acme"), of_run(1));
    write(bench, 0, expects(set(&space, "k", json!("first")), 0, 1)).await;
    for (found, version) in [(0, 1), (0, 2), (2, 3), (1, 1), (1, 0)] {
        let other = expects(set(&space, "k", json!("other")), found, version);
        let refused = bench.store().record(record(1, other)).await;
        assert!(matches!(refused, Err(RecordError::KvConflict { .. })), "{refused:?}");
    }
    let refused = bench.store().record(record(1, expects(delete(&space, "k"), 0, 2))).await;
    assert!(matches!(refused, Err(RecordError::KvConflict { .. })), "{refused:?}");
    assert_eq!(stands(bench, &space, "k").await.0, Some((json!("first"), 1)));
    assert_eq!(bench.store().records(&acme, task(1)).await.unwrap().len(), 1);
    write(bench, 1, expects(delete(&space, "k"), 1, 2)).await;
    let early = expects(set(&space, "k", json!("early")), 0, 2);
    let refused = bench.store().record(record(2, early)).await;
    assert!(matches!(refused, Err(RecordError::KvConflict { .. })), "the deletion was version 2");
    let mut late = commit(&acme, run(1), 0, vec![started(json!(1))]);
    late.kv = vec![expects(set(&space, "k", json!("late")), 1, 3)];
    let refused = bench.store().commit(late).await;
    assert!(matches!(refused, Err(CommitError::KvConflict { .. })), "{refused:?}");
    assert_eq!(bench.store().head(&acme, run(1)).await.unwrap(), None);
}

/// However many are decided in one group.
pub async fn of_many_writes_on_one_version_one_is_made(bench: &mut Bench) {
    let space = of_run(1);
    for round in 0..3 {
        let writers = (0..50).map(|writer| {
            let value = json!({ "round": round, "writer": writer });
            let write = expects(set(&space, "k", value), round, round + 1);
            let position = u32::try_from(round).unwrap() * 50 + writer;
            bench.store().record(record(position, write))
        });
        let outcomes = join_all(writers).await;
        let made: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_ok()).collect();
        assert_eq!(made.len(), 1, "round {round}");
        let (entry, next) = stands(bench, &space, "k").await;
        assert_eq!((entry.unwrap().1, next), (round + 1, round + 2));
    }
    assert_eq!(bench.store().records(&tenant("acme"), task(1)).await.unwrap().len(), 3);
}

/// A rerun hears what was recorded, and its write is not made again.
pub async fn a_record_that_is_there_writes_no_memory(bench: &mut Bench) {
    let space = of_run(1);
    let first = record(0, set(&space, "k", json!("first")));
    bench.store().record(first.clone()).await.unwrap();
    // Not even one whose expectation would not hold.
    for again in [set(&space, "k", json!("again")), expects(delete(&space, "k"), 7, 8)] {
        let recorded = bench.store().record(record(0, again)).await.unwrap();
        assert_eq!(recorded, Recorded::Already(first.phase.clone()));
    }
    assert_eq!(stands(bench, &space, "k").await.0, Some((json!("first"), 1)));
}

/// Pages end where keys, bytes or the space do.
pub async fn entries_are_listed_by_prefix_and_in_pages(bench: &mut Bench) {
    let space = of_run(1);
    let keys = (0..150).map(|number| format!("a/{number:03}"));
    for (position, key) in (0..).zip(keys.chain(["b".to_owned(), String::new()])) {
        write(bench, position, set(&space, &key, json!("12345678"))).await;
    }
    let all = (usize::MAX, u64::MAX, 0);
    let (found, has_more) = list(bench, &space, ("", None), all).await;
    assert_eq!((found.len(), found[0].as_str(), has_more), (152, "", false));
    let (found, has_more) = list(bench, &space, ("a/", None), (150, u64::MAX, 0)).await;
    assert_eq!((found.len(), has_more), (150, false));
    let (found, has_more) = list(bench, &space, ("a/", Some("a/100")), (2, u64::MAX, 0)).await;
    assert_eq!((found, has_more), (vec!["a/101".to_owned(), "a/102".to_owned()], true));
    // Fifteen bytes each, quotes included.
    let (found, has_more) = list(bench, &space, ("a/", Some("a/147")), (9, 30, 0)).await;
    assert_eq!((found.len(), has_more), (2, false));
    let (found, has_more) = list(bench, &space, ("a/", Some("a/146")), (9, 44, 0)).await;
    assert_eq!((found.len(), has_more), (2, true));
    let (found, has_more) = list(bench, &space, ("a/", None), (9, 0, 0)).await;
    assert_eq!((found.len(), has_more), (1, true), "one always fits");
    let (found, has_more) = list(bench, &space, ("c", None), all).await;
    assert_eq!((found.len(), has_more), (0, false));
}

/// Nobody sees it any more, and later writes give its room back, whichever keys they write.
pub async fn what_has_expired_is_listed_no_more_and_goes(bench: &mut Bench) {
    let (acme, space) = (tenant("acme"), of_run(1));
    for number in 0..70 {
        let mut short = set(&space, &format!("{number:02}"), json!(text(1_000)));
        short.expires_at = Some(Timestamp(1_000 + u64::from(number)));
        write(bench, number, short).await;
    }
    // Written anew, it lasts.
    write(bench, 70, set(&space, "69", json!("lasts"))).await;
    let all = |now| (usize::MAX, u64::MAX, now);
    assert_eq!(list(bench, &space, ("", None), all(999)).await.0.len(), 70);
    assert_eq!(list(bench, &space, ("", None), all(1_009)).await.0.len(), 60);
    assert_eq!(list(bench, &space, ("", None), (3, u64::MAX, 1_009)).await.0[0], "10");
    let full = bench.store().stored_bytes(&acme);
    for position in [5_000, 5_001] {
        write(bench, position, set(&space, "other", json!(position))).await;
    }
    assert_eq!(list(bench, &space, ("", None), all(0)).await.0, ["69", "other"]);
    assert!(bench.store().stored_bytes(&acme) + 60_000 < full);
}

/// Strictly, however many write at once; what has expired makes room.
pub async fn a_space_holds_no_more_than_it_may(bench: &mut Bench) {
    let space = of_run(1);
    let room = KvRoom { keys_max: 20, bytes_max: 10_000 };
    let within = |write: KvWrite| KvWrite { room: Some(room), ..write };
    let many = (0..30).map(|number| {
        let mut short = set(&space, &format!("{number:02}"), json!("x"));
        short.expires_at = Some(Timestamp(900));
        bench.store().record(record(number, within(short)))
    });
    let outcomes = join_all(many).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
    let full = |outcome: &Result<Recorded, RecordError>, of: KvUnit| {
        matches!(outcome,
        Err(RecordError::KvFull { unit, .. }) if *unit == of)
    };
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || full(outcome, KvUnit::Keys)));
    write(bench, 100, within(set(&space, "00", json!("another value")))).await;
    let large = within(set(&space, "00", json!("x".repeat(10_000))));
    let refused = bench.store().record(record(101, large)).await;
    assert!(full(&refused, KvUnit::Bytes), "{refused:?}");
    assert_eq!(stands(bench, &space, "00").await.0.unwrap().0, json!("another value"));
    write(bench, 102, within(delete(&space, "00"))).await;
    write(bench, 103, within(set(&space, "new", json!("x")))).await;
    let refused =
        bench.store().record(record(104, within(set(&space, "one more", json!(1))))).await;
    assert!(full(&refused, KvUnit::Keys), "{refused:?}");
    // More than goes by the way.
    write(bench, 1_000, within(set(&space, "large", json!("x".repeat(9_900))))).await;
    let (left, _) = list(bench, &space, ("", None), (99, u64::MAX, 0)).await;
    assert_eq!(left, ["large", "new"]);
}

/// Nor a tenant's, nor one whose name begins with the other's.
pub async fn no_key_reaches_another_space(bench: &mut Bench) {
    let plugin = |name: &str| KvSpace::Plugin(name.parse().unwrap());
    let thread = KvSpace::Thread(ThreadId::from_bytes([7; 16]));
    let spaces = [of_run(1), of_run(2), thread, plugin("a/b"), plugin("a/bc"), plugin("ab/c")];
    for (position, space) in (0..).zip(&spaces) {
        write(bench, position, set(space, "c", json!(position))).await;
    }
    for (position, space) in (0..).zip(&spaces) {
        assert_eq!(stands(bench, space, "c").await.0, Some((json!(position), 1)));
        let listed = list(bench, space, ("", None), (9, u64::MAX, 0)).await;
        assert_eq!(listed, (vec!["c".to_owned()], false));
    }
    let other = bench.store().memory(&tenant("acme-2"), &of_run(1), "c").await.unwrap();
    assert_eq!(other.entry, None);
}

/// That is how a run begins that goes on from a checkpoint of another.
pub async fn a_commit_writes_memory_with_the_versions_that_it_says(bench: &mut Bench) {
    let (acme, space) = (tenant("acme"), of_run(1));
    let mut first = commit(&acme, run(1), 0, vec![started(json!(1))]);
    first.kv = vec![
        expects(set(&space, "kept", json!("as of then")), 0, 7),
        expects(delete(&space, "gone"), 0, 9),
    ];
    bench.store().commit(first).await.unwrap();
    assert_eq!(stands(bench, &space, "kept").await, (Some((json!("as of then"), 7)), 8));
    assert_eq!(stands(bench, &space, "gone").await, (None, 10));
}

/// A thread's memory outlives its runs.
pub async fn a_forgotten_run_leaves_no_memory_of_its_own(bench: &mut Bench) {
    let (acme, space) = (tenant("acme"), of_run(1));
    let thread = KvSpace::Thread(ThreadId::from_bytes([7; 16]));
    let mut only = commit(&acme, run(1), 0, vec![started(json!(1)), stepped(1)]);
    (only.queue, only.head.status) = (QueueChange::Done, RunStatus::Completed);
    bench.store().commit(only).await.unwrap();
    let before = bench.store().stored_bytes(&acme);
    for number in 0..30 {
        let mut short = set(&space, &number.to_string(), json!(number));
        short.expires_at = Some(Timestamp(u64::MAX - 1));
        write(bench, number, short).await;
    }
    let tasks = vec![task(1)];
    let forget = Forget { tenant: acme.clone(), run: run(1), at: None, listed: None, tasks };
    let shared = answer(&acme, task(2), 0, json!(1));
    let kv = vec![set(&thread, "k", json!("stays"))];
    bench.store().record(Record { kv, ..shared }).await.unwrap();
    assert_eq!(bench.store().forget(forget).await.unwrap(), Forgotten::Whole);
    assert_eq!(stands(bench, &space, "1").await, (None, 1));
    assert_eq!(list(bench, &space, ("", None), (9, u64::MAX, 0)).await, (Vec::new(), false));
    assert_eq!(stands(bench, &thread, "k").await.0, Some((json!("stays"), 1)));
    assert!(bench.store().stored_bytes(&acme) < before + 1_000, "no row of it is left");
}

/// Entries, versions and what a space holds.
pub async fn memory_survives_a_reopening(bench: &mut Bench) {
    let space = of_run(1);
    let room = Some(KvRoom { keys_max: 2, bytes_max: 100 });
    write(bench, 0, set(&space, "a", json!(text(20)))).await;
    write(bench, 1, set(&space, "b", json!(1))).await;
    write(bench, 2, delete(&space, "b")).await;
    bench.reopen();
    assert_eq!(stands(bench, &space, "a").await, (Some((json!(text(20)), 1)), 2));
    assert_eq!(stands(bench, &space, "b").await, (None, 3));
    write(bench, 3, KvWrite { room, ..set(&space, "b", json!(1)) }).await;
    bench.close_and_reopen().await;
    let third = KvWrite { room, ..set(&space, "c", json!(1)) };
    let refused = bench.store().record(record(4, third)).await;
    assert!(matches!(refused, Err(RecordError::KvFull { .. })), "{refused:?}");
}
