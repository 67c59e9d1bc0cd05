//! Blobs that nothing names: noted at the first look, removed at one that comes long enough after.

use serde_json::{Value, json};
use wforge_model::head::RunStatus;
use wforge_model::{Digest, TenantId, ThreadId, Timestamp};
use wforge_ports::store::{BlobSweep, Collection, KvSpace, KvWrite, Put, QueueChange, Snapshot};
use wforge_ports::threads::{Forget, Forgotten};

use super::Bench;
use super::make::{answer, audit, change, commit, reply, run, started, task, tenant, text};

/// Large enough for a file of its own.
const LARGE: usize = 300_000;

async fn put(bench: &Bench, of: &TenantId, bytes: &str) -> Digest {
    bench.store().put_blob(of, bytes.as_bytes().to_vec()).await.unwrap()
}

/// Looks at all blobs and does what follows; how many went.
async fn sweep(bench: &Bench, of: &TenantId, now: u64, noted_by: u64) -> usize {
    let found = bench.store().blobs(of, None, 99, Timestamp(now)).await.unwrap().blobs;
    let (named, unnamed): (Vec<_>, Vec<_>) = found.iter().partition(|blob| blob.is_named);
    let digests = |blobs: Vec<&wforge_ports::store::KeptBlob>| {
        blobs.into_iter().map(|blob| blob.digest).collect()
    };
    let sweep = BlobSweep {
        tenant: of.clone(),
        named: digests(named),
        unnamed: digests(unnamed),
        now: Timestamp(now),
        noted_by: Timestamp(noted_by),
    };
    bench.store().sweep_blobs(sweep).await.unwrap().len()
}

async fn is_named(bench: &Bench, of: &TenantId, digest: Digest, now: u64) -> bool {
    let page = bench.store().blobs(of, None, 99, Timestamp(now)).await.unwrap();
    page.blobs.iter().find(|blob| blob.digest == digest).unwrap().is_named
}

fn named(digest: Digest) -> Value {
    json!({ "deep": [{ "$blob": digest, "size": 1, "media_type": "text/plain" }] })
}

/// Its bytes are the tenant's again, and a look that is repeated finds nothing to do.
pub async fn a_blob_that_nothing_names_goes_at_the_second_look(bench: &mut Bench) {
    let acme = tenant("acme");
    // So that it has a key, whose row counts as well.
    bench.store().change(change(&acme, None, vec![super::make::put("k", None)])).await.unwrap();
    let before = bench.store().stored_bytes(&acme);
    for bytes in [text(9), text(LARGE)] {
        let digest = put(bench, &acme, &bytes).await;
        let taken = bench.store().stored_bytes(&acme) - before;
        let page = bench.store().blobs(&acme, None, 99, Timestamp(1)).await.unwrap();
        let blob = page.blobs[0];
        assert_eq!((blob.digest, blob.is_named, blob.unnamed_since), (digest, false, None));
        assert!(blob.bytes <= taken && taken < blob.bytes + 200, "{taken} of {}", blob.bytes);
        assert_eq!(sweep(bench, &acme, 1_000, 999).await, 0, "it is noted");
        assert_eq!(sweep(bench, &acme, 2_000, 999).await, 0, "it was noted later");
        assert!(bench.store().blob(&acme, digest).await.unwrap() == Some(bytes.into_bytes()));
        assert_eq!(sweep(bench, &acme, 3_000, 1_000).await, 1);
        assert_eq!(bench.store().blob(&acme, digest).await.unwrap(), None);
        assert_eq!(bench.store().stored_bytes(&acme), before);
        assert_eq!(sweep(bench, &acme, 4_000, 3_000).await, 0);
    }
}

/// Each kind of row in which a run, a plugin or a person can have left it.
pub async fn a_blob_stays_while_anything_names_it(bench: &mut Bench) {
    let acme = tenant("acme");
    let mut all = Vec::new();
    for number in 0..9 {
        all.push(put(bench, &acme, &number.to_string()).await);
    }
    let store = bench.store();
    let mut first = commit(&acme, run(1), 0, vec![started(named(all[0]))]);
    first.idempotent_reply = Some(reply("key", named(all[1])));
    let mut heard = audit("blob.seen");
    heard.resource = all[8].to_string();
    first.audit = vec![heard];
    (first.queue, first.head.status) = (QueueChange::Done, RunStatus::Completed);
    first.head.workflow = all[2].to_string();
    store.commit(first).await.unwrap();
    let mut record = answer(&acme, task(1), 0, named(all[3]));
    let space = KvSpace::Thread(ThreadId::from_bytes([7; 16]));
    let mut write = KvWrite::of(space.clone(), "k".to_owned(), Some(named(all[4])));
    write.expires_at = Some(Timestamp(9_000));
    record.kv = vec![write];
    store.record(record).await.unwrap();
    let state = format!("{{\"state\":{}}}", named(all[5])).into_bytes();
    let seq = wforge_model::Seq(1);
    let snapshot = Snapshot { tenant: acme.clone(), run: run(1), seq, state };
    store.save_snapshot(snapshot).await.unwrap();
    let document =
        |key: &str, value| Put { collection: Collection::Cache, key: key.to_owned(), value };
    let large = json!([text(LARGE), named(all[6])]);
    store.change(change(&acme, None, vec![document("a", Some(large))])).await.unwrap();

    for (place, digest) in all.iter().enumerate() {
        // The audit log says what was done, and opens nothing.
        assert_eq!(is_named(bench, &acme, *digest, 8_999).await, place < 7, "{place}");
    }
    assert!(!is_named(bench, &acme, all[1], 9_000).await, "the reply has expired");
    // The record says what was written, so the entry is not the only one.
    assert!(is_named(bench, &acme, all[4], 9_000).await);
    store.change(change(&acme, None, vec![document("a", None)])).await.unwrap();
    assert!(!is_named(bench, &acme, all[6], 0).await);
    let (tenant, tasks) = (acme.clone(), vec![task(1)]);
    let forget = Forget { tenant, run: run(1), at: None, listed: None, tasks };
    assert_eq!(store.forget(forget).await.unwrap(), Forgotten::Whole);
    for (place, digest) in all.iter().enumerate() {
        assert_eq!(is_named(bench, &acme, *digest, 0).await, place == 1 || place == 4, "{place}");
    }
    assert!(!is_named(bench, &acme, all[4], 9_000).await, "the entry has expired");
}

