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
mod authors;
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it prints what it checked, and measures a real server by the real clock"
)]
mod authz;
mod bad_input;
mod blobs;
mod bombs;
#[expect(clippy::disallowed_methods, reason = "it measures a real server by the real clock")]
mod brakes;
mod brief;
mod compat;
mod contract;
mod deeds;
mod denials;
#[expect(clippy::disallowed_methods, reason = "it looks for compilers where its caller has them")]
mod dev;
mod direction;
mod editors;
mod effects;
mod erasing;
mod examples;
mod expressions;
mod first_hour;
mod grants;
mod harness;
mod inbox;
mod install;
mod kv;
mod limits;
mod logins;
mod mocks;
mod models;
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it says what it made and what came of it, and reads how much it is to make"
)]
mod mutants;
mod openapi;
mod parity;
mod pauses;
mod production;
mod questions;
mod raw_http;
mod registry;
mod replayed_tools;
mod replays;
mod repo;
mod resources;
mod resume;
mod rules;
mod schedules;
mod scripts;
mod sealed;
mod secrets;
mod signing;
mod stand_in;
mod stand_ins;
mod streams;
mod subgraphs;
mod system;
#[expect(clippy::disallowed_methods, reason = "it waits for lines by the real clock")]
mod telemetry;
mod testing;
mod threads;
mod tidy;
mod trust;
mod webhooks;
