//! What authors of plugins use: a project, its component, and what this machine lacks for it.
//!
//! [`build`] makes the component of a project, [`toolchain`] finds the compilers for that,
//! [`assets`] is what the program carries along, and [`machine`] what it was started on.
//! [`sandbox`] calls one component as a host would, with effects that [`script`] plays.
//!
//! [`dev`] is what watches a project and runs it.
//!
//! Never here: a store, an engine or a configuration. An author needs none of them, except that
//! [`dev`] runs whole workflows, in an engine that keeps nothing.

pub(crate) mod assets;
pub(crate) mod build;
pub(crate) mod dev;
pub(crate) mod machine;
pub(crate) mod sandbox;
pub(crate) mod script;
pub(crate) mod toolchain;
