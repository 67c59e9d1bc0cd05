//! Threads, what goes on from what, who waits for a person, and what is forgotten.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;
use wforge_model::event::EventKind;
use wforge_model::head::{RunStatus, WaitReason, WaitingFor};
use wforge_model::{
    Checkpoint, Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version,
};
use wforge_ports::store::{Commit, CommitError, KvSpace, KvWrite, QueueChange, Remember, Snapshot};
use wforge_ports::threads::{
    Forget, ForgetThread, Forgotten, StoredThread, ThreadForgotten, ThreadPut, ThreadRow, ThreadRun,
};

use super::Bench;
use super::make::{answer, audit, commit, planned, reply, run, started, stepped, task, tenant};

fn thread(number: u8) -> ThreadId {
    ThreadId::from_bytes([number; 16])
}

fn row(number: u8, head: RunId) -> ThreadRow {
    ThreadRow {
        thread: thread(number),
        head: Some(head),
        queue: vec![run(200)],
        workflow: "brief".to_owned(),
        digest: Digest::from_bytes([9; 32]),
        removed: vec![run(100)],
        pruned_before: Version(0),
        first_place: Version(0),
        oldest: None,
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
    }
}

/// A run begins on a thread that has that version.
fn begins(of: &TenantId, number: u8, new: u8, expected: u64) -> Commit {
    let mut commit = commit(of, run(new), 0, vec![started(json!(new))]);
    let row = row(number, run(new));
    commit.thread = Some(ThreadPut { expected: Version(expected), row, begins: true });
    commit
}

/// A run begins where another stands.
fn goes_on(of: &TenantId, new: u8, base: u8) -> Commit {
    let mut event = started(json!(1));
    if let EventKind::RunStarted(started) = &mut event.kind {
        Arc::make_mut(started).base = Some(Checkpoint { run: run(base), seq: Seq(1) });
    }
    let mut commit = commit(of, run(new), 0, vec![event]);
    commit.head.base = Some(Checkpoint { run: run(base), seq: Seq(1) });
    commit
}

async fn runs(bench: &Bench, of: &TenantId, number: u8, before: Option<u64>) -> Vec<(u64, RunId)> {
    let before = before.map(Version);
    let found = bench.store().thread_runs(of, thread(number), before, 2).await.unwrap();
    found.into_iter().map(|ThreadRun { place, run }| (place.0, run)).collect()
}

/// The version grows with each change, and the runs that began are listed.
pub async fn a_thread_is_written_with_the_commit_of_its_run(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    assert_eq!(store.thread(&acme, thread(1)).await.unwrap(), None);
    store.commit(begins(&acme, 1, 1, 0)).await.unwrap();
    let mut ends = commit(&acme, run(1), 1, vec![stepped(1)]);
    let put = ThreadPut { expected: Version(1), row: row(1, run(7)), begins: false };
    ends.thread = Some(put);
    store.commit(ends).await.unwrap();
    store.commit(begins(&acme, 1, 2, 2)).await.unwrap();
    let found = store.thread(&acme, thread(1)).await.unwrap();
    assert_eq!(found, Some(StoredThread { version: Version(3), row: row(1, run(2)) }));
    assert_eq!(runs(bench, &acme, 1, None).await, [(3, run(2)), (1, run(1))]);
}

