//! Documents and the audit log.

use serde_json::json;
use wforge_model::{TenantId, Version};
use wforge_ports::store::{ChangeError, Collection, Put};

use super::Bench;
use super::make::{audit, change, put, reply, tenant};

async fn setting(bench: &Bench, of: &TenantId, key: &str) -> Option<(u64, serde_json::Value)> {
    let found = bench.store().document(of, Collection::Settings, key).await.unwrap();
    found.map(|document| (document.version.0, document.value))
}

/// Two who create the same thing: the second is told.
pub async fn a_document_that_must_not_exist_is_made_once(bench: &mut Bench) {
    let acme = tenant("acme");
    let make = || change(&acme, Some(0), vec![put("a", Some(json!("mine")))]);
    assert_eq!(bench.store().change(make()).await.unwrap(), Version(1));
    let error = bench.store().change(make()).await;
    assert!(matches!(error, Err(ChangeError::Conflict { .. })), "{error:?}");
    assert_eq!(setting(bench, &acme, "a").await, Some((1, json!("mine"))));
    assert_eq!(setting(bench, &acme, "b").await, None);
}

/// Nobody overwrites what they have not seen.
pub async fn a_change_on_an_old_version_conflicts_and_says_what_is_there(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let write = |expected, value: u8| change(&acme, expected, vec![put("a", Some(json!(value)))]);
    store.change(write(Some(0), 1)).await.unwrap();
    assert_eq!(store.change(write(Some(1), 2)).await.unwrap(), Version(2));
    for stale in [0, 1, 3] {
        let error = store.change(write(Some(stale), 9)).await;
        let Err(ChangeError::Conflict { key, expected, found }) = error else {
            panic!("{stale}: {error:?}");
        };
        assert_eq!((key.as_str(), expected, found), ("a", Version(stale), Version(2)));
    }
    assert_eq!(setting(bench, &acme, "a").await, Some((2, json!(2))));
}

/// Whoever expects nothing always writes.
pub async fn a_change_without_a_version_overwrites(bench: &mut Bench) {
    let acme = tenant("acme");
    for value in 1..=3_u64 {
        let change = change(&acme, None, vec![put("a", Some(json!(value)))]);
        assert_eq!(bench.store().change(change).await.unwrap(), Version(value));
    }
}

/// A version that was seen before a deletion never fits what was made after it.
pub async fn a_version_never_comes_again_after_a_deletion(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    store.change(change(&acme, Some(0), vec![put("a", Some(json!(1)))])).await.unwrap();
    store.change(change(&acme, Some(1), vec![put("a", None)])).await.unwrap();
    assert_eq!(setting(bench, &acme, "a").await, None);
    let again = change(&acme, Some(0), vec![put("a", Some(json!(2)))]);
    assert!(store.change(again).await.unwrap() > Version(1));
    let stale = change(&acme, Some(1), vec![put("a", Some(json!(3)))]);
    assert!(matches!(store.change(stale).await, Err(ChangeError::Conflict { .. })));
}

/// What goes with a refused change is refused with it.
pub async fn puts_are_made_all_or_none(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    store.change(change(&acme, None, vec![put("a", Some(json!(1)))])).await.unwrap();
    let puts = vec![put("a", Some(json!(2))), put("b", Some(json!(2)))];
    let mut refused = change(&acme, Some(0), puts.clone());
    refused.audit = vec![audit("settings.put")];
    refused.idempotent_reply = Some(reply("key", json!(1)));
    store.change(refused).await.unwrap_err();
    assert_eq!(setting(bench, &acme, "a").await, Some((1, json!(1))));
    assert_eq!(setting(bench, &acme, "b").await, None);
    assert_eq!(store.audit(&acme, 0, 9).await.unwrap(), []);
    assert_eq!(store.idempotent_reply(&acme, "key").await.unwrap(), None);
    assert_eq!(store.change(change(&acme, Some(1), puts)).await.unwrap(), Version(2));
    assert_eq!(setting(bench, &acme, "b").await, Some((1, json!(2))));
}

/// The order of puts is the order in which they are made.
pub async fn the_last_of_two_puts_of_one_document_stands(bench: &mut Bench) {
    let acme = tenant("acme");
    let puts = vec![put("a", Some(json!("one"))), put("a", Some(json!("two")))];
    bench.store().change(change(&acme, Some(0), puts)).await.unwrap();
    assert_eq!(setting(bench, &acme, "a").await, Some((2, json!("two"))));
}

