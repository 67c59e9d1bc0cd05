//! Time and chance, handed in so that a replay and a simulation can hand in their own.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::Timestamp;

/// A clock. Wall time may jump; nothing durable is ordered by it.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Nanoseconds since some fixed moment, never going back: for measuring, never stored.
    fn monotonic_ns(&self) -> u64;

    /// Ends at that moment, at once where it has passed.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}

/// A source of random bytes for ids and keys.
pub trait Entropy: Debug + Send + Sync {
    /// Fills the bytes with randomness fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}
