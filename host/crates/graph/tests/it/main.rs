//! The pure engine, driven through workflow files with scripted agents.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics is a test that failed"
)]

mod answers;
mod borders;
mod calls;
mod deeds;
mod deferred;
mod exits;
mod failures;
mod faults;
mod flows;
mod golden;
mod handlers;
mod harness;
mod ids;
mod joins;
mod lifetimes;
mod limits;
mod messages;
mod parents;
mod people;
mod random;
mod reducers;
mod revival;
mod routing;
mod scripts;
mod shows;
mod standins;
mod state;
mod streams;
mod subgraphs;
mod threads;
mod validation;
