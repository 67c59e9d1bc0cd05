//! What a server says of itself, and to whom.

use serde_json::{Value, json};

use crate::harness::{TestHost, everywhere};

#[test]
fn whoever_owns_the_data_sees_what_the_process_takes_of_its_machine() {
    everywhere(|cli| {
        let system = cli.run(["system", "--output", "json"]).exits(0).json();
        let number = |path: &str| system.pointer(path).and_then(Value::as_u64).unwrap_or_default();
        for path in [
            "/machine/memory/resident_bytes",
            "/machine/disk/used_bytes",
            "/machine/disk/free_bytes",
            "/machine/disk/total_bytes",
            "/machine/descriptors/open",
            "/pool/total",
        ] {
            assert!(number(path) > 0, "{path}: {system:#}");
        }
        for path in ["/pool/used", "/queue/calls_waiting", "/store/view_lag"] {
            assert!(system.pointer(path).is_some_and(Value::is_u64), "{path}: {system:#}");
        }
        for path in ["/build/rustc", "/build/wasmtime", "/version"] {
            let text = system.pointer(path).and_then(Value::as_str).unwrap_or_default();
            assert!(!text.is_empty(), "{path}: {system:#}");
        }
        let shown = cli.run(["system"]);
        shown.exits(0).says(&["wasmtime", "up for", "resident", "sandboxes", "of"]);
    });
}

#[test]
fn a_tenant_sees_nothing_that_other_tenants_move() {
    let host = TestHost::start();
    let key = json!({ "name": "runs it", "role": "admin" });
    let admin = host.post("/v1/keys", &key).status(201).json();
    let admin = admin["key"].as_str().expect("a key").to_owned();
    let system = host.get_as("/v1/system", Some(&admin)).status(200).json();
    assert!(system["uptime_ms"].is_u64(), "{system:#}");
    assert!(system["build"]["wasmtime"].is_string(), "{system:#}");
    for part in ["machine", "pool", "queue", "store", "figures"] {
        assert_eq!(system[part], Value::Null, "{part}: {system:#}");
    }
}

#[test]
fn usage_says_what_was_used_on_each_day_that_is_asked_for() {
    let host = TestHost::start();
    let today = host.get("/v1/usage").status(200).json()["day"].as_str().expect("a day").to_owned();
    let days = host.get(&format!("/v1/usage?since={today}")).status(200).json()["days"].clone();
    assert_eq!(days.as_array().map(Vec::len), Some(1), "{days}");
    assert_eq!(days[0]["day"], json!(today));
    let past = host.get("/v1/usage?since=2020-01-01&until=2020-12-31").status(200).json();
    assert_eq!(past["days"], json!([]));
    host.get("/v1/usage?since=yesterday").status(400);
    host.get("/v1/usage?until=2020-12-31").status(400);
}
