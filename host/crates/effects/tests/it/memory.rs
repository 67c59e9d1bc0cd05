//! What a plugin remembers: of its run, its thread, and itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wforge_effects::KvLimits;
use wforge_model::effect::Operation;
use wforge_model::{RunId, ThreadId};
use wforge_ports::{EffectAnswer, EffectRequest};
use wforge_store::MemoryStore;

use crate::world::{KeepLimits, World, another_task, keeping_world, request};

const ALL: [&str; 3] = ["kv:run", "kv:thread", "kv:plugin"];

pub(crate) fn get(scope: &str, key: &str) -> EffectRequest {
    request(Operation::KvGet, json!({ "scope": scope, "key": key }))
}

#[expect(clippy::needless_pass_by_value, reason = "reads best at its many callers")]
pub(crate) fn set(scope: &str, key: &str, value: Value, ttl_ms: Option<u64>) -> EffectRequest {
    let element = json!({ "scope": scope, "key": key, "value": value, "ttl_ms": ttl_ms });
    request(Operation::KvSet, element)
}

pub(crate) fn delete(scope: &str, key: &str) -> EffectRequest {
    request(Operation::KvDelete, json!({ "scope": scope, "key": key }))
}

#[expect(clippy::needless_pass_by_value, reason = "reads best at its many callers")]
pub(crate) fn swap(scope: &str, key: &str, expected: Option<u64>, value: Value) -> EffectRequest {
    let element = json!({ "scope": scope, "key": key, "expected": expected, "value": value });
    request(Operation::KvCompareAndSwap, element)
}

pub(crate) fn list(scope: &str, prefix: &str, limit: u64, cursor: Option<&str>) -> EffectRequest {
    let element = json!({ "scope": scope, "prefix": prefix, "limit": limit, "cursor": cursor });
    request(Operation::KvList, element)
}

fn world() -> World<MemoryStore> {
    let mut world = keeping_world(&ALL, KeepLimits::default());
    world.call.thread = Some(ThreadId::from_bytes([5; 16]));
    world
}

async fn tells(world: &World<MemoryStore>, requests: &[EffectRequest], expected: &[&str]) {
    assert_eq!(world.execute(requests).await, expected);
}

#[tokio::test]
async fn what_was_set_is_there_until_it_is_deleted() {
    let calls = [
        get("run", "k"),
        set("run", "k", json!({ "n": 1 }), None),
        get("run", "k"),
        set("run", "k", json!(null), None),
        get("run", "k"),
        delete("run", "k"),
        delete("run", "k"),
        get("run", "k"),
    ];
    let expected = [
        "[null]",
        r#"[{"key":"k","value":{"n":1},"version":1}]"#,
        r#"[{"key":"k","value":{"n":1},"version":1}]"#,
        r#"[{"key":"k","value":null,"version":2}]"#,
        r#"[{"key":"k","value":null,"version":2}]"#,
        "[true]",
        "[false]",
        "[null]",
    ];
    tells(&world(), &calls, &expected).await;
}

