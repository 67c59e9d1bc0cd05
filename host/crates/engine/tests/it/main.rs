//! The engine with a real store in memory, scripted agents and virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics is a test that failed"
)]

mod chunks;
mod durability;
mod harness;
mod history;
mod mocks;
mod parts;
mod runs;
mod simulation;
mod steering;
mod streams;
mod threads;
