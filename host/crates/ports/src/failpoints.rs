//! Places at which a test may end the process, to see what a restart makes of it.

use std::fmt::Debug;

/// Is told of each place as it is passed. A host has none, unless a test asks for it.
pub trait Failpoints: Debug + Send + Sync {
    /// The place is being passed now.
    fn pass(&self, place: Failpoint);
}

/// The places. Between two of them a crash can make no other difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// Events of a run are durable, and nobody knows yet.
    Committed,
    /// An effect was performed or decided, and is not recorded.
    Performed,
    /// It is recorded, and the guest does not know yet.
    Recorded,
}

impl Failpoint {
    /// As a test's log names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Performed => "performed",
            Self::Recorded => "recorded",
        }
    }
}