async fn listed(
    bench: &Bench,
    of: &TenantId,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Vec<String> {
    let found =
        bench.store().documents(of, Collection::Settings, prefix, after, limit).await.unwrap();
    found.into_iter().map(|document| document.key).collect()
}

/// A cursor is the last key of a page.
pub async fn documents_are_listed_by_prefix_and_in_pages(bench: &mut Bench) {
    let acme = tenant("acme");
    let names = ["a", "p/a", "p/a@1", "p/b", "p/é", "q"];
    let puts = names.iter().rev().map(|name| put(name, Some(json!(name)))).collect();
    bench.store().change(change(&acme, None, puts)).await.unwrap();
    assert_eq!(listed(bench, &acme, "", None, 99).await, names);
    assert_eq!(listed(bench, &acme, "p/", None, 2).await, ["p/a", "p/a@1"]);
    assert_eq!(listed(bench, &acme, "p/", Some("p/a@1"), 9).await, ["p/b", "p/é"]);
    assert_eq!(listed(bench, &acme, "p/", Some("a"), 1).await, ["p/a"]);
    assert_eq!(listed(bench, &acme, "p/", Some("z"), 9).await, [""; 0]);
    assert_eq!(listed(bench, &acme, "z", None, 9).await, [""; 0]);
}

/// Whoever keeps a list knows when it is old: as soon as a writer is told that it has written.
pub async fn a_list_has_another_version_when_a_document_of_it_is_written(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    let version = |of: &TenantId| bench.store().documents_version(of, Collection::Settings);
    let mut seen = vec![version(&acme)];
    for value in [Some(json!(1)), Some(json!(2)), None] {
        bench.store().change(change(&acme, None, vec![put("a", value)])).await.unwrap();
        let now = version(&acme);
        assert!(!seen.contains(&now), "{now} of {seen:?}");
        seen.push(now);
    }
    let before = version(&acme);
    bench.store().change(change(&other, None, vec![put("a", Some(json!(1)))])).await.unwrap();
    let workflow =
        Put { collection: Collection::Workflows, key: "a".to_owned(), value: Some(json!(1)) };
    bench.store().change(change(&acme, None, vec![workflow])).await.unwrap();
    assert_eq!(version(&acme), before, "nobody wrote to this list");
}

/// However many were deleted, a page is full as long as there is more.
pub async fn deleted_documents_are_not_listed(bench: &mut Bench) {
    let acme = tenant("acme");
    let name = |number| format!("{number:04}");
    let all = (0..700).map(|n| put(&name(n), Some(json!(n)))).collect();
    bench.store().change(change(&acme, None, all)).await.unwrap();
    let some = (0..690).map(|n| put(&name(n), None)).collect();
    bench.store().change(change(&acme, None, some)).await.unwrap();
    assert_eq!(listed(bench, &acme, "", None, 2).await, ["0690", "0691"]);
    assert_eq!(listed(bench, &acme, "0", Some("0690"), 99).await.len(), 9);
}

/// The same key is another document elsewhere.
pub async fn collections_and_tenants_share_no_documents(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    let all = [
        Collection::Plugins,
        Collection::WorkflowVersions,
        Collection::Workflows,
        Collection::Settings,
    ];
    for collection in all {
        let value = Some(json!(format!("{collection:?}")));
        let put = Put { collection, key: "k".to_owned(), value };
        assert_eq!(store.change(change(&acme, Some(0), vec![put])).await.unwrap(), Version(1));
    }
    for collection in all {
        let found = store.document(&acme, collection, "k").await.unwrap().unwrap();
        assert_eq!(found.value, json!(format!("{collection:?}")));
        assert_eq!(store.document(&other, collection, "k").await.unwrap(), None);
        assert_eq!(store.documents(&other, collection, "", None, 9).await.unwrap(), []);
        assert_eq!(store.documents(&acme, collection, "", None, 9).await.unwrap().len(), 1);
    }
}

async fn act(bench: &Bench, of: &TenantId, actions: &[&str]) {
    for action in actions {
        let mut change = change(of, None, vec![put("a", Some(json!(1)))]);
        change.audit = vec![audit(action), audit("after")];
        bench.store().change(change).await.unwrap();
    }
}

async fn hashes(bench: &Bench, of: &TenantId) -> Vec<String> {
    let entries = bench.store().audit(of, 0, 99).await.unwrap();
    entries.into_iter().map(|entry| entry.hash).collect()
}

/// Places have no gap, and pages go on after a place.
pub async fn audit_entries_are_numbered_and_chained(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    act(bench, &acme, &["one", "two"]).await;
    let entries = bench.store().audit(&acme, 0, 99).await.unwrap();
    let found: Vec<_> =
        entries.iter().map(|entry| (entry.place, entry.entry.action.as_str())).collect();
    assert_eq!(found, [(1, "one"), (2, "after"), (3, "two"), (4, "after")]);
    let page = bench.store().audit(&acme, 2, 1).await.unwrap();
    assert_eq!(page, entries[2..3]);
    assert_eq!(bench.store().audit(&other, 0, 9).await.unwrap(), []);
}

/// A changed entry changes every hash from there on, also of entries that read the same.
pub async fn the_same_history_has_the_same_hashes_and_another_has_not(bench: &mut Bench) {
    let (one, two, three) = (tenant("one"), tenant("two"), tenant("three"));
    act(bench, &one, &["x", "y"]).await;
    act(bench, &two, &["x", "y"]).await;
    act(bench, &three, &["x", "z"]).await;
    let (one, two, three) =
        (hashes(bench, &one).await, hashes(bench, &two).await, hashes(bench, &three).await);
    assert_eq!(one, two);
    assert_eq!(one[..2], three[..2]);
    assert!(one[2] != three[2] && one[3] != three[3]);
    assert_eq!(one.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
}
