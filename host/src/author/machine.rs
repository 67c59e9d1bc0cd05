//! The author's machine: programs in PATH, folders, and a way to run a program to its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// How long a compiler may take.
pub(crate) const COMPILE_TIME_MAX: Duration = Duration::from_secs(30 * 60);
/// How long a question such as `--version` may take.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// What is kept of a program's output, in bytes; the rest is read and dropped.
const OUTPUT_BYTES_MAX: usize = 8 << 20;

/// The machine that commands for authors run on.
#[derive(Clone)]
pub(crate) struct Machine {
    variables: BTreeMap<String, String>,
}

/// Without the environment, which holds secrets.
impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Machine {
    /// The machine with that environment.
    pub(crate) const fn new(variables: BTreeMap<String, String>) -> Self {
        Self { variables }
    }

    /// A variable that is set to something.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A folder that a variable names, or one below the home.
    fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        match (self.variable(variable), self.variable("HOME")) {
            (Some(folder), _) => Some(PathBuf::from(folder)),
            (None, Some(home)) => Some(Path::new(home).join(below_home)),
            (None, None) => None,
        }
    }

    /// Where what can be made again is kept; none where the system has no place for it.
    pub(crate) fn cache(&self) -> Option<PathBuf> {
        Some(self.folder("XDG_CACHE_HOME", ".cache")?.join("wforge"))
    }

    /// Where cargo keeps the sources of crates.
    pub(crate) fn cargo_home(&self) -> Option<PathBuf> {
        self.folder("CARGO_HOME", ".cargo")
    }

    /// The program of that name in PATH.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.variable("PATH")?;
        std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
    }

    /// The program of that name beside this one, or in PATH.
    pub(crate) fn own_program(&self, name: &str) -> Option<PathBuf> {
        let beside = self.beside().map(|folder| folder.join(name));
        beside.filter(|file| is_program(file)).or_else(|| self.program(name))
    }

    /// The folder of this program.
    pub(crate) fn beside(&self) -> Option<PathBuf> {
        Some(std::env::current_exe().ok()?.parent()?.to_owned())
    }

    /// Runs a program to its end.
    pub(crate) async fn run(&self, call: Call) -> Result<Ended, RunError> {
        let failed = |source| RunError::Start { program: call.program.clone(), source };
        let mut command = Command::new(&call.program);
        command.args(&call.args).envs(call.variables).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &call.folder {
            command.current_dir(folder);
        }
        let mut child = command.spawn().map_err(failed)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let all = async { tokio::try_join!(kept(stdout), kept(stderr), child.wait()) };
        match tokio::time::timeout(call.time_max, all).await {
            Ok(Ok((stdout, stderr, status))) => Ok(Ended {
                is_success: status.success(),
                stdout: text(&stdout),
                stderr: text(&stderr),
            }),
            Ok(Err(source)) => Err(failed(source)),
            Err(_) => Err(RunError::TooLong { program: call.program, after: call.time_max }),
        }
    }

    /// The first line that a program says of itself; none where it cannot be run.
    pub(crate) async fn version(&self, program: &Path) -> Option<String> {
        let ended = self.run(Call::of(program).arg("--version")).await.ok()?;
        let line = ended.stdout.lines().next().unwrap_or_default().trim().to_owned();
        (ended.is_success && !line.is_empty()).then_some(line)
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The output of a program, cut where it is too long.
async fn kept(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 16 << 10]);
    let Some(mut from) = from else { return Ok(all) };
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(all);
        }
        let room = OUTPUT_BYTES_MAX.saturating_sub(all.len());
        all.extend(buffer.iter().take(count.min(room)));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A program to run.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    program: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    folder: Option<PathBuf>,
    time_max: Duration,
}

impl Call {
    /// A program without arguments, which may take a minute.
    pub(crate) fn of(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            variables: Vec::new(),
            folder: None,
            time_max: ANSWER_TIME_MAX,
        }
    }

    /// With one more argument.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With more arguments.
    pub(crate) fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With a variable beside those of this process.
    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// In that folder.
    pub(crate) fn inside(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Which may take so long.
    pub(crate) const fn within(mut self, time_max: Duration) -> Self {
        self.time_max = time_max;
        self
    }
}

/// How a program ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) is_success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Everything that it said: errors first.
    pub(crate) fn said(&self) -> String {
        let both = [self.stderr.trim(), self.stdout.trim()];
        both.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// Why a program did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It could not be started or heard.
    #[error("{} cannot be run", program.display())]
    Start {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// It was ended, since it took too long.
    #[error("{} was stopped after {} s", program.display(), after.as_secs())]
    TooLong { program: PathBuf, after: Duration },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        let path = "/nowhere:/bin:/usr/bin".to_owned();
        Machine::new(BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), "/h".to_owned()),
        ]))
    }

    #[test]
    fn folders_are_below_the_home_unless_a_variable_names_them() {
        assert_eq!(machine().cache(), Some(PathBuf::from("/h/.cache/wforge")));
        let named = BTreeMap::from([("XDG_CACHE_HOME".to_owned(), "/c".to_owned())]);
        assert_eq!(Machine::new(named).cache(), Some(PathBuf::from("/c/wforge")));
        assert_eq!(Machine::new(BTreeMap::new()).cache(), None);
    }

    #[tokio::test]
    async fn a_program_is_found_run_and_heard() {
        let shell = machine().program("sh").expect("a shell");
        let call = Call::of(&shell).args(["-c", "echo out; echo $WHO >&2; exit 3"]);
        let ended = machine().run(call.variable("WHO", "err")).await.unwrap();
        assert!(!ended.is_success);
        assert_eq!(ended.said(), "err\nout");
        assert_eq!(machine().program("no-such-program"), None);
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_stopped() {
        let shell = machine().program("sh").expect("a shell");
        let call = Call::of(&shell).args(["-c", "sleep 9"]).within(Duration::from_millis(20));
        let error = machine().run(call).await.unwrap_err().to_string();
        assert!(error.contains("was stopped"), "{error}");
    }
}
