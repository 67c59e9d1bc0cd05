//! Programs of others that tests speak with.

use std::path::PathBuf;
use std::process::Command;

use crate::repo;

/// One of them: of the path, or as `scripts/test-tools.sh` unpacked it.
pub(crate) fn tool(name: &str) -> Command {
    let unpacked = repo::root().join(".tools/debian/usr");
    let mut command = match of_path(name) {
        Some(program) => Command::new(program),
        None => {
            let program = unpacked.join("bin").join(name);
            let help = "run scripts/test-tools.sh, or on Debian: apt-get install";
            assert!(
                program.is_file(),
                "this test speaks with {name}, which is not here: {help} {name}"
            );
            Command::new(program)
        }
    };
    let libraries = unpacked.join(format!("lib/{}-linux-gnu", std::env::consts::ARCH));
    command.env_clear().env("LD_LIBRARY_PATH", libraries);
    command
}

#[expect(clippy::disallowed_methods, reason = "where programs are is this machine's")]
fn of_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}
