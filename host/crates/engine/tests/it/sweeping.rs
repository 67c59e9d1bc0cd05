//! Blobs that no run names any more.

use serde_json::json;
use wforge_engine::{
    BlobOptions, BlobsSwept, EngineOptions, ForkPoint, KeepBorders, SweepMode, SweptBlob,
};
use wforge_model::{Digest, Version};
use wforge_ports::store::{Change, Collection, Put};

use crate::harness::{World, now, ok, tenant};
use crate::thread_world::{checkpoint, go_on, run, thread, word};

const GRACE_MS: u64 = 1_000;

fn world(sweep_ms: u64) -> World {
    let blobs = BlobOptions { grace_ms: GRACE_MS, sweep_ms };
    World::with(EngineOptions { blobs, ..EngineOptions::default() }, ok)
}

async fn put(world: &World, text: &str) -> Digest {
    world.handle.put_blob(&tenant(), text.as_bytes().to_vec()).await.unwrap()
}

async fn is_kept(world: &World, digest: Digest) -> bool {
    world.store().blob(&tenant(), digest).await.unwrap().is_some()
}

/// Kept, waiting, removed.
async fn sweep(world: &World, mode: SweepMode) -> (u64, u64, u64) {
    let BlobsSwept { kept, waiting, removed, .. } =
        world.handle.sweep_blobs(&tenant(), mode).await.unwrap();
    (kept, waiting, removed)
}

/// Two looks with the grace time between them.
async fn sweep_twice(world: &World) -> (u64, u64, u64) {
    sweep(world, SweepMode::Remove).await;
    world.advance(GRACE_MS);
    sweep(world, SweepMode::Remove).await
}

#[tokio::test]
async fn an_upload_that_no_run_names_goes_after_the_grace_time_and_its_bytes_with_it() {
    let world = world(0);
    let before = world.store().stored_bytes(&tenant());
    let digest = put(&world, &"x".repeat(100_000)).await;
    assert_eq!(sweep(&world, SweepMode::Look).await, (0, 1, 0));
    world.advance(9 * GRACE_MS);
    assert_eq!(sweep(&world, SweepMode::Look).await, (0, 1, 0), "looking notes nothing");
    assert_eq!(sweep(&world, SweepMode::Remove).await, (0, 1, 0));
    world.advance(GRACE_MS - 1);
    assert_eq!(sweep(&world, SweepMode::Remove).await, (0, 1, 0));
    world.advance(1);
    assert_eq!(sweep(&world, SweepMode::Look).await, (0, 0, 1));
    assert!(is_kept(&world, digest).await);
    let swept = world.handle.sweep_blobs(&tenant(), SweepMode::Remove).await.unwrap();
    let [SweptBlob { digest: gone, bytes }] = swept.blobs[..] else { panic!("{swept:?}") };
    assert!(gone == digest && bytes > 100_000 && swept.removed_bytes == bytes);
    assert!(!is_kept(&world, digest).await);
    assert!(world.store().stored_bytes(&tenant()) < before + 1_000, "the quota falls");
    assert_eq!(sweep(&world, SweepMode::Remove).await, (0, 0, 0));
}

#[tokio::test]
async fn whoever_uploads_it_again_has_the_whole_grace_time_again() {
    let world = world(0);
    let digest = put(&world, "again").await;
    for _ in 0..5 {
        sweep(&world, SweepMode::Remove).await;
        world.advance(GRACE_MS - 1);
        assert_eq!(put(&world, "again").await, digest);
    }
    assert_eq!(sweep(&world, SweepMode::Remove).await, (0, 1, 0));
    world.advance(GRACE_MS);
    assert_eq!(sweep(&world, SweepMode::Remove).await, (0, 0, 1));
}

#[tokio::test]
async fn a_blob_stays_with_the_runs_that_name_it_and_goes_after_the_last() {
    let world = world(0);
    let (kept, gone) = (put(&world, "kept").await, put(&world, "gone").await);
    run(&world, word(&kept.to_string())).await;
    let after_a = checkpoint(&world, 1).await;
    go_on(&world, ForkPoint::Checkpoint(after_a)).await;
    let first = checkpoint(&world, 4).await;
    run(&world, word(&gone.to_string())).await;
    go_on(&world, ForkPoint::Checkpoint(first)).await;
    assert_eq!(sweep_twice(&world).await, (2, 0, 0));
    let newest = KeepBorders::Newest(std::num::NonZeroU32::MIN);
    world.handle.prune_thread(&tenant(), thread(1), newest, "ada").await.unwrap();
    assert_eq!(sweep(&world, SweepMode::Remove).await, (1, 1, 0), "its time begins now");
    world.advance(GRACE_MS);
    let world = world.restart_with(
        EngineOptions {
            blobs: BlobOptions { grace_ms: GRACE_MS, sweep_ms: 0 },
            ..EngineOptions::default()
        },
        ok,
    );
    let world = world.await;
    assert_eq!(sweep(&world, SweepMode::Remove).await, (1, 0, 1));
    assert!(is_kept(&world, kept).await && !is_kept(&world, gone).await);
    assert_eq!(sweep_twice(&world).await, (1, 0, 0));
}

#[tokio::test]
async fn a_result_that_has_expired_in_a_cache_keeps_no_blob() {
    let world = world(0);
    let digest = put(&world, "cached").await;
    let expires_at = now(&world).after_ms(5 * GRACE_MS);
    let kept = json!({ "output": { "$blob": digest }, "expires_at": expires_at });
    let change = Change {
        tenant: tenant(),
        expected: Some(Version(0)),
        puts: vec![Put { collection: Collection::Cache, key: "k".into(), value: Some(kept) }],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    world.store().change(change).await.unwrap();
    assert_eq!(sweep_twice(&world).await, (1, 0, 0));
    world.advance(5 * GRACE_MS);
    assert_eq!(sweep_twice(&world).await, (0, 0, 1));
}

#[tokio::test]
async fn a_server_looks_by_itself_again_and_again() {
    let world = world(10 * GRACE_MS);
    world.handle.ensure_tenant(tenant(), "test").await.unwrap();
    let digest = put(&world, "forgotten").await;
    world.idle().await;
    world.advance(GRACE_MS);
    world.idle().await;
    assert!(is_kept(&world, digest).await, "it was noted");
    world.advance(10 * GRACE_MS - 1);
    world.idle().await;
    assert!(is_kept(&world, digest).await);
    world.advance(1);
    world.idle().await;
    assert!(!is_kept(&world, digest).await);
}
