//! Components that are attacks, as text where no compiler of guests would make them.

pub(crate) use wforge_testkit::bombs;
pub(crate) use wforge_testkit::guests::{
    CLOCK, DROP_STREAM, Fixture as Guest, LOG, POLL, STDOUT, TIMERS, echo, fixture, with_section,
    without_agent,
};

/// The end of a body that replies `{}`.
pub(crate) const REPLY: &str = "(call $reply (i32.const 16) (i32.const 2))";
