//! What authors of plugins use: a project, its component, and what this machine lacks for it.
//!
//! [`new`] writes a project, [`build`] makes its component, [`toolchain`] finds the compilers for
//! that, [`assets`] is what the program carries along, and [`machine`] what it was started on;
//! [`doctor`] looks at all of it. [`sandbox`] lets a component in and calls it, [`script`] answers
//! its host calls, [`stage`] makes a call as a run would. On these stand [`suite`] (test cases) and
//! [`check`] (what a host may require).
//!
//! [`dev`] is what watches a project and runs it. [`keys`] and [`sign`] make signatures,
//! [`publish`] and [`oci`] bring components to registries and back, [`lock`] holds what was taken
//! from them.
//!
//! Never here: a store, an engine or a configuration. An author needs none of them, except that
//! [`dev`] runs whole workflows, in an engine that keeps nothing.

pub(crate) mod assets;
pub(crate) mod build;
pub(crate) mod check;
mod coverage;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod new;
pub(crate) mod oci;
pub(crate) mod project;
pub(crate) mod publish;
pub(crate) mod sandbox;
pub(crate) mod script;
pub(crate) mod sign;
pub(crate) mod stage;
pub(crate) mod suite;
pub(crate) mod toolchain;
