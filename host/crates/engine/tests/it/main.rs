//! The engine with a real store in memory, scripted agents and virtual time.

mod durability;
mod harness;
mod mocks;
mod runs;
mod streams;
