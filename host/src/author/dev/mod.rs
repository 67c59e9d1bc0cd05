//! What `wforge dev` works with: the files of a project, who saves them, and a host of its own.
//!
//! [`project`] tells whether what is saved changes the component, only the run, or nothing;
//! [`saves`] wakes up when something is saved; [`host`] is an engine in this process that keeps
//! nothing but compiled code. Never here: what is printed, which is `cli::dev`'s.

pub(crate) mod host;
pub(crate) mod project;
pub(crate) mod saves;
