//! Tenants that are erased.

use serde_json::json;
use wforge_model::{Seq, TenantId, Timestamp, Version};
use wforge_ports::store::{Collection, KvQuery, KvSpace, KvWrite};

use super::Bench;
use super::make::{answer, audit, change, commit, put, reply, run, started, task, tenant, text};

fn space() -> KvSpace {
    KvSpace::Plugin("acme/agents".parse().unwrap())
}

async fn remembered(bench: &Bench, of: &TenantId) -> usize {
    let (space, now) = (space(), Timestamp(0));
    let (prefix, after, limit, bytes_max) = ("", None, 9, u64::MAX);
    let query = KvQuery { space: &space, prefix, after, limit, bytes_max, now };
    bench.store().memories(of, query).await.unwrap().entries.len()
}

async fn fill(bench: &Bench, of: &str) {
    let (of, store) = (tenant(of), bench.store());
    for number in 1..=3 {
        let mut commit = commit(&of, run(number), 0, vec![started(json!(text(5_000)))]);
        commit.idempotent_reply = Some(reply(&format!("key-{number}"), json!("secret")));
        commit.audit = vec![audit("secret")];
        store.commit(commit).await.unwrap();
        let mut record = answer(&of, task(number), 0, json!("secret"));
        record.kv = vec![KvWrite::of(space(), number.to_string(), Some(json!("secret")))];
        store.record(record).await.unwrap();
    }
    for number in 0..600 {
        let key = format!("secret-{number}");
        store.change(change(&of, None, vec![put(&key, Some(json!(number)))])).await.unwrap();
    }
    store.put_blob(&of, text(600_000).into_bytes()).await.unwrap();
}

/// More rows than one operation removes, files, and what others have.
pub async fn nothing_is_found_of_an_erased_tenant_and_all_of_the_others(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("acme-2"));
    fill(bench, "acme").await;
    fill(bench, "acme-2").await;
    bench.store().erase(acme.clone()).await.unwrap();
    let store = bench.store();
    assert_eq!(store.stored_bytes(&acme), 0);
    assert!(store.heads(&acme, None, 9).await.unwrap().is_empty());
    assert!(store.events(&acme, run(1), Seq(0), 9).await.unwrap().is_empty());
    assert!(store.records(&acme, task(1)).await.unwrap().is_empty());
    assert!(store.audit(&acme, 0, 9).await.unwrap().is_empty());
    assert_eq!(remembered(bench, &acme).await, 0);
    assert_eq!(store.memory(&acme, &space(), "1").await.unwrap().next, Version(1));
    assert_eq!(remembered(bench, &other).await, 3);
    assert!(store.idempotent_reply(&acme, "key-1").await.unwrap().is_none());
    let documents = store.documents(&acme, Collection::Settings, "", None, 9).await.unwrap();
    assert!(documents.is_empty());
    assert_eq!(store.heads(&other, None, 9).await.unwrap().len(), 3);
    let documents = store.documents(&other, Collection::Settings, "", None, 999).await.unwrap();
    assert_eq!(documents.len(), 600);
    assert_eq!(store.audit(&other, 0, 9).await.unwrap().len(), 3);
    assert!(store.stored_bytes(&other) > 600_000);
    // Twice is once.
    store.erase(acme).await.unwrap();
}

/// Whoever still works for a tenant that goes leaves nothing behind.
pub async fn what_is_written_for_an_erased_tenant_is_refused(bench: &mut Bench) {
    let acme = tenant("acme");
    fill(bench, "acme").await;
    bench.store().erase(acme.clone()).await.unwrap();
    let write = change(&acme, None, vec![put("late", Some(json!("secret")))]);
    assert!(bench.store().change(write).await.is_err());
    let late = commit(&acme, run(9), 0, vec![started(json!("secret"))]);
    assert!(bench.store().commit(late).await.is_err());
    assert_eq!(bench.store().stored_bytes(&acme), 0);
    let other = tenant("other");
    let write = change(&other, None, vec![put("a", Some(json!(1)))]);
    assert_eq!(bench.store().change(write).await.unwrap(), Version(1));
}

/// What is there counts, with its files; what goes does not.
pub async fn the_bytes_of_a_tenant_are_those_that_it_has(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    assert_eq!(store.stored_bytes(&acme), 0);
    let write = |value| change(&acme, None, vec![put("a", value)]);
    store.change(write(Some(json!("x".repeat(10_000))))).await.unwrap();
    let full = store.stored_bytes(&acme);
    assert!((10_000..11_000).contains(&full), "{full}");
    store.change(write(Some(json!("x".repeat(100))))).await.unwrap();
    let small = store.stored_bytes(&acme);
    assert!(small < 1_500, "{small}");
    store.change(write(Some(json!("x".repeat(600_000))))).await.unwrap();
    assert!(store.stored_bytes(&acme) > 600_000);
    store.change(write(None)).await.unwrap();
    assert!(store.stored_bytes(&acme) < 1_500, "{}", store.stored_bytes(&acme));
    assert_eq!(store.stored_bytes(&tenant("other")), 0);
}

/// An opening does not count anew, and does not forget.
pub async fn bytes_and_erasures_outlive_the_process(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    fill(bench, "acme").await;
    fill(bench, "other").await;
    let bytes = bench.store().stored_bytes(&other);
    bench.store().erase(acme.clone()).await.unwrap();
    bench.reopen();
    assert_eq!(bench.store().stored_bytes(&other), bytes);
    assert_eq!(bench.store().stored_bytes(&acme), 0);
    assert!(bench.store().heads(&acme, None, 9).await.unwrap().is_empty());
    bench.close_and_reopen().await;
    assert_eq!(bench.store().heads(&other, None, 9).await.unwrap().len(), 3);
    let found = bench.store().documents(&other, Collection::Settings, "", None, 999).await;
    assert_eq!(found.unwrap().len(), 600);
}
