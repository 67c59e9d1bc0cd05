//! `author::doctor::examine`: what this machine has for building plugins, and what it lacks.
//!
//! It only looks; what it finds missing names the command that mends it, and `toolchain::install`
//! does what needs no rights.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::machine::Machine;
use super::new::Lang;
use super::toolchain::install::{JAVASCRIPT, PYTHON};
use super::toolchain::{Fix, Missing, rust, scripted};

/// Free space below which a warning is due: a build of a Rust plugin alone takes half of it.
const FREE_BYTES_LOW: u64 = 1 << 30;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) name: &'static str,
    pub(crate) state: State,
    /// What is there, or what is wrong.
    pub(crate) found: String,
    /// The command or the deed that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
    #[serde(skip)]
    pub(crate) fix: Option<Fix>,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Ok,
    /// A plugin can be built without it, so that the command does not fail for it.
    Warning,
    /// What was asked about cannot be done.
    Missing,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), mend: None, fix: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, mend: &str) -> Self {
        Self { state: State::Warning, mend: Some(mend.to_owned()), ..Self::ok(name, found) }
    }

    fn missing(name: &'static str, missing: Missing) -> Self {
        let Missing { what, mend, fix } = missing;
        Self { name, state: State::Missing, found: what, mend: Some(mend), fix }
    }

    /// What somebody else looked at: what is there, or what is wrong and what mends it.
    pub(crate) fn of(name: &'static str, found: Result<String, (String, String)>) -> Self {
        match found {
            Ok(found) => Self::ok(name, found),
            Err((what, mend)) => Self::warning(name, what, &mend),
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// These languages; all where it is empty.
    pub(crate) langs: &'a [Lang],
    /// Where runs would be kept.
    pub(crate) data_dir: Option<&'a Path>,
}

/// Looks at the machine.
pub(crate) async fn examine(machine: &Machine, wanted: Wanted<'_>) -> Vec<Check> {
    let is_wanted = |lang| wanted.langs.is_empty() || wanted.langs.contains(&lang);
    let here = Path::new(".");
    let mut checks = Vec::new();
    if is_wanted(Lang::Rust) {
        let found = rust::find(machine, here).await;
        checks.push(found.map_or_else(
            |missing| Check::missing("rust", missing),
            |rust| Check::ok("rust", rust.said()),
        ));
    }
    if is_wanted(Lang::Js) {
        let found = scripted::javascript(machine, here).await;
        checks.push(compiler("javascript", machine, found, JAVASCRIPT.folder(machine)).await);
    }
    if is_wanted(Lang::Ts) {
        let found = scripted::javascript(machine, here).await;
        checks.push(compiler("typescript", machine, found, JAVASCRIPT.folder(machine)).await);
    }
    if is_wanted(Lang::Python) {
        let found = scripted::python(machine, here).await;
        checks.push(compiler("python", machine, found, PYTHON.folder(machine)).await);
    }
    checks.push(git(machine).await);
    let nowhere = "HOME is not set, so there is no place for it";
    checks.push(match machine.cache() {
        Some(cache) => folder("cache", &cache),
        None => Check::warning("cache", nowhere, "set HOME or XDG_CACHE_HOME"),
    });
    checks.extend(wanted.data_dir.map(|data| folder("data", data)));
    checks
}

async fn compiler(
    name: &'static str,
    machine: &Machine,
    found: Result<scripted::Compiler, Missing>,
    pinned: Option<PathBuf>,
) -> Check {
    let compiler = match found {
        Ok(compiler) => compiler,
        Err(missing) => return Check::missing(name, missing),
    };
    let program = compiler.program();
    let version = machine.version(program).await.unwrap_or_default();
    let whose = match &compiler {
        scripted::Compiler::Own(_) => "",
        scripted::Compiler::Pinned(_) if pinned.is_some_and(|it| program.starts_with(it)) => {
            ", pinned, in the cache"
        }
        scripted::Compiler::Pinned(_) => ", pinned, in the source tree",
    };
    let version = if version.is_empty() { version } else { format!(" ({version})") };
    Check::ok(name, format!("{}{version}{whose}", program.display()))
}

async fn git(machine: &Machine) -> Check {
    let version = match machine.program("git") {
        Some(git) => machine.version(&git).await,
        None => None,
    };
    version.map_or_else(
        || {
            let mend = "install git, or do without: wforge new then makes no repository";
            Check::warning("git", "git is not in PATH", mend)
        },
        |version| Check::ok("git", version),
    )
}

/// Whether a folder, or the nearest one above it that is there, can be written and has room.
fn folder(name: &'static str, folder: &Path) -> Check {
    let shown = folder.display();
    let nearest = folder.ancestors().find(|it| it.is_dir()).unwrap_or(Path::new("."));
    let may_write = rustix::fs::access(nearest, rustix::fs::Access::WRITE_OK);
    if may_write.is_err() {
        let found = format!("{} cannot be written", nearest.display());
        return Check::warning(name, found, "name another place, or change whose folder it is");
    }
    let Ok(space) = rustix::fs::statvfs(nearest) else {
        return Check::ok(name, shown.to_string());
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let mib = free >> 20;
    if free < FREE_BYTES_LOW {
        let found = format!("{shown}: {mib} MiB are free");
        return Check::warning(name, found, "make room: builds and compiled components take more");
    }
    Check::ok(name, format!("{shown} ({mib} MiB free)"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[tokio::test]
    async fn what_is_missing_names_what_mends_it() {
        let bare = Machine::new(BTreeMap::new());
        let wanted = Wanted { langs: &[Lang::Rust], data_dir: None };
        let checks = examine(&bare, wanted).await;
        let names: Vec<_> = checks.iter().map(|check| check.name).collect();
        assert_eq!(names, ["rust", "git", "cache"]);
        assert!(checks.iter().all(|check| check.state == State::Ok || check.mend.is_some()));
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_is_judged_by_the_one_above() {
        let outer = tempfile::tempdir().unwrap();
        let check = folder("data", &outer.path().join("a/b"));
        assert!(check.found.contains("/a/b"), "{check:?}");
    }
}