/// Whatever was known of it before.
pub async fn whoever_keeps_a_blob_again_takes_the_note_away(bench: &mut Bench) {
    let acme = tenant("acme");
    for bytes in [text(9), text(LARGE)] {
        let digest = put(bench, &acme, &bytes).await;
        assert_eq!(sweep(bench, &acme, 1_000, 0).await, 0);
        let look = bench.store().blobs(&acme, None, 99, Timestamp(1)).await.unwrap();
        // It comes between a look and what follows from it.
        assert_eq!(put(bench, &acme, &bytes).await, digest);
        let sweep_late = BlobSweep {
            tenant: acme.clone(),
            named: Vec::new(),
            unnamed: look.blobs.iter().map(|blob| blob.digest).collect(),
            now: Timestamp(9_000),
            noted_by: Timestamp(8_000),
        };
        assert!(bench.store().sweep_blobs(sweep_late).await.unwrap().is_empty());
        assert_eq!(sweep(bench, &acme, 9_500, 8_999).await, 0, "noted anew at 9,000");
        assert_eq!(bench.store().blob(&acme, digest).await.unwrap(), Some(bytes.into_bytes()));
        assert_eq!(sweep(bench, &acme, 9_600, 9_000).await, 1);
    }
    // Named again without being kept again, it has its whole time as well.
    let digest = put(bench, &acme, "named again").await;
    assert_eq!(sweep(bench, &acme, 1_000, 0).await, 0);
    bench.store().commit(commit(&acme, run(1), 0, vec![started(named(digest))])).await.unwrap();
    assert_eq!(sweep(bench, &acme, 9_000, 8_000).await, 0);
    let page = bench.store().blobs(&acme, None, 99, Timestamp(1)).await.unwrap();
    assert_eq!(page.blobs[0].unnamed_since, None);
}

/// The same bytes, named there and not here.
pub async fn a_sweep_reaches_no_other_tenant(bench: &mut Bench) {
    let (acme, other) = (tenant("acme"), tenant("acme-2"));
    let digest = put(bench, &acme, "both").await;
    put(bench, &other, "both").await;
    bench.store().commit(commit(&other, run(1), 0, vec![started(named(digest))])).await.unwrap();
    assert!(!is_named(bench, &acme, digest, 0).await);
    assert_eq!(sweep(bench, &acme, 1, 0).await, 0);
    assert_eq!(sweep(bench, &acme, 2, 1).await, 1);
    assert_eq!(sweep(bench, &other, 2, 2).await, 0);
    assert!(bench.store().blob(&other, digest).await.unwrap().is_some());
}

/// More than are read in one go, on either side.
pub async fn blobs_come_in_pages_with_what_names_them(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let empty = store.blobs(&acme, None, 9, Timestamp(0)).await.unwrap();
    assert_eq!((empty.blobs.len(), empty.has_more), (0, false));
    let mut all = Vec::new();
    for number in 0..150 {
        all.push(put(bench, &acme, &number.to_string()).await);
    }
    for (digest, expected) in all.iter().zip(0..140) {
        let commit = commit(&acme, run(1), expected, vec![started(named(*digest))]);
        store.commit(commit).await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.blobs(&acme, after, 70, Timestamp(0)).await.unwrap();
        after = page.blobs.last().map(|blob| blob.digest);
        found.extend(page.blobs);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(found.len(), 150);
    assert!(found.is_sorted_by_key(|blob| blob.digest));
    assert_eq!(found.iter().filter(|blob| blob.is_named).count(), 140);
    let whole = store.blobs(&acme, None, 150, Timestamp(0)).await.unwrap();
    assert_eq!((whole.blobs, whole.has_more), (found, false));
}

/// Whoever is interrupted between two looks goes on with the first.
pub async fn notes_of_unnamed_blobs_survive_a_reopening(bench: &mut Bench) {
    let acme = tenant("acme");
    let digest = put(bench, &acme, &text(LARGE)).await;
    assert_eq!(sweep(bench, &acme, 1_000, 0).await, 0);
    bench.reopen();
    assert_eq!(sweep(bench, &acme, 2_000, 1_000).await, 1);
    bench.reopen();
    assert_eq!(bench.store().blob(&acme, digest).await.unwrap(), None);
    assert_eq!(sweep(bench, &acme, 3_000, 2_000).await, 0);
    bench.close_and_reopen().await;
    assert_eq!(put(bench, &acme, &text(LARGE)).await, digest);
    assert!(bench.store().blob(&acme, digest).await.unwrap().is_some());
}
