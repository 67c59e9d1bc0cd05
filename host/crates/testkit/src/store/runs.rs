//! Runs: commits, events, heads, queue, and what goes with a commit.

use futures::future::join_all;
use serde_json::json;
use wforge_model::head::RunHead;
use wforge_model::{Epoch, Seq, Timestamp};
use wforge_ports::store::{CommitError, KvSpace, KvWrite, QueueChange, Snapshot};

use super::Bench;
use super::make::{
    answer, audit, commit, head, planned, reply, run, started, stepped, task, tenant,
};

/// What was committed is there, numbered from 1.
pub async fn a_commit_is_read_back_as_events_and_as_a_head(bench: &mut Bench) {
    let acme = tenant("acme");
    let events = vec![started(json!({"a": 1})), stepped(1)];
    let length = bench.store().commit(commit(&acme, run(1), 0, events.clone())).await.unwrap();
    assert_eq!(length, Seq(2));
    let stored = bench.store().events(&acme, run(1), Seq(0), 10).await.unwrap();
    assert_eq!(stored.iter().map(|event| event.seq.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(stored.into_iter().map(|event| event.event).collect::<Vec<_>>(), events);
    let head = bench.store().head(&acme, run(1)).await.unwrap().unwrap();
    assert_eq!((head.seq, head.workflow.as_str()), (Seq(2), "brief"));
}

/// Whoever decided on an old state hears how far the run has come.
pub async fn a_commit_on_an_old_sequence_conflicts(bench: &mut Bench) {
    let acme = tenant("acme");
    bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    for stale in [0, 2, 7] {
        let error = bench.store().commit(commit(&acme, run(1), stale, vec![stepped(1)])).await;
        let Err(CommitError::Conflict { run: of, expected, found }) = error else {
            panic!("{stale}: {error:?}");
        };
        assert_eq!((of, expected, found), (run(1), Seq(stale), Seq(1)));
    }
    assert_eq!(bench.store().events(&acme, run(1), Seq(0), 9).await.unwrap().len(), 1);
}

/// Only the holder of the lease writes.
pub async fn a_commit_with_another_lease_is_refused(bench: &mut Bench) {
    let acme = tenant("acme");
    for lease in [0, 2] {
        let mut commit = commit(&acme, run(1), 0, vec![started(json!(1))]);
        commit.lease = Epoch(lease);
        let error = bench.store().commit(commit).await;
        assert!(matches!(error, Err(CommitError::LeaseLost { .. })), "{error:?}");
    }
    assert_eq!(bench.store().head(&acme, run(1)).await.unwrap(), None);
}

/// All or nothing: events, queue, audit and reply alike.
pub async fn a_refused_commit_leaves_no_part_behind(bench: &mut Bench) {
    let acme = tenant("acme");
    bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    let mut refused = commit(&acme, run(1), 0, vec![stepped(1), stepped(2)]);
    refused.queue = QueueChange::Done;
    refused.audit = vec![audit("run.start")];
    refused.idempotent_reply = Some(reply("key", json!("no")));
    let space = KvSpace::Run(run(1));
    refused.kv = vec![KvWrite::of(space.clone(), "k".to_owned(), Some(json!(1)))];
    bench.store().commit(refused).await.unwrap_err();
    let store = bench.store();
    assert_eq!(store.events(&acme, run(1), Seq(0), 9).await.unwrap().len(), 1);
    assert_eq!(store.head(&acme, run(1)).await.unwrap().unwrap().seq, Seq(1));
    assert_eq!(store.claim(9).await.unwrap().len(), 1);
    assert_eq!(store.audit(&acme, 0, 9).await.unwrap(), []);
    assert_eq!(store.idempotent_reply(&acme, "key").await.unwrap(), None);
    assert_eq!(store.memory(&acme, &space, "k").await.unwrap().entry, None);
}

/// Two engines that think a run is theirs: one of them is told otherwise.
pub async fn of_many_commits_on_one_sequence_one_wins(bench: &mut Bench) {
    let acme = tenant("acme");
    let commits = (0..20).map(|n| {
        bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(n)), stepped(n)]))
    });
    let outcomes = join_all(commits).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(bench.store().events(&acme, run(1), Seq(0), 99).await.unwrap().len(), 2);
}

