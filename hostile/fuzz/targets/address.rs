#![no_main]

#[path = "../properties/address.rs"]
mod address;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = address::check(bytes);
});
