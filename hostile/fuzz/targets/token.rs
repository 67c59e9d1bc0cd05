#![no_main]

#[path = "../properties/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = token::check(bytes);
});
