//! Blobs: written, referred to, and read by those who may.

use serde_json::{Value, json};
use wforge_effects::BlobLimits;
use wforge_model::effect::Operation;
use wforge_ports::{EffectAnswer, EffectRequest, Store as _};
use wforge_store::MemoryStore;

use crate::memory::{get, set};
use crate::world::{KeepLimits, World, another_task, keeping_world, request, sleep};

/// The digest of `hello`.
const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn create(base64: &str) -> EffectRequest {
    let element = json!({ "media_type": "text/plain", "base64": base64 });
    request(Operation::BlobsCreate, element)
}

fn hello() -> EffectRequest {
    create("aGVsbG8=")
}

fn reference(digest: &str) -> Value {
    json!({ "$blob": digest, "size": 5, "media_type": "text/plain" })
}

fn read(digest: &str, offset: u64, len: u64) -> EffectRequest {
    let element = json!({ "blob": reference(digest), "offset": offset, "len": len });
    request(Operation::BlobsRead, element)
}

fn world() -> World<MemoryStore> {
    keeping_world(&[], KeepLimits::default())
}

fn denied(digest: &str) -> String {
    format!(
        "[denied: blobs on {digest}; a task opens only the blobs that its own input names and \
         those that it wrote]"
    )
}

#[tokio::test]
async fn what_a_task_wrote_it_can_read_by_range() {
    let calls = [
        hello(),
        read(HELLO, 0, 5),
        read(HELLO, 1, 3),
        read(HELLO, 3, 9),
        read(HELLO, 5, 1),
        read(HELLO, u64::MAX, u64::MAX),
        read(HELLO, 0, 0),
    ];
    let mut expected =
        vec![format!("[{{\"$blob\":\"{HELLO}\",\"media_type\":\"text/plain\",\"size\":5}}]")];
    expected.extend(["aGVsbG8=", "ZWxs", "bG8=", "", "", ""].map(|text| format!("[\"{text}\"]")));
    let world = world();
    assert_eq!(world.execute(&calls).await, expected);
    assert_eq!(world.execute(&calls).await, expected, "and so does its rerun");
}

#[tokio::test]
async fn a_read_takes_no_position_and_is_not_recorded() {
    let world = world();
    let mut session = world.open().await;
    for call in [hello(), read(HELLO, 0, 5), read(HELLO, 0, 1), sleep(0)] {
        assert!(matches!(session.perform(call).await, EffectAnswer::Answered(_)));
    }
    assert_eq!(session.position(), 2);
    let records = world.store.records(&world.call.tenant, world.call.task).await.unwrap();
    assert_eq!(records.len(), 3, "the blob, and the sleep's intent and answer");
    // A rerun that reads more or less is the same task.
    let told = world.execute(&[hello(), sleep(0)]).await;
    assert_eq!(told.len(), 2);
}

#[tokio::test]
async fn a_task_opens_what_its_call_names_and_nothing_else() {
    let world = world();
    world.execute(&[hello()]).await;
    let mut other = another_task(&world.call, 9);
    assert_eq!(world.execute_as(&other, &[read(HELLO, 0, 5)]).await, [denied(HELLO)]);
    let named = json!({ "files": [{ "name": "a", "content": reference(HELLO) }] });
    for field in 0..3 {
        let mut call = another_task(&world.call, 10);
        *[&mut call.input, &mut call.config, &mut call.context][field] = named.clone();
        assert_eq!(world.execute_as(&call, &[read(HELLO, 0, 5)]).await, ["[\"aGVsbG8=\"]"]);
    }
    other.input = json!({ "text": HELLO, "blob": { "digest": HELLO } });
    assert_eq!(world.execute_as(&other, &[read(HELLO, 0, 5)]).await, [denied(HELLO)]);
    other.input = named;
    other.tenant = "acme2".parse().unwrap();
    let missing = format!("[invalid-input (no_blob): there is no blob {HELLO}]");
    assert_eq!(world.execute_as(&other, &[read(HELLO, 0, 5)]).await, [missing]);
}

