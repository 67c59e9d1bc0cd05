//! Recorded effects.

use futures::future::join_all;
use serde_json::json;
use wforge_model::Epoch;
use wforge_ports::store::{KvSpace, KvWrite, RecordError, Recorded};

use super::Bench;
use super::make::{answer, commit, intent, planned, run, started, task, tenant};

/// Whoever comes later gets what the first wrote.
pub async fn the_first_writer_of_a_phase_wins(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let first = answer(&acme, task(1), 0, json!("first"));
    assert_eq!(store.record(first.clone()).await.unwrap(), Recorded::Written);
    let second = answer(&acme, task(1), 0, json!("second"));
    assert_eq!(store.record(second).await.unwrap(), Recorded::Already(first.phase.clone()));
    assert_eq!(store.records(&acme, task(1)).await.unwrap(), [first]);
}

/// An intent does not stand in its answer's way.
pub async fn intent_and_answer_are_two_phases(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let (said, done) = (intent(&acme, task(1), 0), answer(&acme, task(1), 0, json!(1)));
    assert_eq!(store.record(said.clone()).await.unwrap(), Recorded::Written);
    assert_eq!(store.record(done.clone()).await.unwrap(), Recorded::Written);
    let again = store.record(intent(&acme, task(1), 0)).await.unwrap();
    assert_eq!(again, Recorded::Already(said.phase.clone()));
    assert_eq!(store.records(&acme, task(1)).await.unwrap(), [said, done]);
}

/// Two executions of one attempt agree on what happened.
pub async fn of_many_writers_of_one_phase_one_is_first_and_all_hear_its_answer(bench: &mut Bench) {
    let acme = tenant("acme");
    let writers =
        (0..200).map(|n| bench.store().record(answer(&acme, task(1), 0, json!({ "writer": n }))));
    let outcomes: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let stored = bench.store().records(&acme, task(1)).await.unwrap();
    let (first, later): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|outcome| *outcome == Recorded::Written);
    assert_eq!((first.len(), stored.len()), (1, 1));
    for outcome in later {
        assert_eq!(outcome, Recorded::Already(stored[0].phase.clone()));
    }
}

/// The order in which a guest asks is the order in which it is answered again.
pub async fn records_come_in_order_of_attempt_position_and_phase(bench: &mut Bench) {
    let acme = tenant("acme");
    let mut expected = Vec::new();
    for attempt in [1, 2, 300] {
        for position in [0, 1, 255, 256] {
            for mut record in
                [intent(&acme, task(1), position), answer(&acme, task(1), position, json!(1))]
            {
                record.key.attempt = attempt;
                expected.push(record);
            }
        }
    }
    for record in expected.iter().rev() {
        bench.store().record(record.clone()).await.unwrap();
    }
    assert_eq!(bench.store().records(&acme, task(1)).await.unwrap(), expected);
}

/// Also not those of a task whose id is next to it.
pub async fn records_of_another_task_are_not_seen(bench: &mut Bench) {
    let acme = tenant("acme");
    for number in [1, 2, 3, 255] {
        let record = answer(&acme, task(number), 0, json!(number));
        bench.store().record(record).await.unwrap();
    }
    for number in [2, 255] {
        let expected = [answer(&acme, task(number), 0, json!(number))];
        assert_eq!(bench.store().records(&acme, task(number)).await.unwrap(), expected);
    }
    assert_eq!(bench.store().records(&acme, task(4)).await.unwrap(), []);
}

/// Planning a task neither hides nor forgets what is recorded of it.
pub async fn records_of_a_planned_task_are_seen_whether_they_came_before_or_after(
    bench: &mut Bench,
) {
    let (acme, store) = (tenant("acme"), bench.store());
    let early = answer(&acme, task(1), 0, json!("early"));
    store.record(early.clone()).await.unwrap();
    let plan = vec![started(json!(1)), planned(1, &[task(1), task(2)])];
    store.commit(commit(&acme, run(1), 0, plan)).await.unwrap();
    assert_eq!(store.records(&acme, task(2)).await.unwrap(), []);
    let late = answer(&acme, task(1), 1, json!("late"));
    store.record(late.clone()).await.unwrap();
    let again = answer(&acme, task(1), 0, json!("again"));
    assert_eq!(store.record(again).await.unwrap(), Recorded::Already(early.phase.clone()));
    assert_eq!(store.records(&acme, task(1)).await.unwrap(), [early, late]);
}

/// A worker that lost its run records nothing.
pub async fn a_record_with_another_lease_is_refused(bench: &mut Bench) {
    let acme = tenant("acme");
    let mut record = answer(&acme, task(1), 0, json!(1));
    record.lease = Epoch(2);
    let space = KvSpace::Run(run(1));
    record.kv = vec![KvWrite::of(space.clone(), "k".to_owned(), Some(json!(1)))];
    let refused = bench.store().record(record).await;
    assert!(matches!(refused, Err(RecordError::LeaseLost { .. })), "{refused:?}");
    assert_eq!(bench.store().memory(&acme, &space, "k").await.unwrap().entry, None);
    assert_eq!(bench.store().records(&acme, task(1)).await.unwrap(), []);
}

/// The first writer of one tenant is not first in another.
pub async fn the_same_record_in_two_tenants_is_two_records(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    let (ours, theirs) =
        (answer(&acme, task(1), 0, json!("a")), answer(&other, task(1), 0, json!("o")));
    assert_eq!(store.record(ours.clone()).await.unwrap(), Recorded::Written);
    assert_eq!(store.records(&other, task(1)).await.unwrap(), []);
    assert_eq!(store.record(theirs.clone()).await.unwrap(), Recorded::Written);
    assert_eq!(store.records(&acme, task(1)).await.unwrap(), [ours]);
    assert_eq!(store.records(&other, task(1)).await.unwrap(), [theirs]);
}
