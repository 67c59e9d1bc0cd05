//! The seeds of the fuzzer, by the same properties that it holds.

#[path = "../../../../../hostile/fuzz/properties/address.rs"]
mod address;
#[path = "../../../../../hostile/fuzz/properties/corpus.rs"]
mod replaying;
#[path = "../../../../../hostile/fuzz/properties/url.rs"]
mod url;

#[test]
fn urls_and_rules_are_read_as_by_hand() {
    replaying::replay("url", url::check);
}

#[test]
fn addresses_are_public_where_the_ranges_say_so() {
    replaying::replay("address", address::check);
}
