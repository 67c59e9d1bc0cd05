//! Components that are attacks, as text where no compiler of guests would make them.

use std::sync::OnceLock;

use serde_json::json;
pub(crate) use wforge_testkit::bombs;
pub(crate) use wforge_testkit::guests::{
    CLOCK, DROP_STREAM, Fixture as Guest, LOG, POLL, STDOUT, TIMERS, echo, fixture, with_section,
    with_sections, without_agent,
};

/// The end of a body that replies `{}`.
pub(crate) const REPLY: &str = "(call $reply (i32.const 16) (i32.const 2))";

/// A component of that name that replies with its input. What takes time of it is made once.
pub(crate) fn echo_named(name: &str) -> Vec<u8> {
    let manifest = json!({ "name": name, "version": "1.0.0", "agents": [{ "name": "main" }] });
    echo_with(&manifest.to_string())
}

/// The same with any manifest.
pub(crate) fn echo_with(manifest: &str) -> Vec<u8> {
    static BARE: OnceLock<Vec<u8>> = OnceLock::new();
    with_sections(BARE.get_or_init(|| echo().bare()).clone(), manifest, "0.1.0")
}
