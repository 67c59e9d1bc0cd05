#![no_main]

#[path = "../properties/signature.rs"]
mod signature;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = signature::check(bytes);
});