#[tokio::test]
async fn what_it_writes_into_its_memory_opens_nothing() {
    let world = keeping_world(&["kv:run"], KeepLimits::default());
    world.execute(&[hello()]).await;
    let other = another_task(&world.call, 9);
    let calls = [set("run", "k", reference(HELLO), None), get("run", "k"), read(HELLO, 0, 5)];
    assert_eq!(world.execute_as(&other, &calls).await.last().unwrap(), &denied(HELLO));
}

#[tokio::test]
async fn what_is_no_reference_is_refused() {
    let element = json!({ "blob": { "$blob": "sha256:1" }, "offset": 0, "len": 1 });
    let told = world().execute(&[request(Operation::BlobsRead, element)]).await;
    assert_eq!(told, ["[invalid-input (blob_reference): this is no reference to a blob]"]);
}

#[tokio::test]
async fn blobs_and_reads_have_a_limit() {
    let blobs = BlobLimits { blob_bytes_max: 5, read_bytes_max: 3, ..BlobLimits::default() };
    let world = keeping_world(&[], KeepLimits { blobs, ..KeepLimits::default() });
    let calls = [
        hello(),
        create("aGVsbG8h"),
        read(HELLO, 0, 4),
        read(HELLO, 2, u64::MAX),
        create("no base64"),
        request(Operation::BlobsCreate, json!({ "media_type": "text", "base64": "" })),
        request(Operation::BlobsCreate, json!({ "media_type": "a/\n", "base64": "" })),
    ];
    let media = "[invalid-input (media_type): a media type is written like text/plain, in at most \
                 255 bytes of ASCII]";
    assert_eq!(
        world.execute(&calls).await.split_off(1),
        [
            "[limit (blob_bytes): a blob may have at most 5 bytes]",
            "[limit (blob_read_bytes): a read gives at most 3 bytes; read in pieces]",
            "[\"bGxv\"]",
            "[invalid-input (blob_base64): the blob's bytes are no base64]",
            media,
            media,
        ]
    );
}

#[tokio::test]
async fn a_blob_that_is_read_in_pieces_is_held_as_far_as_there_is_room() {
    let other = "sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7";
    for held_bytes_max in [0, 5, 9, 64] {
        let blobs = BlobLimits { held_bytes_max, ..BlobLimits::default() };
        let world = keeping_world(&[], KeepLimits { blobs, ..KeepLimits::default() });
        let mut calls = vec![hello(), create("d29ybGQ=")];
        for offset in [0, 2, 4, 0] {
            calls.extend([read(HELLO, offset, 1), read(other, offset, 1)]);
        }
        let told = world.execute(&calls).await.split_off(2);
        let pieces = ["aA==", "dw==", "bA==", "cg==", "bw==", "ZA==", "aA==", "dw=="];
        assert_eq!(told, pieces.map(|piece| format!("[\"{piece}\"]")), "{held_bytes_max}");
    }
}

#[tokio::test]
async fn nothing_of_an_erased_tenant_is_at_hand_any_more() {
    let world = world();
    let calls = [hello(), read(HELLO, 0, 5)];
    assert_eq!(world.execute(&calls).await[1], "[\"aGVsbG8=\"]");
    let tenant = world.call.tenant.clone();
    world.store.erase(tenant.clone()).await.unwrap();
    let mut call = world.call.clone();
    call.task = another_task(&call, 9).task;
    call.input = reference(HELLO);
    let at_hand = world.execute_as(&call, &[read(HELLO, 0, 5)]).await;
    assert_eq!(at_hand, ["[\"aGVsbG8=\"]"], "what was read lately is read from memory");
    wforge_ports::Effects::forget_tenant(&world.effects, &tenant);
    let gone = world.execute_as(&call, &[read(HELLO, 0, 5)]).await;
    assert!(gone[0].starts_with("[invalid-input (no_blob)"), "{gone:?}");
}
