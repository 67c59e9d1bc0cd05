//! The pure engine, driven through workflow files with scripted agents.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics is a test that failed"
)]

mod exits;
mod failures;
mod faults;
mod harness;
mod limits;
mod messages;
mod people;
mod random;
mod reducers;
mod routing;
mod state;
mod validation;
