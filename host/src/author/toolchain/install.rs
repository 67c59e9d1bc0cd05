//! Puts the pinned packages of npm and pip into the cache, and the target of guests into rustup.
//!
//! Each set of packages has a folder that its digest names, so that an update of this program
//! installs the new set beside the old one, and two programs never fight over one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use fs_err as fs;
use sha2::{Digest as _, Sha256};

use super::rust::TARGET;
use super::{Fix, scripted};
use crate::author::machine::{Call, Ended, Machine};
use crate::cli::refusal::Refusal;

/// How long fetching packages may take.
const INSTALL_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// The file that says a folder is complete.
const COMPLETE: &str = "complete";
const QJS: &str = "componentize-qjs";
const PY: &str = "componentize-py";

/// Packages with their versions and digests.
#[derive(Debug)]
pub(crate) struct Pinned {
    /// What the folder is called, before the digest.
    name: &'static str,
    /// The files that pin them.
    files: &'static [(&'static str, &'static str)],
    /// The program below the folder.
    program: &'static str,
    /// The program in our own source tree, where its own script installed it.
    pub(super) in_tree: &'static str,
}

/// componentize-qjs, by npm.
pub(crate) const JAVASCRIPT: Pinned = Pinned {
    name: "javascript",
    files: &[
        ("package.json", include_str!("../../../../sdk/js/package.json")),
        ("package-lock.json", include_str!("../../../../sdk/js/package-lock.json")),
        ("tools/strip-types.mjs", include_str!("../../../../sdk/js/tools/strip-types.mjs")),
    ],
    program: "node_modules/.bin/componentize-qjs",
    in_tree: "sdk/js/node_modules/.bin/componentize-qjs",
};

/// componentize-py, by pip.
pub(crate) const PYTHON: Pinned = Pinned {
    name: "python",
    files: &[("tools.txt", include_str!("../../../../sdk/python/tools.txt"))],
    program: "bin/componentize-py",
    in_tree: ".tools/python/bin/componentize-py",
};

impl Pinned {
    /// Its folder in the cache; none where there is no place for one.
    pub(crate) fn folder(&self, machine: &Machine) -> Option<PathBuf> {
        let mut hasher = Sha256::new();
        for (name, text) in self.files {
            hasher.update(name);
            hasher.update(text);
        }
        let digest = hasher.finalize();
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Some(machine.cache()?.join("tools").join(format!("{}-{short}", self.name)))
    }

    /// The program, where the folder is complete.
    pub(crate) fn installed(&self, machine: &Machine) -> Option<PathBuf> {
        let folder = self.folder(machine)?;
        let program = folder.join(self.program);
        (folder.join(COMPLETE).is_file() && program.is_file()).then_some(program)
    }

    /// The folder, empty but for the files that pin the packages.
    fn begin(&self, machine: &Machine) -> anyhow::Result<PathBuf> {
        let folder = self.folder(machine).ok_or_else(|| {
            Refusal::failed("no_home", "there is no place for tools: HOME is not set")
                .help("set HOME or XDG_CACHE_HOME")
        })?;
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for (name, text) in self.files {
            let file = folder.join(name);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(file, text)?;
        }
        Ok(folder)
    }
}

/// Does it; what was installed, in words.
pub(crate) async fn fix(machine: &Machine, fix: Fix) -> anyhow::Result<String> {
    let _only_one = lock(machine)?;
    let there = |pinned: &Pinned, what: &str| {
        // Another program may have done it while this one waited.
        let folder = pinned.installed(machine).and_then(|_| pinned.folder(machine));
        folder.map(|folder| said(&folder, what))
    };
    match fix {
        Fix::RustTarget => rust_target(machine).await,
        Fix::JavaScript => match there(&JAVASCRIPT, QJS) {
            Some(said) => Ok(said),
            None => javascript(machine).await,
        },
        Fix::Python => match there(&PYTHON, PY) {
            Some(said) => Ok(said),
            None => python(machine).await,
        },
    }
}

/// Held while something is installed, so that two programs do not write the same folder; the other
/// one waits. None where there is no place for tools.
fn lock(machine: &Machine) -> anyhow::Result<Option<std::fs::File>> {
    let Some(cache) = machine.cache() else { return Ok(None) };
    let folder = cache.join("tools");
    fs::create_dir_all(&folder)?;
    let (file, path) = fs::File::create(folder.join("lock"))?.into_parts();
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    Ok(Some(file))
}

