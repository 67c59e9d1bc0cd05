#![no_main]

#[path = "../properties/workflow.rs"]
mod workflow;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_let_in = workflow::check(bytes);
});
