//! The plain data: what is written reads back, and what is wrong is refused in words.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics is a test that failed")]

mod corpus;
mod events;
mod grants;
mod http_rules;
mod names;
mod tools;
mod usage;
