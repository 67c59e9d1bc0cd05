//! `wforge`: runs other people's agents, sandboxed, as workflows that survive `kill -9`.
//!
//! The composition root: the only place that reads arguments, the environment and the clock, and
//! that prints. [`config`] is what is meant, [`cli`] what is done, [`compose`] what it is made of,
//! [`client`] whether an engine is here or behind a server.

mod allocator;
mod author;
mod call_log;
mod cli;
mod client;
mod clock;
mod compose;
mod config;
mod contexts;
mod failpoint;
mod grants;
mod jwks;
mod known;
mod logging;
mod machine_figures;
mod nearby;
mod reader;
mod schemas;
mod secrets;
mod server_file;
mod watched;

use std::collections::BTreeMap;
use std::process::ExitCode;

/// Gives memory back to the system soon after a load is over, with threads of its own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn main() -> ExitCode {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let current_dir = std::env::current_dir().unwrap_or_default();
    cli::main(cli::Process { current_dir, variables }).into()
}
