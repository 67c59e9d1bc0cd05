//! What authors of plugins use: one component, in the host's own sandbox, without a store.

pub(crate) mod sandbox;
pub(crate) mod script;
