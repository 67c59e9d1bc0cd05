//! Rule 15: what is kept of agents may hold secrets, so nobody reads it from the disk, and erasing
//! a tenant leaves nothing of it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::deeds;
use crate::harness::{TestHost, files_holding, saying};

/// As a server would show a key that it was sent.
const ECHOED: &str = "sk-live-9f2b7c1de8a04365b1f7c09a";

#[test]
fn rule_15_what_a_server_echoed_stands_in_no_file_as_it_is() {
    let host = TestHost::on(deeds::open());
    let ran = deeds::run(&host.cli, "", &saying(ECHOED));
    let id = ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned();
    deeds::answer(&host.cli, &id, "yes").exits(3);
    deeds::answer(&host.cli, &id, "yes").exits(0).says(&[ECHOED]);
    let exported = host.cli.run(["runs", "export", &id]).exits(0).stdout.clone();
    assert!(exported.contains("http.fetch"), "the record has it: {exported}");

    let data = host.cli.data();
    assert_eq!(files_holding(&data, ECHOED.as_bytes()), Vec::<String>::new());
    // Neither the overlay of a server that is killed, nor what the next one makes of its journal.
    let host = host.restart();
    assert_eq!(files_holding(&data, ECHOED.as_bytes()), Vec::<String>::new());
    host.cli.run(["runs", "show", &id, "--output", "json"]).exits(0).says(&[ECHOED]);
}

#[test]
fn rule_15_the_key_that_seals_is_a_file_of_its_owner_alone_or_none() {
    let host = TestHost::on(deeds::open());
    let keys = host.cli.data().join("keys");
    for entry in fs_err::read_dir(keys).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs_err::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[test]
fn rule_15_blobs_of_one_tenant_are_no_other_tenants_and_go_with_it() {
    let host = TestHost::start();
    let bytes = "the same bytes of two tenants".repeat(20_000);
    let mut digests = Vec::new();
    for tenant in ["acme", "other"] {
        host.post("/v1/tenants", &json!({ "id": tenant })).status(201);
        let key = json!({ "name": "k", "role": "admin" });
        let key = host.post(&format!("/v1/tenants/{tenant}/keys"), &key).status(201).json();
        let key = key["key"].as_str().expect("a key").to_owned();
        let kept =
            host.post_bytes_as("/v1/blobs", "application/octet-stream", bytes.as_bytes(), &key);
        digests.push(kept.status(201).json()["digest"].clone());
    }
    assert_eq!(digests[0], digests[1]);
    let blobs = host.cli.data().join("store/blobs");
    assert!(blobs.join("acme").exists() && blobs.join("other").exists(), "each has a file");
    assert_eq!(files_holding(&blobs, b"the same bytes"), Vec::<String>::new());
    let erased = host.run(&["tenants", "erase", "acme", "--confirm", "acme"]);
    erased.exits(0);
    assert!(!blobs.join("acme").exists() && blobs.join("other").exists());
}
