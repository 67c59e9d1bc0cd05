//! What plugins remember, put right by hand.

use serde_json::{Value, json};
use wforge_engine::{EngineError, KvPut};
use wforge_model::Version;
use wforge_ports::store::KvSpace;

use crate::harness::{CHAIN, World, ok, request, tenant};

fn plugin() -> KvSpace {
    KvSpace::Plugin("acme/count".parse().unwrap())
}

fn put(key: &str, value: Option<Value>, expected: Option<u64>) -> KvPut {
    KvPut {
        space: plugin(),
        key: key.into(),
        value,
        expected: expected.map(Version),
        ttl_ms: None,
        by: "ada".into(),
    }
}

fn code(refused: Result<wforge_ports::store::KvEntry, EngineError>) -> &'static str {
    match refused.unwrap_err() {
        EngineError::Conflict { code, .. } | EngineError::Invalid { code, .. } => code,
        EngineError::NotFound { kind, .. } => kind,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_key_is_written_at_the_version_that_was_read_and_the_audit_log_says_by_whom() {
    let world = World::new(ok);
    let of = tenant();
    let made = world.handle.put_kv(&of, put("k/1", Some(json!(1)), Some(0))).await.unwrap();
    assert_eq!((made.version, made.value), (Version(1), json!(1)));
    let stale = world.handle.put_kv(&of, put("k/1", Some(json!(2)), Some(0))).await;
    assert_eq!(code(stale), "kv_version");
    world.handle.put_kv(&of, put("k/1", Some(json!(2)), Some(1))).await.unwrap();
    let other = "other".parse().unwrap();
    let page = world.handle.kv_entries(&other, &plugin(), ("", None), 9).await.unwrap();
    assert!(page.entries.is_empty());
    let gone = world.handle.put_kv(&of, put("k/1", None, Some(2))).await.unwrap();
    assert_eq!(gone.value, json!(2));
    assert_eq!(code(world.handle.put_kv(&of, put("k/1", None, None)).await), "key");
    assert_eq!(code(world.handle.kv_entry(&of, &plugin(), "k/1").await), "key");
    let audit = world.store().audit(&of, 0, 9).await.unwrap();
    let said = audit.iter().map(|entry| (entry.entry.action.as_str(), entry.entry.actor.as_str()));
    assert_eq!(
        said.collect::<Vec<_>>(),
        [("kv.put", "ada"), ("kv.put", "ada"), ("kv.delete", "ada")]
    );
}

#[tokio::test]
async fn what_expires_is_gone_in_time_and_what_is_too_large_is_refused() {
    let world = World::new(ok);
    let of = tenant();
    let short = KvPut { ttl_ms: Some(1_000), ..put("k", Some(json!("x")), None) };
    world.handle.put_kv(&of, short).await.unwrap();
    assert!(world.handle.kv_entry(&of, &plugin(), "k").await.is_ok());
    world.advance(1_000);
    assert_eq!(code(world.handle.kv_entry(&of, &plugin(), "k").await), "key");
    let long = "k".repeat(513);
    assert_eq!(code(world.handle.put_kv(&of, put(&long, None, None)).await), "kv_key_bytes");
    let large = Some(json!("x".repeat(256 << 10)));
    assert_eq!(code(world.handle.put_kv(&of, put("k", large, None)).await), "kv_value_bytes");
}

#[tokio::test]
async fn the_memory_of_a_run_is_only_read_for_it_follows_from_its_tasks() {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    let space = KvSpace::Run(run);
    let page = world.handle.kv_entries(&tenant(), &space, ("", None), 9).await.unwrap();
    assert!(page.entries.is_empty());
    let written = KvPut { space: space.clone(), ..put("k", Some(json!(1)), None) };
    assert_eq!(code(world.handle.put_kv(&tenant(), written).await), "kv_of_run");
    let other = "other".parse().unwrap();
    let hidden = world.handle.kv_entries(&other, &space, ("", None), 9).await;
    assert!(matches!(hidden, Err(EngineError::NotFound { kind: "run", .. })), "{hidden:?}");
}
