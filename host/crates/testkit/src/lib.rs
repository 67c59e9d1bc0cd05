//! Clocks, chance and suites for tests; knows ports only.
//!
//! [`guests`] are components made of WebAssembly text, [`bombs`] parts of components that ask much
//! of a compiler; [`store`] holds the promises of the store port, one test each, for every backend;
//! [`SigningKey`] signs as minisign does.

pub mod bombs;
mod call;
pub mod clock;
pub mod entropy;
pub mod faulty;
pub mod guests;
pub mod secrets;
mod signing;
pub mod store;

pub use call::call;
pub use clock::SimClock;
pub use entropy::SimEntropy;
pub use faulty::{Crash, FaultyStore};
pub use secrets::plant_secret;
pub use signing::SigningKey;
