//! From a component's bytes to something that can be called: inspection, compilation, the cache of
//! native code, and the components that are kept ready.
//!
//! All of it is heavy and runs on the lane's own threads, never on an executor's.

pub(crate) mod aot;
pub(crate) mod child;
pub(crate) mod compile;
pub(crate) mod files;
mod frame;
pub(crate) mod inspect;
pub(crate) mod lane;
pub(crate) mod library;
mod structure;
mod types;
mod walk;
pub(crate) mod worker;
