//! What authors of plugins use: one component, in the host's own sandbox, without a store.
//!
//! `sandbox` lets a component in and calls it, `script` answers its host calls, `stage` makes a call
//! as a run would. On these stand `suite` (test cases) and `check` (what a host may require).

pub(crate) mod check;
mod coverage;
pub(crate) mod project;
pub(crate) mod sandbox;
pub(crate) mod script;
pub(crate) mod stage;
pub(crate) mod suite;
