//! Turns a plugin's folder and its compiled code into a component that a host admits.
//!
//! Four steps, each a function: [`Plugin::read`] reads `plugin.toml` and its schemas into the
//! manifest; [`write_world`] writes the WIT world that follows from its needs; [`entry_module`] is
//! the module that joins that world, the SDK and the author's code where a language needs one;
//! [`pack`] checks a component against all of it, takes out what only a debugger wants and embeds
//! the manifest.
//!
//! Never here: compilers. `sdk/toolchain.sh` finds and calls them.

mod component;
mod entry;
mod error;
mod interface;
mod pack;
mod plugin;
mod schema;
pub mod shell;
mod world;

pub use component::Sections;
pub use entry::entry_module;
pub use error::BuildError;
pub use interface::Interface;
pub use pack::{Packed, inspect, pack};
pub use plugin::{Build, Language, PLUGIN_FILE, Plugin};
pub use world::{WORLD, write_world};
