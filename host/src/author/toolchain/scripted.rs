//! What makes components of JavaScript, TypeScript and Python.

use std::path::{Path, PathBuf};

use super::install::{self, Pinned};
use super::{Fix, Missing};
use crate::author::machine::{Call, Machine};

/// The oldest Node that the pinned packages run on.
const NODE_MAJOR_MIN: u32 = 18;
/// The oldest Python that the pinned packages are installed with.
const PYTHON_MIN: (u32, u32) = (3, 11);
/// What takes types out, as the pinned packages have it.
const TYPE_STRIPPER: &str = "tools/strip-types.mjs";
/// Our own compiler of scripts, which no release has yet (docs/adr/0007).
const OWN: &str = "wforge-build";

/// A program that makes components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// `wforge-build`, which brings everything along.
    Own(PathBuf),
    /// componentize-qjs from npm, or componentize-py from pip.
    Pinned(PathBuf),
}

impl Compiler {
    /// The program.
    pub(crate) fn program(&self) -> &Path {
        match self {
            Self::Own(program) | Self::Pinned(program) => program,
        }
    }

    /// What takes types out of a folder, beside the pinned packages.
    pub(crate) fn type_stripper(&self) -> PathBuf {
        let packages = self.program().ancestors().nth(3).unwrap_or(Path::new(""));
        packages.join(TYPE_STRIPPER)
    }
}

/// What makes components of JavaScript, and of TypeScript once its types are taken out.
pub(crate) async fn javascript(machine: &Machine, folder: &Path) -> Result<Compiler, Missing> {
    if let Some(own) = own(machine).await {
        return Ok(own);
    }
    node(machine).await?;
    found(machine, folder, &install::JAVASCRIPT).map(Compiler::Pinned).ok_or_else(|| {
        let what = "nothing here makes components of JavaScript: the pinned componentize-qjs is \
                    not installed";
        Missing::new(what, "wforge doctor --lang js --fix").fixed_by(Fix::JavaScript)
    })
}

/// What makes components of Python.
pub(crate) async fn python(machine: &Machine, folder: &Path) -> Result<Compiler, Missing> {
    if let Some(own) = own(machine).await {
        return Ok(own);
    }
    if let Some(pinned) = found(machine, folder, &install::PYTHON) {
        return Ok(Compiler::Pinned(pinned));
    }
    interpreter(machine).await?;
    let what =
        "nothing here makes components of Python: the pinned componentize-py is not installed";
    Err(Missing::new(what, "wforge doctor --lang python --fix").fixed_by(Fix::Python))
}

/// Our own compiler; one that is too old to compile is passed over.
async fn own(machine: &Machine) -> Option<Compiler> {
    let program = machine.own_program(OWN)?;
    let asked = Call::of(&program).args(["componentize", "--help"]);
    let is_able = machine.run(asked).await.is_ok_and(|ended| ended.is_success);
    is_able.then_some(Compiler::Own(program))
}

/// Node and npm, new enough for the pinned packages.
pub(crate) async fn node(machine: &Machine) -> Result<PathBuf, Missing> {
    let mend = format!(
        "install Node {NODE_MAJOR_MIN} or newer with npm, on Debian: sudo apt-get install -y \
         nodejs npm"
    );
    let (Some(node), Some(npm)) = (machine.program("node"), machine.program("npm")) else {
        let what = "JavaScript plugins need node and npm, which are not both in PATH";
        return Err(Missing::new(what, mend));
    };
    let version = machine.version(&node).await.unwrap_or_default();
    let major = numbers(&version).first().copied().unwrap_or_default();
    if major < NODE_MAJOR_MIN {
        return Err(Missing::new(format!("node {version} is too old for componentize-qjs"), mend));
    }
    Ok(npm)
}

/// Python with venv, new enough for the pinned packages.
pub(crate) async fn interpreter(machine: &Machine) -> Result<PathBuf, Missing> {
    let (major, minor) = PYTHON_MIN;
    let mend = format!(
        "install Python {major}.{minor} or newer with venv, on Debian: sudo apt-get install -y \
         python3 python3-venv"
    );
    let Some(python) = machine.program("python3") else {
        let what = "Python plugins need python3, which is not in PATH";
        return Err(Missing::new(what, mend));
    };
    let version = machine.version(&python).await.unwrap_or_default();
    match numbers(&version).as_slice() {
        [left, right, ..] if (*left, *right) >= PYTHON_MIN => Ok(python),
        _ => Err(Missing::new(format!("{version} is too old for componentize-py"), mend)),
    }
}

/// The numbers of a version such as `v20.20.2` or `Python 3.11.7`.
fn numbers(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// The pinned program in the cache; else, where the project or this program lies inside the source
/// tree of WorkflowForge, what that has.
fn found(machine: &Machine, folder: &Path, pinned: &Pinned) -> Option<PathBuf> {
    if let Some(program) = pinned.installed(machine) {
        return Some(program);
    }
    let beside = machine.beside();
    let roots = folder.ancestors().chain(beside.iter().flat_map(|beside| beside.ancestors()));
    let mut trees = roots.filter(|root| root.join("sdk/toolchain.sh").is_file());
    trees.find_map(|root| Some(root.join(pinned.in_tree)).filter(|program| program.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_the_words_of_each_program() {
        assert_eq!(numbers("v20.20.2"), [20, 20, 2]);
        assert_eq!(numbers("Python 3.11.7"), [3, 11, 7]);
        assert_eq!(numbers(""), Vec::<u32>::new());
    }

    #[tokio::test]
    async fn without_node_and_python_the_message_says_what_to_install() {
        let bare = Machine::new(std::collections::BTreeMap::new());
        let missing = node(&bare).await.unwrap_err();
        assert!(missing.mend.contains("nodejs npm"), "{missing:?}");
        let missing = interpreter(&bare).await.unwrap_err();
        assert!(missing.mend.contains("python3-venv"), "{missing:?}");
    }
}
