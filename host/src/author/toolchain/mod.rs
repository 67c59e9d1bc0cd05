//! The compilers of guests: which of them are here, and what to run where one is not.
//!
//! Rust guests need cargo and a target ([`rust`]). Those in JavaScript, TypeScript and Python are
//! made by the `wforge-build` of a release (docs/adr/0007), else by pinned packages of npm and pip
//! ([`scripted`]), which [`install`] puts into the cache.

pub(crate) mod install;
pub(crate) mod rust;
pub(crate) mod scripted;

use crate::cli::refusal::Refusal;

/// A tool that is not here, or too old.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Missing {
    /// What is missing, and for what.
    pub(crate) what: String,
    /// What to run or do about it.
    pub(crate) mend: String,
    /// What this program can do about it itself.
    pub(crate) fix: Option<Fix>,
}

/// What can be installed without asking for rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fix {
    /// The target of guests, by rustup.
    RustTarget,
    /// The pinned packages of npm, into the cache.
    JavaScript,
    /// The pinned packages of pip, into the cache.
    Python,
}

impl Missing {
    fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into(), fix: None }
    }

    const fn fixed_by(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Self {
        let Missing { what, mend, fix } = missing;
        let also = if fix.is_some() { "; wforge build --install does the same" } else { "" };
        Self::failed("missing_tool", what).help(format!("{mend}{also}"))
    }
}
