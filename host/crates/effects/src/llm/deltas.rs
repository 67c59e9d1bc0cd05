//! Pieces of an answer on their way to whoever watches.

use std::sync::atomic::{AtomicU32, Ordering};

/// A piece of the text of an answer, as it arrives. The whole answer supersedes all of them: where
/// a stream breaks and a fallback answers, both have sent pieces, under numbers that go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// Its number within the call, from 0.
    pub n: u32,
    /// The text.
    pub text: String,
}

/// Where the pieces of one call go.
pub(crate) struct Deltas<'a> {
    next: AtomicU32,
    on_delta: Option<&'a (dyn Fn(Delta) + Send + Sync)>,
}

impl<'a> Deltas<'a> {
    /// To that function, or nowhere.
    pub(crate) const fn new(on_delta: Option<&'a (dyn Fn(Delta) + Send + Sync)>) -> Self {
        Self { next: AtomicU32::new(0), on_delta }
    }

    /// Whether anybody wants them.
    pub(crate) const fn are_wanted(&self) -> bool {
        self.on_delta.is_some()
    }

    pub(crate) fn push(&self, text: &str) {
        let Some(on_delta) = self.on_delta.filter(|_| !text.is_empty()) else { return };
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        on_delta(Delta { n, text: text.to_owned() });
    }
}
