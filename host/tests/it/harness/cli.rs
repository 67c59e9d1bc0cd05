//! Runs `wforge …` and keeps what it said.

use std::ffi::OsStr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use super::{plugins, program, proof, redacted};

/// A data directory and the commands on it.
#[derive(Debug)]
pub(crate) struct Cli {
    folder: TempDir,
    variables: Vec<(String, String)>,
    is_at_home: bool,
}

/// What a command said, and how it ended.
#[derive(Debug)]
#[must_use = "a command that nobody looks at proves nothing"]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cli {
    /// A new data directory, in which our components are compiled already.
    pub(crate) fn new() -> Self {
        let cli = Self::cold();
        cli.copy_compiled(&COMPILED);
        cli
    }

    /// A data directory that does not exist yet.
    fn cold() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        Self { folder, variables: Vec::new(), is_at_home: false }
    }

    /// With the native code that another's commands made.
    pub(crate) fn copy_compiled(&self, from: &Self) {
        for folder in ["aot", "keys"] {
            copy(&from.data().join(folder), &self.data().join(folder));
        }
    }

    /// A person at home, whose commands name no data directory.
    pub(crate) fn at_home() -> Self {
        let cli = Self::cold();
        let home = cli.folder.path().to_str().expect("UTF-8").to_owned();
        Self { is_at_home: true, ..cli }.with("HOME", &home)
    }

    /// Runs the program with these arguments and that text on its stdin.
    pub(crate) fn run_with_stdin(&self, args: &[&str], text: &str) -> Ran {
        let mut command = self.command(args);
        let piped = std::process::Stdio::piped;
        let mut child =
            command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("wforge starts");
        let mut stdin = child.stdin.take().expect("its stdin");
        // A command that refuses at once reads nothing.
        let _ = std::io::Write::write_all(&mut stdin, text.as_bytes());
        drop(stdin);
        ran(child.wait_with_output().expect("wforge ends"))
    }

    /// With a variable in the program's environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file beside the data directory.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs_err::create_dir_all(path.parent().expect("a folder")).unwrap();
        fs_err::write(&path, content).unwrap();
        path
    }

    /// Runs the program with these arguments.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        ran(self.command(args).output().expect("wforge starts"))
    }

    /// Starts the program with these arguments, to be killed.
    pub(crate) fn spawn(&self, args: &[&str]) -> std::process::Child {
        let piped = std::process::Stdio::piped;
        self.command(args).stdout(piped()).stderr(piped()).spawn().expect("wforge starts")
    }

    /// The program with these arguments, in a shell that does something before, not started yet.
    pub(crate) fn after(&self, shell: &str, args: &[&str]) -> Command {
        let program = self.command::<&str>([]);
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(format!("{shell}\nexec \"$0\" \"$@\"")).arg(program.get_program());
        command.args(args).env_clear().stdin(std::process::Stdio::null());
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// The program with these arguments, for a test that starts it in its own way.
    pub(crate) fn not_started(&self, args: &[&str]) -> Command {
        self.command(args)
    }

    /// The program with these arguments, not started yet.
    pub(super) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = program(&self.data());
        if self.is_at_home {
            command.env_remove("WFORGE_DATA_DIR").current_dir(self.folder.path());
        }
        command.args(args).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A data directory with native code of our components and the key of its MAC: compiling takes
/// seconds, and no test is about that.
static COMPILED: LazyLock<Cli> = LazyLock::new(|| {
    let cli = Cli::cold();
    let proofs = ["wforge/effects-steps", "wforge/effects-rust", "wforge/effects-secrets"];
    let folders = [plugins(), plugins().join("probes")];
    for components in folders.into_iter().chain(proofs.map(proof)) {
        cli.run([Path::new("plugin"), Path::new("install"), &components]).exits(0);
    }
    cli
});

fn ran(output: std::process::Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let to = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs_err::copy(&entry, &to).unwrap();
        }
    }
}

impl Ran {
    /// Checks the exit code; what the program said is in the message.
    pub(crate) fn exits(&self, code: i32) -> &Self {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.code, code, "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Checks that it says all of this: to a person on stderr, as JSON on stdout.
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        let Self { stdout, stderr, .. } = self;
        for word in words {
            let said = stdout.contains(word) || stderr.contains(word);
            assert!(said, "no \"{word}\" in\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        }
        self
    }

    /// Stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in\n{}\n{}", self.stdout, self.stderr))
    }

    /// Stderr without what differs from run to run.
    pub(crate) fn redacted_stderr(&self, folder: &Path) -> String {
        redacted(&self.stderr).replace(&folder.display().to_string(), "[folder]")
    }
}
