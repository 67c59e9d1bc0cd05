//! The seeds of the fuzzer, by the same property that it holds.

#[path = "../../../../../hostile/fuzz/properties/corpus.rs"]
mod replaying;
#[path = "../../../../../hostile/fuzz/properties/signature.rs"]
mod signature;

#[test]
fn signatures_and_keys_are_those_that_minisign_writes() {
    replaying::replay("signature", signature::check);
}
