//! The seeds of the fuzzer, by the same properties that it holds.

#[path = "../../../../../hostile/fuzz/properties/corpus.rs"]
mod replaying;
#[path = "../../../../../hostile/fuzz/properties/token.rs"]
mod token;

#[test]
fn keys_and_tokens_are_taken_only_where_they_hold() {
    replaying::replay("token", token::check);
}
