//! The pure engine, driven through workflow files with scripted agents.

mod exits;
mod failures;
mod harness;
mod limits;
mod people;
mod routing;
mod state;
mod validation;
