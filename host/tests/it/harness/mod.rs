//! Starts the real program in an environment that holds nothing but what a test says.

mod cli;
mod posts;
mod redact;
mod server;
mod tools;

pub(crate) use cli::{Cli, Ran};
pub(crate) use posts::{Post, Receiver, saying, taking_posts};
pub(crate) use redact::redacted;
pub(crate) use server::{Events, Reply, Sse, TestHost};
pub(crate) use tools::tool;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::repo;

/// A workflow whose agent never ends.
pub(crate) const SPINS: &str = "apiVersion: workflowforge/v1
name: spins
version: 1.0.0
state: { result: {} }
input: []
output: [result]
nodes: { it: { agent: wforge/probe.spin, in: {}, out: { result: result } } }
edges: [{ from: START, to: it }]
";

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
    component_of(&plugins(), name)
}

/// A component of the proofs of durable effects, such as `wforge/effects-steps`.
pub(crate) fn proof(name: &str) -> PathBuf {
    component_of(&plugins().join("proofs"), name)
}

/// The bytes of a component as its next version, with other words of the same length in it: what a
/// changed plugin is to a host, without a compiler for guests.
pub(crate) fn changed(component: &Path, words: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = fs_err::read(component).unwrap();
    for (from, to) in words.iter().chain(&[(r#""version":"0.1.0""#, r#""version":"0.2.0""#)]) {
        assert_eq!(from.len(), to.len(), "{from} and {to}");
        let at = bytes.windows(from.len()).position(|seen| seen == from.as_bytes());
        let at = at.unwrap_or_else(|| panic!("no {from} in {}", component.display()));
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

fn component_of(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(format!("{}.wasm", name.replace('/', "-")));
    assert!(path.is_file(), "{} is missing: run `make build`", path.display());
    path
}

/// The files of a folder and below that hold such bytes.
pub(crate) fn files_holding(dir: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_holding(&path, bytes));
        } else if fs_err::read(&path).unwrap().windows(bytes.len()).any(|seen| seen == bytes) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Whether that comes true; asked again and again for a minute.
pub(crate) fn within_a_minute(mut is_true: impl FnMut() -> bool) -> bool {
    (0..600).any(|_| {
        let done = is_true();
        if !done {
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        done
    })
}

/// The folder with our components.
pub(crate) fn plugins() -> PathBuf {
    repo::root().join("target/plugins")
}
