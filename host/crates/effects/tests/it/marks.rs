//! What a record says beside its answer: which model was asked, and whether something was written.

use serde_json::{Value, json};
use wforge_model::ThreadId;
use wforge_model::effect::Operation;
use wforge_ports::Store as _;
use wforge_ports::store::Phase;

use crate::outside::Fate;
use crate::world::{KeepLimits, keeping_world, request, world};

fn http(method: &str) -> Value {
    json!({ "method": method, "url": "http://a/" })
}

#[tokio::test]
async fn rule_10_a_request_that_may_have_changed_something_is_marked() {
    for (grants, method, fate, wrote) in [
        ("http:*", "GET", Fate::Works, false),
        ("http:*", "POST", Fate::Works, true),
        ("http:*", "POST", Fate::Fails, true),
        ("ask", "POST", Fate::Works, false),
    ] {
        let world = world(&[grants]);
        world.outside.will(&[fate]);
        world.execute(&[request(Operation::HttpFetch, http(method))]).await;
        let records = world.store.records(&world.call.tenant, world.call.task).await.unwrap();
        let [record] = records.as_slice() else { panic!("{records:?}") };
        let Phase::Answer(answer) = &record.phase else { panic!("{record:?}") };
        assert_eq!((answer.wrote, &answer.model), (wrote, &None), "{grants} {method}");
    }
}

#[tokio::test]
async fn rule_10_memory_of_a_thread_or_a_plugin_is_marked_and_that_of_a_run_is_not() {
    let entry = |scope: &str| json!({ "scope": scope, "key": "k", "value": 1 });
    for (scope, wrote) in [("run", false), ("thread", true), ("plugin", true)] {
        let mut world = keeping_world(&["kv:run", "kv:thread", "kv:plugin"], KeepLimits::default());
        world.call.thread = Some(ThreadId::from_bytes([5; 16]));
        world.execute(&[request(Operation::KvSet, entry(scope))]).await;
        let records = world.store.records(&world.call.tenant, world.call.task).await.unwrap();
        let [record] = records.as_slice() else { panic!("{records:?}") };
        let Phase::Answer(answer) = &record.phase else { panic!("{record:?}") };
        assert!(answer.answer.is_ok(), "{answer:?}");
        assert_eq!(answer.wrote, wrote, "{scope}");
    }
}
