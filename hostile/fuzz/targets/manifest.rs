#![no_main]

#[path = "../properties/manifest.rs"]
mod manifest;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = manifest::check(bytes);
});
