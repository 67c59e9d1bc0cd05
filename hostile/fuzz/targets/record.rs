#![no_main]

#[path = "../properties/record.rs"]
mod record;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = record::check(bytes);
});
