#![no_main]

#[path = "../properties/expression.rs"]
mod expression;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = expression::check(bytes);
});
