//! Values of every size and shape.

use serde_json::{Value, json};
use wforge_model::Seq;
use wforge_model::event::EventKind;
use wforge_ports::store::{
    ChangeError, Collection, CommitError, KvSpace, KvWrite, RecordError, Recorded,
};

use super::Bench;
use super::make::{answer, change, commit, put, reply, run, started, task, tenant, text};

/// Around each border at which a store may keep a value otherwise.
pub(super) const SIZES: [usize; 12] =
    [0, 1, 4_000, 4_095, 4_096, 4_097, 8_193, 262_000, 262_144, 262_145, 1_048_576, 3_000_001];

/// Events, records, documents and replies alike.
pub async fn values_of_all_sizes_come_back_from_everywhere(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    for (number, bytes) in (0..).zip(SIZES) {
        let value = json!(text(bytes));
        let name = bytes.to_string();
        let mut first = commit(&acme, run(number), 0, vec![started(value.clone())]);
        first.idempotent_reply = Some(reply(&name, value.clone()));
        let events = first.events.clone();
        store.commit(first).await.unwrap();
        let record = answer(&acme, task(number), 0, value.clone());
        store.record(record.clone()).await.unwrap();
        let change = change(&acme, None, vec![put(&name, Some(value.clone()))]);
        store.change(change).await.unwrap();
        let found = store.events(&acme, run(number), Seq(0), 9).await.unwrap();
        assert!(found.into_iter().map(|event| event.event).eq(events), "event of {bytes}");
        assert!(store.records(&acme, task(number)).await.unwrap() == [record], "{bytes}");
        let found = store.document(&acme, Collection::Settings, &name).await.unwrap();
        assert!(found.unwrap().value == value, "document of {bytes}");
        let found = store.idempotent_reply(&acme, &name).await.unwrap();
        assert!(found.unwrap().reply == value, "reply of {bytes}");
    }
    let all = store.documents(&acme, Collection::Settings, "", None, 99).await.unwrap();
    assert_eq!(all.len(), SIZES.len());
}

/// What was decided on must be what is read: no digit is lost, no depth refused.
pub async fn numbers_and_depth_come_back_as_they_went_in(bench: &mut Bench) {
    let acme = tenant("acme");
    let mut deep = json!(0);
    for _ in 0..150 {
        deep = json!([deep]);
    }
    let value = json!({
        "floats": [0.1, 1e300, 5e-324, 2.0, -0.0, 122.416_294_033_786_58, 9.007_199_254_740_993e15],
        "integers": [u64::MAX, i64::MIN, 0],
        "text": "\u{0}\u{7f}\u{2028}\u{1F600}\"\\",
        "deep": deep,
        "": {},
    });
    let event = started(value);
    bench.store().commit(commit(&acme, run(1), 0, vec![event.clone()])).await.unwrap();
    let found = bench.store().events(&acme, run(1), Seq(0), 1).await.unwrap();
    let input = |kind: &EventKind| match kind {
        EventKind::RunStarted(started) => Value::Object(started.input.clone()).to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(input(&found[0].event.kind), input(&event.kind));
}

/// The limit is typed, and the store goes on.
pub async fn what_is_too_large_is_refused_and_leaves_nothing(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let value = json!("x".repeat(33 << 20));
    let events = vec![started(value.clone()), started(value.clone())];
    let refused = store.commit(commit(&acme, run(1), 0, events)).await;
    assert!(matches!(refused, Err(CommitError::TooLarge { .. })), "{refused:?}");
    let mut record = answer(&acme, task(1), 0, value.clone());
    record.kv = vec![KvWrite::of(KvSpace::Run(run(1)), "k".to_owned(), Some(value.clone()))];
    let refused = store.record(record).await;
    assert!(matches!(refused, Err(RecordError::TooLarge { .. })), "{refused:?}");
    let puts = vec![put("a", Some(value.clone())), put("b", Some(value))];
    let refused = store.change(change(&acme, None, puts)).await;
    assert!(matches!(refused, Err(ChangeError::TooLarge { .. })), "{refused:?}");
    let refused = store.put_blob(&acme, vec![0; (64 << 20) + 1]).await;
    assert!(matches!(refused, Err(ChangeError::TooLarge { .. })), "{refused:?}");
    assert_eq!(store.head(&acme, run(1)).await.unwrap(), None);
    assert_eq!(store.documents(&acme, Collection::Settings, "", None, 9).await.unwrap(), []);
    let small = answer(&acme, task(1), 0, json!(1));
    assert_eq!(store.record(small).await.unwrap(), Recorded::Written);
}

/// A key is a name, not a place for data.
pub async fn a_key_that_is_too_long_is_refused(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let longest = text(1_024);
    let fits = change(&acme, None, vec![put(&longest, Some(json!(1)))]);
    store.change(fits).await.unwrap();
    let over = change(&acme, None, vec![put(&text(1_025), Some(json!(1)))]);
    let refused = store.change(over).await;
    assert!(matches!(refused, Err(ChangeError::TooLarge { .. })), "{refused:?}");
    let found = store.document(&acme, Collection::Settings, &longest).await.unwrap();
    assert_eq!(found.unwrap().key, longest);
}
