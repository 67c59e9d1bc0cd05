//! What webhooks are told goes with the commit that it follows from.

use serde_json::json;
use wforge_model::{TenantId, Timestamp};
use wforge_ports::store::{Collection, IdempotentReply, OutboxRow, Put};

use super::Bench;
use super::make::{change, commit, reply, run, started, stepped, tenant};

async fn outbox(bench: &Bench, of: &TenantId) -> Vec<String> {
    let store = bench.store();
    let found = store.documents(of, Collection::Deliveries, "", None, 99).await.unwrap();
    found.into_iter().map(|document| format!("{}={}", document.key, document.value)).collect()
}

fn row(key: &str) -> OutboxRow {
    OutboxRow { key: key.to_owned(), value: json!(key) }
}

/// Nothing is told of what did not happen, and nothing is lost of what did.
pub async fn what_webhooks_are_told_stands_with_its_commit_or_not_at_all(bench: &mut Bench) {
    let acme = tenant("acme");
    let mut first = commit(&acme, run(1), 0, vec![started(json!(1))]);
    first.outbox = vec![row("hook/a"), row("hook/b")];
    bench.store().commit(first.clone()).await.unwrap();
    assert_eq!(outbox(bench, &acme).await, [r#"hook/a="hook/a""#, r#"hook/b="hook/b""#]);
    let mut late = commit(&acme, run(1), 0, vec![stepped(1)]);
    late.outbox = vec![row("hook/c")];
    bench.store().commit(late).await.unwrap_err();
    let expires_at = Timestamp(u64::MAX);
    let replied = IdempotentReply { expires_at, ..reply("key", json!(1)) };
    for place in 2..=3 {
        let mut again = commit(&acme, run(place), 0, vec![started(json!(1))]);
        again.idempotent_reply = Some(replied.clone());
        again.outbox = vec![row(&format!("hook/{place}"))];
        let done = bench.store().commit(again).await;
        assert_eq!(done.is_ok(), place == 2, "{done:?}");
    }
    assert_eq!(outbox(bench, &acme).await.len(), 3);
    assert_eq!(outbox(bench, &tenant("other")).await, [""; 0]);
}

/// However many were told, only what is kept takes room.
pub async fn a_delivery_that_is_deleted_leaves_nothing(bench: &mut Bench) {
    let acme = tenant("acme");
    bench.store().commit(commit(&acme, run(1), 0, vec![started(json!(1))])).await.unwrap();
    let before = bench.store().stored_bytes(&acme);
    let put = |key: &str, value| {
        let put = Put { collection: Collection::Deliveries, key: key.to_owned(), value };
        change(&acme, None, vec![put])
    };
    bench.store().change(put("hook/a", Some(json!("x".repeat(500))))).await.unwrap();
    assert!(bench.store().stored_bytes(&acme) > before);
    bench.store().change(put("hook/a", None)).await.unwrap();
    assert_eq!(outbox(bench, &acme).await, [""; 0]);
    assert_eq!(bench.store().stored_bytes(&acme), before);
}
