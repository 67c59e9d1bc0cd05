//! Errors that a person can do something about, with the exit code that says whose turn it is.

use std::borrow::Cow;

/// Something failed: a run, a server, this machine.
pub(crate) const EXIT_FAILED: u8 = 1;
/// The request was wrong.
pub(crate) const EXIT_REFUSED: u8 = 2;
/// The run waits for a person.
pub(crate) const EXIT_WAITING: u8 = 3;
/// The run completed on stand-ins, and that was not wanted.
pub(crate) const EXIT_DEGRADED: u8 = 4;
/// As shells say it of SIGINT.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Why a command did not do what it was told.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// The exit code.
    pub(crate) exit: u8,
    /// A stable name in `snake_case`.
    pub(crate) code: Cow<'static, str>,
    /// What is wrong.
    pub(crate) message: String,
    /// Each place that is wrong, where there are several.
    pub(crate) details: Vec<String>,
    /// What to do.
    pub(crate) help: Option<String>,
}

impl Refusal {
    /// The request was wrong.
    pub(crate) fn user(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            exit: EXIT_REFUSED,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            help: None,
        }
    }

    /// Something failed that was not the caller's fault.
    pub(crate) fn failed(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { exit: EXIT_FAILED, ..Self::user(code, message) }
    }

    /// The same, with what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with each place that is wrong.
    pub(crate) fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}

/// The exit code of an error: 1 where nobody said otherwise.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Refusal>().map_or(EXIT_FAILED, |refusal| refusal.exit)
}