/// All or nothing: neither the run nor anything else of it.
pub async fn a_commit_on_an_old_version_of_its_thread_is_refused_whole(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    store.commit(begins(&acme, 1, 1, 0)).await.unwrap();
    for stale in [0, 2, 9] {
        let mut late = begins(&acme, 1, 2, stale);
        late.audit = vec![audit("run.start")];
        late.idempotent_reply = Some(reply("key", json!(1)));
        let refused = store.commit(late).await;
        let Err(CommitError::ThreadConflict { thread: of, expected, found }) = refused else {
            panic!("{stale}: {refused:?}");
        };
        assert_eq!((of, expected, found), (thread(1), Version(stale), Version(1)));
    }
    assert_eq!(store.head(&acme, run(2)).await.unwrap(), None);
    assert_eq!(store.events(&acme, run(2), Seq(0), 9).await.unwrap(), []);
    assert_eq!(store.audit(&acme, 0, 9).await.unwrap(), []);
    assert_eq!(store.idempotent_reply(&acme, "key").await.unwrap(), None);
    assert_eq!(store.claim(9).await.unwrap().len(), 1);
    assert_eq!(runs(bench, &acme, 1, None).await, [(1, run(1))]);
}

/// And a refused commit of a run leaves its thread alone.
pub async fn a_commit_on_an_old_sequence_changes_no_thread(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    store.commit(begins(&acme, 1, 1, 0)).await.unwrap();
    let refused = store.commit(begins(&acme, 1, 1, 1)).await;
    assert!(matches!(refused, Err(CommitError::Conflict { .. })), "{refused:?}");
    assert_eq!(store.thread(&acme, thread(1)).await.unwrap().unwrap().version, Version(1));
}

/// Two runs that would go on from the same place of a thread.
pub async fn of_many_commits_on_one_version_of_a_thread_one_wins(bench: &mut Bench) {
    let acme = tenant("acme");
    let commits = (0..50).map(|n| bench.store().commit(begins(&acme, 1, n, 0)));
    let outcomes = join_all(commits).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(runs(bench, &acme, 1, None).await.len(), 1);
    assert_eq!(bench.store().heads(&acme, None, 99).await.unwrap().len(), 1);
}

/// A list can be walked to its end, and shows no other tenant's.
pub async fn threads_and_their_runs_come_in_pages(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    for number in [3, 1, 2] {
        store.commit(begins(&acme, number, number, 0)).await.unwrap();
    }
    for place in 1..5_u8 {
        store.commit(begins(&acme, 1, 10 + place, u64::from(place))).await.unwrap();
    }
    store.commit(begins(&other, 4, 1, 0)).await.unwrap();
    let page = async |after: Option<u8>| {
        let found = store.threads(&acme, after.map(thread), 2).await.unwrap();
        found.into_iter().map(|row| row.thread).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, [thread(1), thread(2)]);
    assert_eq!(page(Some(2)).await, [thread(3)]);
    assert_eq!(page(Some(3)).await, []);
    assert_eq!(runs(bench, &acme, 1, None).await, [(5, run(14)), (4, run(13))]);
    assert_eq!(runs(bench, &acme, 1, Some(4)).await, [(3, run(12)), (2, run(11))]);
    assert_eq!(runs(bench, &acme, 1, Some(1)).await, []);
    assert_eq!(runs(bench, &other, 1, None).await, []);
    assert_eq!(store.thread(&other, thread(1)).await.unwrap(), None);
}

/// The inbox: in it as long as a person must act, whatever else the run does.
pub async fn runs_that_wait_for_a_person_are_listed_until_they_do_not(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    let resume = WaitReason::Resume { when: None, nodes: Vec::new() };
    let waits = [WaitingFor { task: None, node: None, waiting: resume }];
    for number in [2, 1, 3] {
        let mut commit = commit(&acme, run(number), 0, vec![started(json!(1))]);
        commit.head.waiting_for = waits.to_vec();
        store.commit(commit).await.unwrap();
    }
    store.commit(commit(&acme, run(4), 0, vec![started(json!(1))])).await.unwrap();
    let listed = async |after: Option<u8>| {
        let found = store.waiting(&acme, after.map(run), 2).await.unwrap();
        found.into_iter().map(|head| head.run).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, [run(1), run(2)]);
    assert_eq!(listed(Some(2)).await, [run(3)]);
    assert_eq!(store.waiting(&other, None, 9).await.unwrap(), []);
    let mut still = commit(&acme, run(1), 1, vec![stepped(1)]);
    still.head.waiting_for = waits.to_vec();
    store.commit(still).await.unwrap();
    store.commit(commit(&acme, run(2), 1, vec![stepped(1)])).await.unwrap();
    assert_eq!(listed(None).await, [run(1), run(3)]);
    let again = commit(&acme, run(2), 2, vec![stepped(2)]);
    let mut again = Commit { queue: QueueChange::Sleep(None), ..again };
    again.head.waiting_for = waits.to_vec();
    store.commit(again).await.unwrap();
    assert_eq!(listed(Some(1)).await, [run(2), run(3)]);
}

