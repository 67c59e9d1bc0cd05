//! The seeds of the fuzzer, by the same properties that it holds.

#[path = "../../../../../hostile/fuzz/properties/record.rs"]
mod record;
#[path = "../../../../../hostile/fuzz/properties/corpus.rs"]
mod replaying;

#[test]
fn what_is_kept_is_read_without_a_panic() {
    replaying::replay("record", record::check);
}
