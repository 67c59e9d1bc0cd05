//! What authors of plugins do before a host sees a plugin: sign it, publish it, fetch it.

pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod oci;
pub(crate) mod publish;
pub(crate) mod sign;
