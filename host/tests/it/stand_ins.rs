//! The servers that stand in for the world are processes of their own.

use std::path::PathBuf;

use serde_json::json;

use crate::stand_in::{Server, serve, told};

/// Also what the other tests start as those servers: see `stand_in`.
#[test]
fn a_stand_in_is_a_process_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Some(told) = told() {
        runtime.block_on(serve(told)).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start("posts", folder.path().join("posts.log")).unwrap();
    let url = format!("http://{}/posts", server.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = runtime.block_on(async {
        let posted = client.post(url).header("idempotency-key", "k").json(&json!({ "n": 7 }));
        posted.send().await.unwrap().text().await.unwrap()
    });
    assert_eq!(answer, r#"{"taken":7}"#);
    let arrived = server.arrived().unwrap();
    assert_eq!((arrived.len(), arrived[0].key.as_str()), (1, "k"));
    assert_eq!(arrived[0].body, json!({ "n": 7 }));
    let log: PathBuf = folder.path().join("nobody.log");
    assert!(Server::start("nobody", log).is_err(), "no such server");
}
