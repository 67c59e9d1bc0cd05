//! What plugins remember.

use serde_json::json;

use super::Operation;
use crate::codes;
use crate::kv::{KvBody, ListQuery, RemoveQuery, ShownEntry, ShownKey};
use crate::openapi::shape::Shape;

pub(super) fn operations() -> Vec<Operation> {
    let key = || Shape::resource::<ShownKey>("KvKey", "kv");
    let entry = || Shape::resource::<ShownEntry>("KvEntry", "kv");
    vec![
        Operation::get("/v1/kv/{space}", "listEntries", "Lists the keys of a memory")
            .query::<ListQuery>(&[("limit", json!(20)), ("prefix", json!("gree"))])
            .pages("Keys in their order, without what they hold.", key()),
        Operation::get("/v1/kv/{space}/{entry}", "showEntry", "Shows what a key holds").gives(
            200,
            "The key with what it holds.",
            entry(),
        ),
        Operation::put(
            "/v1/kv/{space}/{entry}",
            "putEntry",
            "Writes a key of a thread's or a plugin's memory",
        )
        .about("The memory of a run follows from what its tasks did and is only read.")
        .json::<KvBody>(json!({ "value": { "times": 1 }, "expected": 0, "ttl": "2d" }))
        .gives(200, "The key as it is from now on.", entry())
        .refuses(&[&codes::QUOTA]),
        Operation::delete("/v1/kv/{space}/{entry}", "removeEntry", "Removes a key of a memory")
            .query::<RemoveQuery>(&[("expected", json!(1))])
            .gives(200, "What it held.", entry())
            .refuses(&[&codes::UNACCEPTABLE]),
    ]
}
