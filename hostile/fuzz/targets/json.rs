#![no_main]

#[path = "../properties/json.rs"]
mod json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = json::check(bytes);
});
