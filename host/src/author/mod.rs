//! What authors of plugins use: a project, its component, and what this machine lacks for it.
//!
//! [`new`] writes a project, [`build`] makes its component, [`toolchain`] finds the compilers for that,
//! [`assets`] is what the program carries along, and [`machine`] what it was started on.
//! [`sandbox`] calls one component as a host would, with effects that [`script`] plays.
//!
//! Never here: a store, an engine or a configuration. An author needs none of them.

pub(crate) mod assets;
pub(crate) mod build;
pub(crate) mod doctor;
pub(crate) mod machine;
pub(crate) mod new;
pub(crate) mod sandbox;
pub(crate) mod script;
pub(crate) mod toolchain;