/// The row of the list is the newest commit's, with the length of the log.
pub async fn the_head_is_what_the_newest_commit_says(bench: &mut Bench) {
    let acme = tenant("acme");
    let events = [started(json!(1)), planned(1, &[task(1)]), stepped(1), planned(2, &[task(2)])];
    let mut newest = head(&acme, run(1));
    for (place, event) in (0..).zip(&events) {
        let mut commit = commit(&acme, run(1), place, vec![event.clone()]);
        newest = RunHead { seq: Seq(99), tasks_open: place, ..newest };
        commit.head = newest.clone();
        bench.store().commit(commit).await.unwrap();
    }
    newest.seq = Seq(events.len() as u64);
    assert_eq!(bench.store().head(&acme, run(1)).await.unwrap(), Some(newest.clone()));
    assert_eq!(bench.store().heads(&acme, None, 9).await.unwrap(), [newest]);
}

/// A stream that was cut goes on after the last event that it saw.
pub async fn events_come_in_pages_and_in_order(bench: &mut Bench) {
    let acme = tenant("acme");
    let mut events = vec![started(json!(1))];
    events.extend((1..300).map(stepped));
    bench.store().commit(commit(&acme, run(1), 0, events)).await.unwrap();
    bench.store().commit(commit(&acme, run(2), 0, vec![started(json!(1))])).await.unwrap();
    let page = async |after, limit| {
        let events = bench.store().events(&acme, run(1), Seq(after), limit).await.unwrap();
        events.into_iter().map(|event| event.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 3).await, [1, 2, 3]);
    assert_eq!(page(254, 4).await, [255, 256, 257, 258]);
    assert_eq!(page(298, 100).await, [299, 300]);
    assert_eq!(page(300, 100).await, [0; 0]);
    assert_eq!(page(u64::MAX, 100).await, [0; 0]);
    assert_eq!(page(0, 0).await, [0; 0]);
    assert_eq!(page(0, usize::MAX).await.len(), 300);
}

/// Nothing is found, and nothing fails.
pub async fn a_run_that_does_not_exist_has_nothing(bench: &mut Bench) {
    let (store, acme) = (bench.store(), tenant("acme"));
    assert_eq!(store.head(&acme, run(1)).await.unwrap(), None);
    assert_eq!(store.heads(&acme, None, 9).await.unwrap(), []);
    assert_eq!(store.events(&acme, run(1), Seq(0), 9).await.unwrap(), []);
    assert_eq!(store.records(&acme, task(1)).await.unwrap(), []);
    assert_eq!(store.snapshot(&acme, run(1)).await.unwrap(), None);
    assert_eq!(store.claim(9).await.unwrap(), []);
}

/// A list of runs can be walked to its end.
pub async fn heads_come_newest_first_and_in_pages(bench: &mut Bench) {
    let acme = tenant("acme");
    for number in [3, 1, 5, 2, 4] {
        let commit = commit(&acme, run(number), 0, vec![started(json!(number))]);
        bench.store().commit(commit).await.unwrap();
    }
    let page = async |before, limit| {
        let heads = bench.store().heads(&acme, before, limit).await.unwrap();
        heads.into_iter().map(|head| head.run).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [run(5), run(4)]);
    assert_eq!(page(Some(run(4)), 2).await, [run(3), run(2)]);
    assert_eq!(page(Some(run(2)), 2).await, [run(1)]);
    assert_eq!(page(Some(run(1)), 2).await, []);
}

/// No operation of one tenant touches the other's.
pub async fn the_same_run_in_two_tenants_is_two_runs(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    let store = bench.store();
    store.commit(commit(&acme, run(1), 0, vec![started(json!("acme"))])).await.unwrap();
    assert_eq!(store.head(&other, run(1)).await.unwrap(), None);
    let events = vec![started(json!("other")), stepped(1)];
    store.commit(commit(&other, run(1), 0, events)).await.unwrap();
    assert_eq!(store.events(&acme, run(1), Seq(0), 9).await.unwrap().len(), 1);
    assert_eq!(store.events(&other, run(1), Seq(0), 9).await.unwrap().len(), 2);
    assert_eq!(store.heads(&acme, None, 9).await.unwrap()[0].tenant, acme);
    assert_eq!(store.claim(9).await.unwrap().len(), 2);
}

/// Names are not mistaken for prefixes of each other.
pub async fn a_tenant_sees_no_run_of_one_whose_name_it_begins_with(bench: &mut Bench) {
    let names = ["a", "ab", "abh", "a-b", "b"].map(tenant);
    for name in &names {
        let commit = commit(name, run(1), 0, vec![started(json!(name.as_str()))]);
        bench.store().commit(commit).await.unwrap();
    }
    for name in &names {
        let heads = bench.store().heads(name, None, 9).await.unwrap();
        assert_eq!(
            heads.into_iter().map(|head| head.tenant).collect::<Vec<_>>(),
            std::slice::from_ref(name)
        );
    }
}

