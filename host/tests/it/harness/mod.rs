//! Starts the real program in an environment that holds nothing but what a test says.

mod cli;
mod redact;
mod server;

pub(crate) use cli::{Cli, Ran};
pub(crate) use redact::redacted;
pub(crate) use server::{Sse, TestHost};

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::repo;

/// The program with a data directory, in the repository's folder, and nothing of our environment.
fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wforge"));
    command.env_clear().current_dir(repo::root()).stdin(Stdio::null());
    command.env("WFORGE_DATA_DIR", data).env("WFORGE_SERVER__LISTEN", "127.0.0.1:0");
    command
}

/// Does the same with the engine in each command's own process, and with one behind a server.
pub(crate) fn everywhere(check: impl Fn(&Cli)) {
    check(&Cli::new());
    check(&TestHost::start().cli);
}

/// A component that `make build` made, such as `wforge/outline`.
pub(crate) fn component(name: &str) -> PathBuf {
    let path = plugins().join(format!("{}.wasm", name.replace('/', "-")));
    assert!(path.is_file(), "{} is missing: run `make build`", path.display());
    path
}

/// The folder with our components.
pub(crate) fn plugins() -> PathBuf {
    repo::root().join("target/plugins")
}
