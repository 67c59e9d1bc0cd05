//! The way to the host: `live` on wasm, and elsewhere, in a native test, what stands in for it.
//!
//! Both have a `Host` with the same methods and a `Secret`; an agent never sees which it is.

#[cfg(target_family = "wasm")]
mod live;
#[cfg(not(target_family = "wasm"))]
mod mock;

#[cfg(target_family = "wasm")]
pub(crate) use live::Host;
#[cfg(target_family = "wasm")]
pub use live::Secret;
#[cfg(not(target_family = "wasm"))]
pub(crate) use mock::Host;
#[cfg(not(target_family = "wasm"))]
pub use mock::{Answer, MockHost, Secret};

use crate::Failure;

/// What a call with a list gives: an answer for each request, in their order.
pub(crate) type Answers<T> = Result<Vec<Result<T, Failure>>, Failure>;

/// The answer to the only request of a list.
pub(crate) fn only<T>(answers: Answers<T>) -> Result<T, Failure> {
    answers?.into_iter().next().unwrap_or_else(|| {
        Err(Failure::failed("no_answer", "the host answered an empty list to one request"))
    })
}