/// Whoever goes on from nothing could never be loaded.
pub async fn a_run_whose_base_is_gone_is_refused(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    store.commit(commit(&other, run(1), 0, vec![started(json!(1))])).await.unwrap();
    let refused = store.commit(goes_on(&acme, 2, 1)).await;
    assert!(matches!(refused, Err(CommitError::BaseGone { .. })), "{refused:?}");
    assert_eq!(store.head(&acme, run(2)).await.unwrap(), None);
    store.commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    store.commit(goes_on(&acme, 2, 1)).await.unwrap();
}

fn ended(mut commit: Commit) -> Commit {
    (commit.queue, commit.head.status) = (QueueChange::Done, RunStatus::Completed);
    commit
}

fn of(number: u8) -> Forget {
    let (tenant, tasks) = (tenant("acme"), vec![task(number)]);
    Forget { tenant, run: run(number), at: None, listed: None, tasks }
}

fn numbered_task(number: u32) -> TaskId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    TaskId::from_bytes(bytes)
}

async fn remember(bench: &Bench, space: &KvSpace, key: &str) {
    let write = KvWrite::of(space.clone(), key.to_owned(), Some(json!(1)));
    let remember = Remember { tenant: tenant("acme"), write, at: Timestamp(1), audit: Vec::new() };
    bench.store().remember(remember).await.unwrap();
}

async fn forget(bench: &Bench, number: u8, listed: Option<(ThreadId, Version)>) -> Forgotten {
    bench.store().forget(Forget { listed, ..of(number) }).await.unwrap()
}

async fn end(bench: &Bench, number: u8) {
    let last = commit(&tenant("acme"), run(number), 1, vec![stepped(1)]);
    bench.store().commit(ended(last)).await.unwrap();
}

/// Not while it runs, and not while another goes on from it.
pub async fn a_run_that_is_needed_is_not_forgotten(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    store.commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    assert_eq!(forget(bench, 1, None).await, Forgotten::Needed);
    let mut blocked = commit(&acme, run(3), 0, vec![started(json!(1))]);
    (blocked.queue, blocked.head.status) = (QueueChange::Done, RunStatus::Blocked);
    store.commit(blocked).await.unwrap();
    assert_eq!(forget(bench, 3, None).await, Forgotten::Needed, "an operator decides");
    end(bench, 1).await;
    let grown = Forget { at: Some(Seq(1)), ..of(1) };
    assert_eq!(store.forget(grown).await.unwrap(), Forgotten::Needed, "it went on since");
    store.commit(goes_on(&acme, 2, 1)).await.unwrap();
    assert_eq!(forget(bench, 1, None).await, Forgotten::Needed);
    assert_eq!(store.events(&acme, run(1), Seq(0), 9).await.unwrap().len(), 2);
}

/// A thread goes back to a run before where one is taken back, wherever that one is listed.
pub async fn the_run_on_which_a_thread_stands_is_not_forgotten(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let mut first = begins(&acme, 1, 1, 0);
    first.head.thread = Some(thread(1));
    store.commit(first).await.unwrap();
    let mut last = ended(commit(&acme, run(1), 1, vec![stepped(1)]));
    last.head.thread = Some(thread(1));
    store.commit(last).await.unwrap();
    let listed = Some((thread(1), Version(1)));
    assert_eq!(forget(bench, 1, listed).await, Forgotten::Needed);
    assert_eq!(runs(bench, &acme, 1, None).await, [(1, run(1))]);
    store.commit(begins(&acme, 1, 2, 1)).await.unwrap();
    assert_eq!(forget(bench, 1, listed).await, Forgotten::Whole);
    assert_eq!(runs(bench, &acme, 1, None).await, [(2, run(2))]);
}