/// After a restart every run that is not over is driven again.
pub async fn live_and_sleeping_runs_are_claimed_the_earlier_wake_first(bench: &mut Bench) {
    let acme = tenant("acme");
    let sleeps = [
        (1, QueueChange::Sleep(None)),
        (2, QueueChange::Sleep(Some(Timestamp(2_000)))),
        (3, QueueChange::Live),
        (4, QueueChange::Sleep(Some(Timestamp(1_000)))),
    ];
    for (number, queue) in sleeps {
        let mut commit = commit(&acme, run(number), 0, vec![started(json!(1))]);
        commit.queue = queue;
        bench.store().commit(commit).await.unwrap();
    }
    let claims = bench.store().claim(9).await.unwrap();
    let order: Vec<_> = claims.iter().map(|claim| claim.run).collect();
    assert_eq!(order, [run(3), run(4), run(2), run(1)]);
    assert_eq!(claims[0].wake_at, None);
    assert_eq!(claims[1].wake_at, Some(Timestamp(1_000)));
    let events = vec![stepped(1)];
    for claim in claims {
        let mut next = commit(&claim.tenant, claim.run, 1, events.clone());
        next.lease = claim.lease;
        bench.store().commit(next).await.unwrap();
    }
}

/// An ended run is nobody's any more.
pub async fn a_run_that_is_done_is_not_claimed(bench: &mut Bench) {
    let acme = tenant("acme");
    bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    let mut last = commit(&acme, run(1), 1, vec![stepped(1)]);
    last.queue = QueueChange::Done;
    bench.store().commit(last).await.unwrap();
    assert_eq!(bench.store().claim(9).await.unwrap(), []);
}

/// The limit holds over all tenants together.
pub async fn at_most_so_many_runs_are_claimed_as_were_asked_for(bench: &mut Bench) {
    for name in ["acme", "other"].map(tenant) {
        for number in 0..3 {
            let commit = commit(&name, run(number), 0, vec![started(json!(1))]);
            bench.store().commit(commit).await.unwrap();
        }
    }
    assert_eq!(bench.store().claim(4).await.unwrap().len(), 4);
}

/// A newer state replaces an older one, in whatever order they are saved.
pub async fn the_newest_snapshot_is_the_one_that_counts(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    let at = |seq: u64, bytes| Snapshot {
        tenant: acme.clone(),
        run: run(1),
        seq: Seq(seq),
        state: vec![u8::try_from(seq % 256).unwrap(); bytes],
    };
    for (seq, bytes) in [(64, 10), (256, 300_000), (128, 10), (1, 300_000)] {
        bench.store().save_snapshot(at(seq, bytes)).await.unwrap();
    }
    assert_eq!(bench.store().snapshot(&acme, run(1)).await.unwrap(), Some(at(256, 300_000)));
    bench.store().save_snapshot(at(300, 0)).await.unwrap();
    assert_eq!(bench.store().snapshot(&acme, run(1)).await.unwrap(), Some(at(300, 0)));
    assert_eq!(bench.store().snapshot(&acme, run(2)).await.unwrap(), None);
    assert_eq!(bench.store().snapshot(&other, run(1)).await.unwrap(), None);
}

/// Groups, operations and kind are counted.
pub async fn figures_count_what_was_done(bench: &mut Bench) {
    let acme = tenant("acme");
    let before = bench.store().figures();
    assert!(!before.kind.is_empty());
    bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    bench.store().record(answer(&acme, task(1), 0, json!(1))).await.unwrap();
    let after = bench.store().figures();
    assert_eq!(after.operations - before.operations, 2);
    assert_eq!(after.commits - before.commits, 2);
}

/// A closed store says so instead of losing what it is given.
pub async fn nothing_is_accepted_after_closing(bench: &mut Bench) {
    let acme = tenant("acme");
    bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    bench.store().close().await.unwrap();
    let refused = bench.store().commit(commit(&acme, run(1), 1, vec![stepped(1)])).await;
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    bench.store().record(answer(&acme, task(1), 0, json!(1))).await.unwrap_err();
    bench.store().put_blob(&acme, vec![1]).await.unwrap_err();
    bench.store().close().await.unwrap();
}
