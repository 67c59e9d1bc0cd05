//! The API as a client sees it: requests through the router over a real engine and a store in
//! memory. Only sandbox, admission and file format are stand-ins.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong panics; the helpers of tests are no tests to clippy"
)]

mod bench;
mod corpus;
mod head;
mod identity;
mod kept;
mod limits;
mod log_level;
mod many;
mod observe;
mod ports;
mod problems;
mod resources;
mod runs;
mod secrets;
mod stream;
mod tcp;
mod tenants;
mod threads;
mod tokens;
