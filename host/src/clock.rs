//! The system's clock and its source of randomness: the only place where the host reads either.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt as _;
use wforge_model::Timestamp;
use wforge_ports::{BoxFuture, Clock, Entropy};

/// A sleep looks at the wall clock this often, since that may jump.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    fn monotonic_ns(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let since = START.get_or_init(Instant::now).elapsed();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let clock = *self;
        async move {
            loop {
                let left = at.since(clock.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        }
        .boxed()
    }
}

/// The kernel's randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemEntropy(());

impl SystemEntropy {
    /// The source, once it was seen to give something.
    pub(crate) fn open() -> anyhow::Result<Self> {
        random(&mut [0; 1])?;
        Ok(Self(()))
    }
}

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "keys without randomness could be guessed")]
    fn fill(&self, bytes: &mut [u8]) {
        if random(bytes).is_err() {
            std::process::abort();
        }
    }
}

fn random(bytes: &mut [u8]) -> Result<(), rustix::io::Errno> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_randomness_differs() {
        let before = SystemClock.monotonic_ns();
        assert!(SystemClock.monotonic_ns() >= before);
        assert!(SystemClock.now() > Timestamp(1_700_000_000_000));
        let entropy = SystemEntropy::open().unwrap();
        let (mut left, mut right) = ([0; 32], [0; 32]);
        entropy.fill(&mut left);
        entropy.fill(&mut right);
        assert_ne!(left, right);
    }
}
