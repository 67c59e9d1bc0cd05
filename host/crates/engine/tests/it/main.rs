//! The engine with a real store in memory, scripted agents and virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics is a test that failed"
)]

mod chunks;
mod corpus;
mod deeds;
mod durability;
mod effects;
mod grants;
mod guards;
mod harness;
mod history;
mod inbox;
mod kv;
mod lines;
mod memory;
mod migration;
mod mocks;
mod parts;
mod pruning;
mod repeats;
mod replays;
mod retention;
mod rules;
mod runs;
mod schedules;
mod simulation;
mod steering;
mod streams;
mod sweeping;
mod tenant_limits;
mod tenants;
mod thread_world;
mod threads;
mod tools;
mod trust;
mod webhooks;
