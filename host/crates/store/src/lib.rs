//! The durable store: [`MemoryStore`] for tests and [`SledStore`], the embedded default.
//!
//! Both are one [`StoreOf`] over ordered rows of bytes: `rules` says what a write means in rows,
//! `reads` what a read finds, `vault` seals. What differs is who makes rows durable: nobody,
//! or a journal that acknowledges (`journal`, `committer`) with sled as a view that can be
//! rebuilt from it.
//!
//! Never here: a decision about a run, a wall clock, an environment variable, an async runtime.

mod budget;
mod committer;
#[cfg(test)]
mod crash;
mod error;
mod facade;
mod files;
#[doc(hidden)]
pub mod formats;
mod journal;
mod journaled;
mod keeper;
mod keyring;
mod keys;
mod kv;
mod lists;
mod lock;
mod memory;
mod named;
mod overlay;
mod pool;
mod reads;
mod recovery;
mod rules;
mod shared;
mod sled_store;
mod sled_view;
mod usage;
mod vault;
mod view_dir;

pub use error::OpenError;
pub use facade::StoreOf;
pub use keyring::Kek;
pub use memory::{MemoryStore, StoreParts};
pub use sled_store::{SledOptions, SledStore};
