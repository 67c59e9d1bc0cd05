//! The seeds of the fuzzer, by the same properties that it holds.

#[path = "../../../../../hostile/fuzz/properties/json.rs"]
mod json;
#[path = "../../../../../hostile/fuzz/properties/manifest.rs"]
mod manifest;
#[path = "../../../../../hostile/fuzz/properties/corpus.rs"]
mod replaying;

#[test]
fn manifests_are_checked() {
    replaying::replay("manifest", manifest::check);
}

#[test]
fn json_is_as_deep_as_it_is() {
    replaying::replay("json", json::check);
}