async fn rust_target(machine: &Machine) -> anyhow::Result<String> {
    let rustup = machine.program("rustup").unwrap_or_else(|| PathBuf::from("rustup"));
    let call = Call::of(&rustup).args(["target", "add", TARGET]).within(INSTALL_TIME_MAX);
    let ended = machine.run(call).await?;
    succeeded(&ended, &format!("rustup target add {TARGET}"))?;
    Ok(format!("the target {TARGET}, by rustup"))
}

async fn javascript(machine: &Machine) -> anyhow::Result<String> {
    let npm = scripted::node(machine).await.map_err(Refusal::from)?;
    let folder = JAVASCRIPT.begin(machine)?;
    // The compiler is a development dependency, which NODE_ENV=production would leave out.
    let call = Call::of(&npm).args(["ci", "--include=dev", "--no-audit", "--no-fund"]);
    let call = call.arg("--ignore-scripts");
    let ended = machine.run(call.inside(&folder).within(INSTALL_TIME_MAX)).await?;
    succeeded(&ended, "npm ci")?;
    finish(&folder, QJS)
}

async fn python(machine: &Machine) -> anyhow::Result<String> {
    let python = scripted::interpreter(machine).await.map_err(Refusal::from)?;
    let folder = PYTHON.begin(machine)?;
    let call = Call::of(&python).args(["-m", "venv"]).arg(&folder).within(INSTALL_TIME_MAX);
    succeeded(&machine.run(call).await?, "python3 -m venv")?;
    let pip = Call::of(&folder.join("bin/pip")).args(["install", "--quiet", "--no-deps"]);
    let pip = pip.args(["--disable-pip-version-check", "--require-hashes", "--requirement"]);
    let pip = pip.arg(folder.join("tools.txt")).within(INSTALL_TIME_MAX);
    succeeded(&machine.run(pip).await?, "pip install")?;
    finish(&folder, PY)
}

fn finish(folder: &Path, what: &str) -> anyhow::Result<String> {
    fs::write(folder.join(COMPLETE), "")?;
    Ok(said(folder, what))
}

fn said(folder: &Path, what: &str) -> String {
    format!("{what}, in {}", folder.display())
}

fn succeeded(ended: &Ended, command: &str) -> Result<(), Refusal> {
    if ended.is_success {
        return Ok(());
    }
    let said = ended.said();
    let refusal = Refusal::failed("install_failed", format!("{command} failed"));
    let refusal = match offline(&said) {
        Some(help) => refusal.help(help),
        None => refusal,
    };
    Err(refusal.details([said]))
}

/// What to do about the network, where a program says that it has none.
pub(crate) fn offline(said: &str) -> Option<&'static str> {
    const SIGNS: [&str; 12] = [
        "Could not resolve host",
        "Couldn't resolve host",
        "could not download",
        "failed to download",
        "failed to fetch",
        "Temporary failure in name resolution",
        "Could not connect to server",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "Network is unreachable",
        "attempting to make an HTTP request, but --offline was specified",
    ];
    SIGNS.iter().any(|sign| said.contains(sign)).then_some(
        "packages are fetched once and this machine does not reach the registry: connect it, or \
         set HTTPS_PROXY, and try again",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn half_installed_packages_are_not_there() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap().to_owned();
        let machine = Machine::new(BTreeMap::from([("HOME".to_owned(), home)]));
        let folder = JAVASCRIPT.begin(&machine).unwrap();
        let program = folder.join(JAVASCRIPT.program);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "").unwrap();
        assert_eq!(JAVASCRIPT.installed(&machine), None);
        finish(&folder, "it").unwrap();
        assert_eq!(JAVASCRIPT.installed(&machine), Some(program));
        assert_eq!(PYTHON.installed(&machine), None);
    }

    #[test]
    fn a_missing_network_is_recognized() {
        let said = "npm error code EAI_AGAIN\nnpm error request to https://registry.npmjs.org";
        assert!(offline(said).is_some_and(|help| help.contains("HTTPS_PROXY")));
        assert_eq!(offline("error[E0425]: cannot find value"), None);
    }
}
