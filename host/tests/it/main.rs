//! The black box: the repository's own rules, and the real `wforge` binary from outside.
//!
//! One binary, since each that links against wasmtime costs a minute. `tidy` holds the rules of
//! the source tree; everything else starts the program as a person would.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics is a test that failed"
)]

mod agents;
mod api;
mod bad_input;
mod brief;
mod direction;
mod examples;
mod expressions;
mod harness;
mod inbox;
mod limits;
mod pauses;
mod repo;
mod resume;
mod subgraphs;
mod threads;
mod tidy;
