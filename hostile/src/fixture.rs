//! What one attack is, and what would show that it got through.

use anyhow::{Result, bail};

use crate::arena::Arena;

/// A setting of the server, as a variable of its environment without `WFORGE_`.
pub(crate) type Setting = (&'static str, &'static str);

/// What came of an attack. An error of the function that makes it is neither: the proof itself
/// broke then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was stopped; as what was seen.
    Held(String),
    /// It got through; what it got.
    Through(String),
}

impl Outcome {
    /// It was stopped, as that.
    pub(crate) fn held(seen: impl Into<String>) -> Result<Self> {
        Ok(Self::Held(seen.into()))
    }

    /// It got through, to that.
    pub(crate) fn through(got: impl Into<String>) -> Result<Self> {
        Ok(Self::Through(got.into()))
    }

    /// What came of an attack that was made in several ways, each with its name: all were stopped,
    /// or all got through. Anything else proves nothing, neither of the defence nor of the control.
    pub(crate) fn of_all(ways: impl IntoIterator<Item = (&'static str, Self)>) -> Result<Self> {
        let (mut held, mut through) = (Vec::new(), Vec::new());
        for (way, outcome) in ways {
            match outcome {
                Self::Held(seen) => held.push(format!("{way}: {seen}")),
                Self::Through(got) => through.push(format!("{way}: {got}")),
            }
        }
        match (held.is_empty(), through.is_empty()) {
            (_, true) => Self::held(held.join("; ")),
            (true, false) => Self::through(through.join("; ")),
            (false, false) => {
                bail!("stopped: {}; got through: {}", held.join("; "), through.join("; "))
            }
        }
    }
}

/// How it is shown that the defence is what stops it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Control {
    /// With these settings the attack gets through.
    Set(&'static [Setting]),
    /// In a build without this defence it does.
    Without(&'static str),
    /// The check is wasmtime's own, or the surface does not exist: the same without the attack
    /// succeeds. [`Arena::harmless`] says so to the attack, which leaves its sting out.
    Harmless,
}

/// What a server notes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trace {
    /// `wforge_stopped_total` with these labels counts, and the attacker's audit log has an entry
    /// of that action with the code as its outcome.
    Stopped {
        /// Label `what`.
        what: &'static str,
        /// Label `code`, and the entry's outcome.
        code: &'static str,
    },
    /// That counter counts; there is no tenant in whose log it could be.
    Counted(&'static str),
    /// Nothing was stopped: what was tried has no effect at all.
    Inert(&'static str),
}

/// One attack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixture {
    /// Its row in the list of attacks.
    pub(crate) row: u8,
    /// In a few words.
    pub(crate) attack: &'static str,
    /// What stops it.
    pub(crate) defence: &'static str,
    /// Settings of the server beside the usual ones.
    pub(crate) settings: &'static [Setting],
    /// Makes it once. Called from several threads at once for the neighbour's sake.
    pub(crate) make: fn(&Arena) -> Result<Outcome>,
    pub(crate) control: Control,
    pub(crate) trace: Trace,
}
