//! HTTP by the one way out.

use serde_json::json;

use super::{Stage, kind};

fn post(stage: &Stage, path: &str) -> serde_json::Value {
    let url = format!("http://{}{path}", stage.posts.address);
    json!({ "do": "post", "url": url, "body": { "n": 1 } })
}

#[test]
fn a_post_arrives_once_under_a_key() {
    let stage = Stage::new();
    let seen = stage.seen_of(post(&stage, "/posts"));
    assert_eq!(seen, json!({ "status": 200, "body": "{\"taken\":1}" }));
    let arrived = stage.posts.arrived().unwrap();
    assert_eq!((arrived.len(), &arrived[0].body), (1, &json!({ "n": 1 })));
    assert_ne!(arrived[0].key, "none");
}

#[test]
fn a_response_is_one_whatever_its_status_and_a_broken_one_is_none() {
    let stage = Stage::new();
    assert_eq!(stage.seen_of(post(&stage, "/posts/broken"))["status"], 500);
    let seen = stage.seen_of(post(&stage, "/posts/cut"));
    assert!(kind(&seen).starts_with("upstream"), "{seen}");
    // More than 256 KiB comes as a blob, which this agent does not read.
    assert_eq!(kind(&stage.seen_of(post(&stage, "/posts/large"))), "upstream \"unreadable_body\"");
}

#[test]
fn an_address_of_this_machine_needs_the_operators_exception() {
    let stage = Stage::new().with("WFORGE_OUTBOUND__ALLOW", "10.0.0.0/8");
    let seen = stage.seen_of(post(&stage, "/posts"));
    assert!(
        kind(&seen).contains("forbidden_address") || kind(&seen).starts_with("denied"),
        "{seen}"
    );
    assert_eq!(stage.posts.arrived().unwrap(), []);
    let address = format!("{}/32:{}", "127.0.0.1", stage.posts.address.rsplit(':').next().unwrap());
    let stage = stage.with("WFORGE_OUTBOUND__ALLOW", &address);
    assert_eq!(stage.seen_of(post(&stage, "/posts"))["status"], 200);
}
