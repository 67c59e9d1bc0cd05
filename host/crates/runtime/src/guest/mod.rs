//! What lives in a store beside the guest: its limits, its clocks, its output and the desk where
//! its host calls are handed over.
//!
//! Never here: what an interface means (`capabilities`) or what an ending means (`outcome`).

pub(crate) mod calls;
pub(crate) mod desk;
pub(crate) mod errand;
pub(crate) mod http_door;
pub(crate) mod limiter;
pub(crate) mod meter;
pub(crate) mod state;
pub(crate) mod stdio;
pub(crate) mod timers;
pub(crate) mod unwind;
pub(crate) mod voice;
pub(crate) mod wasi;