/// So that nobody waits for long while large ones go.
pub async fn a_run_with_large_events_is_forgotten_in_parts(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let large = || started(json!(super::make::text(100_000)));
    for length in (0..100).step_by(10) {
        let events = std::iter::repeat_with(large).take(10).collect();
        store.commit(ended(commit(&acme, run(1), length, events))).await.unwrap();
    }
    assert_eq!(forget(bench, 1, None).await, Forgotten::Part { tasks_left: 0 });
    assert_eq!(store.events(&acme, run(1), Seq(0), 100).await.unwrap().len(), 36);
    assert_eq!(forget(bench, 1, None).await, Forgotten::Whole);
    assert_eq!(store.events(&acme, run(1), Seq(0), 100).await.unwrap(), []);
}

/// Log, records, snapshots and places, however many there are; and then its base can go as well.
pub async fn a_forgotten_run_leaves_nothing_behind(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    store.commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    end(bench, 1).await;
    let mut second = goes_on(&acme, 2, 1);
    let put = ThreadPut { expected: Version(0), row: row(1, run(2)), begins: true };
    second.thread = Some(put);
    store.commit(second).await.unwrap();
    let mut events = vec![planned(1, &[task(2)])];
    events.extend((1..1_500).map(stepped));
    let last = commit(&acme, run(2), 1, events);
    let mut last = ended(last);
    last.head.base = Some(Checkpoint { run: run(1), seq: Seq(1) });
    store.commit(last).await.unwrap();
    store.record(answer(&acme, task(2), 0, json!(1))).await.unwrap();
    let state = super::make::text(300_000).into_bytes();
    let snapshot = Snapshot { tenant: acme.clone(), run: run(2), seq: Seq(9), state };
    store.save_snapshot(snapshot).await.unwrap();
    let listed = Some((thread(1), Version(1)));
    assert_eq!(forget(bench, 2, listed).await, Forgotten::Part { tasks_left: 0 });
    assert_eq!(store.head(&acme, run(2)).await.unwrap(), None, "nobody finds a part of it");
    assert_eq!(runs(bench, &acme, 1, None).await, []);
    assert_eq!(store.leaving(&acme, 9).await.unwrap(), [run(2)]);
    assert_eq!(forget(bench, 2, None).await, Forgotten::Whole, "whoever goes on knows no place");
    assert_eq!(store.leaving(&acme, 9).await.unwrap(), []);
    assert_eq!(store.events(&acme, run(2), Seq(0), 9).await.unwrap(), []);
    assert_eq!(store.records(&acme, task(2)).await.unwrap(), []);
    assert_eq!(store.snapshot(&acme, run(2)).await.unwrap(), None);
    assert_eq!(forget(bench, 1, None).await, Forgotten::Whole);
    assert_eq!(store.heads(&acme, None, 9).await.unwrap(), []);
}

