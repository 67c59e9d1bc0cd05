#![no_main]

#[path = "../properties/url.rs"]
mod url;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = url::check(bytes);
});
