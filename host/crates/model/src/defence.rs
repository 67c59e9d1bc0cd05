//! Defences that a build for the proofs can go without, one at a time, to show that the attack
//! which each is for is real.
//!
//! Only a build with the feature `controls` can. In every other, [`holds`] is the constant `true`,
//! and nothing of this is in the program, not even the name of the variable.

/// What stands between a plugin and its host where no limit of the configuration does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defence {
    /// Plugins run on threads of their own, and yield.
    Lanes,
    /// What a terminal would act on is escaped in what guests say.
    Escapes,
    /// The addresses of a name are checked.
    Names,
    /// Redirects are not followed.
    Redirects,
    /// No folder of the host is opened to guests.
    Files,
    /// Nothing of the host's environment is handed to guests.
    Environment,
    /// A plugin's memory is its own.
    Memory,
    /// Secrets are taken out of what guests say.
    Redaction,
    /// What is asked for is held against the grants.
    Grants,
    /// A component fits the world of the contract.
    World,
    /// A version has the same bytes for ever.
    Identity,
    /// Bytes are checked before they are kept.
    Validation,
    /// Native code carries the host's own MAC.
    Seal,
    /// Each call has a sandbox of its own.
    Fresh,
    /// Answers say what they are, and that they are nothing else.
    Headers,
    /// A task that asks something else than its record says is stopped.
    Divergence,
    /// A reply names only exits that its workflow maps.
    Exits,
    /// Expressions are measured before they are evaluated.
    Expressions,
    /// Workflow files are measured before they are read.
    Workflows,
    /// A schema refers to nothing outside of itself.
    References,
}

/// Whether that defence is up.
#[cfg(not(feature = "controls"))]
#[must_use]
#[inline(always)]
pub const fn holds(_defence: Defence) -> bool {
    true
}

#[cfg(feature = "controls")]
pub use controls::{VARIABLE, go_without, holds};

#[cfg(feature = "controls")]
mod controls {
    use core::sync::atomic::{AtomicU32, Ordering};

    use super::Defence;

    /// The variable that names the defence to go without.
    pub const VARIABLE: &str = "WFORGE_WITHOUT";

    /// One bit for each that is down.
    static DOWN: AtomicU32 = AtomicU32::new(0);

    impl Defence {
        /// All, and how the variable writes them.
        const ALL: [(Self, &'static str); 20] = [
            (Self::Lanes, "lanes"),
            (Self::Escapes, "escapes"),
            (Self::Names, "names"),
            (Self::Redirects, "redirects"),
            (Self::Files, "files"),
            (Self::Environment, "environment"),
            (Self::Memory, "memory"),
            (Self::Redaction, "redaction"),
            (Self::Grants, "grants"),
            (Self::World, "world"),
            (Self::Identity, "identity"),
            (Self::Validation, "validation"),
            (Self::Seal, "seal"),
            (Self::Fresh, "fresh"),
            (Self::Headers, "headers"),
            (Self::Divergence, "divergence"),
            (Self::Exits, "exits"),
            (Self::Expressions, "expressions"),
            (Self::Workflows, "workflows"),
            (Self::References, "references"),
        ];

        const fn bit(self) -> u32 {
            1 << (self as u32)
        }
    }

    /// Whether that defence is up.
    #[must_use]
    pub fn holds(defence: Defence) -> bool {
        DOWN.load(Ordering::Relaxed) & defence.bit() == 0
    }

    /// Takes the defence of that name down for the life of this process; false: there is none.
    #[must_use]
    pub fn go_without(name: &str) -> bool {
        match Defence::ALL.iter().find(|(_, known)| *known == name) {
            Some((defence, _)) => {
                DOWN.fetch_or(defence.bit(), Ordering::Relaxed);
                true
            }
            None => false,
        }
    }
}