/// Whoever goes on after an interruption tells the tasks from the log, so that goes last; and no
/// operation looks for the records of all of many tasks.
pub async fn a_run_with_many_tasks_is_forgotten_in_parts_its_log_last(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let tasks: Vec<TaskId> = (0..600_u32).map(numbered_task).collect();
    let first = commit(&acme, run(1), 0, vec![started(json!(1)), planned(1, &tasks)]);
    store.commit(ended(first)).await.unwrap();
    for task in &tasks[..2] {
        store.record(answer(&acme, *task, 0, json!(1))).await.unwrap();
    }
    let mut forget = Forget { tasks: tasks.clone(), ..of(1) };
    for tasks_left in [344, 88] {
        let forgotten = store.forget(forget.clone()).await.unwrap();
        assert_eq!(forgotten, Forgotten::Part { tasks_left });
        forget.tasks.truncate(tasks_left);
        assert_eq!(store.events(&acme, run(1), Seq(0), 9).await.unwrap().len(), 2);
    }
    assert_eq!(store.forget(forget).await.unwrap(), Forgotten::Whole);
    assert_eq!(store.records(&acme, tasks[0]).await.unwrap(), []);
    assert_eq!(store.events(&acme, run(1), Seq(0), 9).await.unwrap(), []);
}

/// With all that its plugins remembered, however much, and only as it was seen.
pub async fn a_thread_in_which_nothing_is_under_way_is_forgotten_with_its_memory(
    bench: &mut Bench,
) {
    let (acme, store) = (tenant("acme"), bench.store());
    let forget = async |expected: u64| {
        let (tenant, expected) = (acme.clone(), Version(expected));
        let forget = ForgetThread { tenant, thread: thread(1), expected };
        store.forget_thread(forget).await.unwrap()
    };
    store.commit(begins(&acme, 1, 1, 0)).await.unwrap();
    assert_eq!(forget(1).await, ThreadForgotten::Needed, "its run has not ended");
    let mut last = ended(commit(&acme, run(1), 1, vec![stepped(1)]));
    store.commit(last.clone()).await.unwrap();
    assert_eq!(forget(1).await, ThreadForgotten::Needed, "another waits for its turn");
    let free = ThreadRow { queue: Vec::new(), ..row(1, run(1)) };
    (last.expected, last.events) = (Seq(2), Vec::new());
    last.thread = Some(ThreadPut { expected: Version(1), row: free, begins: false });
    store.commit(last).await.unwrap();
    let space = KvSpace::Thread(thread(1));
    for number in 0..1_100 {
        remember(bench, &space, &number.to_string()).await;
    }
    assert_eq!(forget(1).await, ThreadForgotten::Needed, "it changed since");
    assert_eq!(forget(2).await, ThreadForgotten::Part);
    assert_eq!(store.thread(&acme, thread(1)).await.unwrap(), None);
    assert_eq!(forget(0).await, ThreadForgotten::Whole);
    assert_eq!(forget(0).await, ThreadForgotten::Whole, "and once more");
    let standing = store.memory(&acme, &space, "7").await.unwrap();
    assert_eq!((standing.entry, standing.next), (None, Version(1)));
    assert_eq!(runs(bench, &acme, 1, None).await, [(1, run(1))], "its runs stay");
}

/// So that its history can leave them out.
pub async fn a_thread_that_begins_anew_begins_after_what_is_left_of_the_one_before(
    bench: &mut Bench,
) {
    let (acme, store) = (tenant("acme"), bench.store());
    let mut anew = begins(&acme, 1, 2, 0);
    if let Some(put) = &mut anew.thread {
        put.row.first_place = Version(8);
    }
    store.commit(anew).await.unwrap();
    assert_eq!(store.thread(&acme, thread(1)).await.unwrap().unwrap().version, Version(8));
    assert_eq!(runs(bench, &acme, 1, None).await, [(8, run(2))]);
}

/// Versions go on where they stopped.
pub async fn threads_survive_a_reopening(bench: &mut Bench) {
    let acme = tenant("acme");
    for round in 0..3_u8 {
        bench.store().commit(begins(&acme, 1, round, u64::from(round))).await.unwrap();
        bench.reopen();
        let found = bench.store().thread(&acme, thread(1)).await.unwrap().unwrap();
        assert_eq!((found.version.0, found.row), (u64::from(round) + 1, row(1, run(round))));
    }
    assert_eq!(runs(bench, &acme, 1, None).await, [(3, run(2)), (2, run(1))]);
}
