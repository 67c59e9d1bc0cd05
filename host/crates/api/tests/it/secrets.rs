//! Secrets over the API: written, never read.

use serde_json::{Value, json};

use crate::bench::{Bench, bench};

const VALUE: &str = "value-of-the-secret";

/// A bench with the tenant `acme` made.
async fn with_acme() -> Bench {
    let bench = bench();
    let made = bench.post("/v1/tenants", &json!({ "id": "acme" })).of("other/platform");
    assert_eq!(made.send().await.outcome(), "201");
    bench
}

async fn put(bench: &Bench, of: &str, path: &str, body: &Value) -> crate::bench::Reply {
    let call = bench.call("PUT", path).of(of);
    let reply = call.typed("application/json", body.to_string()).send().await;
    assert!(!reply.text.contains(VALUE), "{}", reply.text);
    reply
}

#[tokio::test]
async fn a_secret_is_put_listed_and_deleted_without_its_value() {
    let bench = with_acme().await;
    let (admin, path) = ("acme/admin", "/v1/secrets/token");
    let body = json!({ "value": VALUE, "hosts": ["api.example.com", "GET@*.example.org/v1/*"] });
    let made = put(&bench, admin, path, &body).await;
    assert_eq!(made.outcome(), "200", "{}", made.text);
    let again = put(&bench, admin, path, &json!({ "value": VALUE })).await.json();
    assert_eq!((&again["version"], &again["hosts"]), (&json!(2), &made.json()["hosts"]));
    let none = put(&bench, admin, path, &json!({ "value": VALUE, "hosts": [] })).await.json();
    assert_eq!(none["hosts"], json!([]));
    let list = bench.get("/v1/secrets").of(admin).send().await;
    assert_eq!(list.json()["items"][0]["version"], 3);
    assert!(!list.text.contains(VALUE), "{}", list.text);
    assert_eq!(bench.get(path).of(admin).send().await.outcome(), "405 WF0405");
    let gone = bench.call("DELETE", path).of(admin).send().await;
    assert_eq!(gone.outcome(), "200");
    assert_eq!(bench.get("/v1/secrets").of(admin).send().await.json()["items"], json!([]));
    let twice = bench.call("DELETE", path).of(admin).send().await;
    assert_eq!(twice.outcome(), "404 WF0404");
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_said_without_it() {
    let bench = with_acme().await;
    let number: Value = serde_json::from_str("123456789012").unwrap();
    for (path, body, words) in [
        ("/v1/secrets/token", json!({}), "\"value\" is the secret as a text"),
        ("/v1/secrets/token", json!({ "value": number }), "\"value\" is the secret as a text"),
        ("/v1/secrets/token", json!({ "value": "short" }), "at least 8 bytes"),
        ("/v1/secrets/token", json!({ "value": "a\r\nb: cdefghi" }), "printable ASCII"),
        ("/v1/secrets/to%20ken", json!({ "value": VALUE }), "a secret's name has"),
        ("/v1/secrets/token", json!({ "value": VALUE, "hosts": ["GET@*"] }), "names its hosts"),
        ("/v1/secrets/token", json!({ "value": VALUE, "hosts": ["a b"] }), "is no host"),
    ] {
        let reply = put(&bench, "acme/admin", path, &body).await;
        assert_eq!(reply.outcome(), "422 WF0422", "{}", reply.text);
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{detail}");
        assert!(!reply.text.contains("123456789012"), "{}", reply.text);
    }
}

#[tokio::test]
async fn the_platform_sets_a_tenants_secret_and_reads_none_either() {
    let bench = with_acme().await;
    let (platform, path) = ("other/platform", "/v1/tenants/acme/secrets/token");
    let made = put(&bench, platform, path, &json!({ "value": VALUE })).await;
    assert_eq!(made.outcome(), "200", "{}", made.text);
    let list = bench.get("/v1/secrets").of("acme/admin").send().await;
    assert_eq!(list.json()["items"][0]["name"], "token");
}