#[tokio::test]
async fn rule_2_reads_and_writes_are_replayed_and_nothing_is_written_again() {
    let world = world();
    let calls = [set("plugin", "k", json!("mine"), None), get("plugin", "k")];
    let first = world.execute(&calls).await;
    let other = another_task(&world.call, 9);
    world.execute_as(&other, &[set("plugin", "k", json!("other"), None)]).await;
    assert_eq!(world.execute(&calls).await, first, "the task sees what it saw");
    let now = world.execute_as(&another_task(&world.call, 8), &[get("plugin", "k")]).await;
    assert_eq!(now, [r#"[{"key":"k","value":"other","version":2}]"#]);
}

#[tokio::test]
async fn a_swap_is_made_where_the_key_stands_as_expected() {
    let calls = [
        swap("run", "k", Some(1), json!("too early")),
        swap("run", "k", None, json!("first")),
        swap("run", "k", None, json!("late")),
        swap("run", "k", Some(1), json!("second")),
        swap("run", "k", Some(1), json!("late")),
        delete("run", "k"),
        swap("run", "k", Some(2), json!("gone")),
        swap("run", "k", None, json!("third")),
        get("run", "k"),
    ];
    let expected = [
        "[false]",
        "[true]",
        "[false]",
        "[true]",
        "[false]",
        "[true]",
        "[false]",
        "[true]",
        r#"[{"key":"k","value":"third","version":4}]"#,
    ];
    tells(&world(), &calls, &expected).await;
}

#[tokio::test]
async fn each_scope_is_shared_by_those_whom_it_names() {
    let world = world();
    let scopes = ["run", "thread", "plugin"];
    let sets: Vec<EffectRequest> =
        scopes.iter().map(|scope| set(scope, "k", json!(scope), None)).collect();
    world.execute(&sets).await;
    let seen = async |call: &wforge_model::agent::AgentCall| {
        let gets: Vec<EffectRequest> = scopes.iter().map(|scope| get(scope, "k")).collect();
        let told = world.execute_as(call, &gets).await;
        let is_there = |told: &String| told != "[null]";
        let seen = scopes.iter().zip(&told).filter(|(_, told)| is_there(told));
        seen.map(|(scope, _)| *scope).collect::<Vec<_>>().join(" ")
    };
    let mut other = another_task(&world.call, 9);
    assert_eq!(seen(&other).await, "run thread plugin");
    other = another_task(&world.call, 10);
    other.run = RunId::from_bytes([3; 16]);
    assert_eq!(seen(&other).await, "thread plugin", "a later run of the thread");
    other = another_task(&other, 11);
    other.thread = Some(ThreadId::from_bytes([6; 16]));
    assert_eq!(seen(&other).await, "plugin", "a run of another thread");
    other = another_task(&other, 12);
    other.plugin = "test/fixture2".parse().unwrap();
    assert_eq!(seen(&other).await, "", "another plugin in it");
    other = another_task(&world.call, 13);
    other.tenant = "acme2".parse().unwrap();
    assert_eq!(seen(&other).await, "", "another tenant");
}

#[tokio::test]
async fn a_run_without_a_thread_has_no_memory_of_one() {
    let mut world = world();
    world.call.thread = None;
    let told = world.execute(&[get("thread", "k"), list("thread", "", 1, None)]).await;
    let none = "[invalid-input (no_thread): the run belongs to no thread, so it has no memory of \
                one]";
    assert_eq!(told, [none, none]);
    let told = world.execute(&[get("thread", "k")]).await;
    assert_eq!(told, [none], "and that is recorded");
}

#[tokio::test]
async fn what_expires_is_absent_from_then_on() {
    let world = world();
    let task = |number| another_task(&world.call, number);
    let short = [set("run", "k", json!(1), Some(60_000)), set("run", "l", json!(1), Some(0))];
    world.execute_as(&task(1), &short).await;
    let read = [get("run", "k"), get("run", "l"), list("run", "", 9, None)];
    let there = r#"{"key":"k","value":1,"version":1}"#;
    world.clock.advance(Duration::from_millis(59_999));
    assert_eq!(
        world.execute_as(&task(2), &read).await,
        [
            format!("[{there}]"),
            "[null]".to_owned(),
            format!("[{{\"cursor\":null,\"entries\":[{there}]}}]")
        ]
    );
    world.clock.advance(Duration::from_millis(1));
    let late = [
        get("run", "k"),
        list("run", "", 9, None),
        delete("run", "k"),
        swap("run", "k", Some(1), json!(2)),
        swap("run", "k", None, json!(3)),
        get("run", "k"),
    ];
    assert_eq!(
        world.execute_as(&task(3), &late).await,
        [
            "[null]",
            r#"[{"cursor":null,"entries":[]}]"#,
            "[false]",
            "[false]",
            "[true]",
            r#"[{"key":"k","value":3,"version":2}]"#,
        ]
    );
    world.clock.advance(Duration::from_secs(86_400 * 365));
    let last = world.execute_as(&task(4), &[get("run", "k")]).await;
    assert_eq!(last, [r#"[{"key":"k","value":3,"version":2}]"#], "a swap does not expire");
}

/// The keys of all pages of a listing, and how many pages there were.
async fn pages(
    world: &World<MemoryStore>,
    task: u8,
    (prefix, limit): (&str, u64),
) -> (Vec<String>, usize) {
    let mut session = world.open_as(&another_task(&world.call, task)).await;
    let (mut keys, mut cursor, mut count) = (Vec::new(), None::<String>, 0);
    loop {
        let answer = session.perform(list("run", prefix, limit, cursor.as_deref())).await;
        let EffectAnswer::Answered(mut answers) = answer else { panic!("{answer:?}") };
        let page = answers.remove(0).unwrap();
        count += 1;
        let entries = page["entries"].as_array().unwrap().iter();
        keys.extend(entries.map(|entry| entry["key"].as_str().unwrap().to_owned()));
        cursor = page["cursor"].as_str().map(ToOwned::to_owned);
        if cursor.is_none() {
            return (keys, count);
        }
    }
}

#[tokio::test]
async fn a_listing_has_pages_and_a_cursor_that_leads_from_one_to_the_next() {
    let kv = KvLimits { page_bytes_max: 2_000, ..KvLimits::default() };
    let world = keeping_world(&ALL, KeepLimits { kv, ..KeepLimits::default() });
    let mut all: Vec<String> = (0..25).map(|number| format!("ü/{number:02}")).collect();
    let mut sets: Vec<_> = all.iter().map(|key| set("run", key, json!(1), None)).collect();
    sets.push(set("run", "z", json!("x".repeat(1_990)), None));
    sets.push(set("run", "zz", json!("x".repeat(1_990)), None));
    world.execute(&sets).await;
    assert_eq!(pages(&world, 1, ("ü/", 10)).await, (all.clone(), 3));
    assert_eq!(pages(&world, 2, ("ü/", 25)).await, (all.clone(), 1));
    assert_eq!(pages(&world, 3, ("y", 1)).await, (Vec::new(), 1));
    all.splice(0..0, ["z".to_owned(), "zz".to_owned()]);
    assert_eq!(pages(&world, 4, ("", 1_000)).await, (all, 3), "large values make pages short");
}

#[tokio::test]
async fn a_listing_with_a_wrong_limit_or_cursor_is_refused() {
    let told = world()
        .execute(&[
            list("run", "", 0, None),
            list("run", "", 1_001, None),
            list("run", "", 1, Some("§")),
            list("run", "", 1, Some(&"a".repeat(2_000))),
        ])
        .await;
    assert_eq!(
        told,
        [
            "[invalid-input (kv_page_entries): a page has 1 to 1000 entries]",
            "[invalid-input (kv_page_entries): a page has 1 to 1000 entries]",
            "[invalid-input (kv_cursor): the cursor is none that a page of this listing gave]",
            "[invalid-input (kv_cursor): the cursor is none that a page of this listing gave]",
        ]
    );
}

#[tokio::test]
async fn everything_has_a_limit() {
    let kv = KvLimits {
        key_bytes_max: 4,
        value_bytes_max: 10,
        space_keys_max: 2,
        space_bytes_max: 20,
        page_bytes_max: 100,
    };
    let world = keeping_world(&ALL, KeepLimits { kv, ..KeepLimits::default() });
    let calls = [
        set("run", "1234", json!(1), None),
        set("run", "12345", json!(1), None),
        get("run", "12345"),
        list("run", "12345", 1, None),
        set("run", "k", json!("12345678"), None),
        set("run", "k", json!("123456789"), None),
        swap("run", "k", Some(1), json!("123456789")),
        set("run", "l", json!(1), None),
        swap("run", "l", None, json!(1)),
        set("run", "1234", json!("12345678"), None),
        // Another space has room of its own, and less is always possible.
        set("plugin", "l", json!(1), None),
        set("run", "k", json!(1), None),
        delete("run", "k"),
        set("run", "l", json!(1), None),
    ];
    let space = "run:run_00000000000000000000000000000002";
    let keys = format!("[limit (kv_full): {space} may hold at most 2 keys]");
    let bytes = format!("[limit (kv_full): {space} may hold at most 20 bytes]");
    let key = "[limit (kv_key_bytes): a key may have at most 4 bytes]";
    let value = "[limit (kv_value_bytes): a value may have at most 10 bytes as JSON]";
    assert_eq!(
        world.execute(&calls).await,
        [
            r#"[{"key":"1234","value":1,"version":1}]"#,
            key,
            key,
            key,
            r#"[{"key":"k","value":"12345678","version":1}]"#,
            value,
            value,
            &keys,
            &keys,
            &bytes,
            r#"[{"key":"l","value":1,"version":1}]"#,
            r#"[{"key":"k","value":1,"version":2}]"#,
            "[true]",
            r#"[{"key":"l","value":1,"version":4}]"#,
        ]
    );
}

#[tokio::test]
async fn who_may_read_may_not_write() {
    let world = keeping_world(&["kv:run:ro"], KeepLimits::default());
    let told = world
        .execute(&[
            get("run", "k"),
            list("run", "", 1, None),
            set("run", "k", json!(1), None),
            delete("run", "k"),
            swap("run", "k", None, json!(1)),
            get("plugin", "k"),
        ])
        .await;
    assert_eq!(told.first().unwrap(), "[null]");
    for (told, grant) in told.iter().skip(2).zip(["kv:run", "kv:run", "kv:run", "kv:plugin:ro"]) {
        assert!(told.contains(&format!("wforge grants approve test/fixture {grant};")), "{told}");
    }
    let open = keeping_world(&["kv:run"], KeepLimits::default());
    assert_eq!(open.execute(&[get("run", "k")]).await, ["[null]"]);
}

#[tokio::test]
async fn a_write_that_never_gets_its_turn_fails_and_may_be_tried_again() {
    let world = crate::world::world(&["kv:run"]);
    let told = world.execute(&[set("run", "k", json!(1), None)]).await;
    assert_eq!(told, ["[upstream (kv_busy): others write this key all the time; try again]"]);
    assert_eq!(world.store.told().len(), 1, "and that is recorded");
}

/// Adds one to a number, however many others do so at the same time; how often it was tried.
async fn add_one(world: &World<MemoryStore>, number: u8) -> usize {
    let mut session = world.open_as(&another_task(&world.call, number)).await;
    let mut tries = 0;
    loop {
        tries += 1;
        let EffectAnswer::Answered(found) = session.perform(get("plugin", "n")).await else {
            panic!("no answer")
        };
        let found = found.first().unwrap().as_ref().unwrap();
        let next = found["value"].as_u64().unwrap_or(0) + 1;
        let expected = found["version"].as_u64();
        let swapped = session.perform(swap("plugin", "n", expected, json!(next))).await;
        if matches!(&swapped, EffectAnswer::Answered(all) if all[0] == Ok(json!(true))) {
            session.perform(set("plugin", "last", json!(number), None)).await;
            return tries;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_swaps_at_the_same_time_none_is_lost_and_every_set_is_made() {
    let world = Arc::new(world());
    let tasks = tokio::task::JoinSet::from_iter((0..100).map(|number| {
        let world = Arc::clone(&world);
        async move { add_one(&world, number).await }
    }));
    assert_eq!(tasks.join_all().await.len(), 100);
    let told =
        world.execute(&[get("plugin", "n"), set("plugin", "last", json!("done"), None)]).await;
    assert_eq!(
        told,
        [
            r#"[{"key":"n","value":100,"version":100}]"#,
            r#"[{"key":"last","value":"done","version":101}]"#,
        ]
    );
}
