//! Ids of new runs: six bytes of milliseconds, so that they sort by age, and ten of chance.

use std::sync::{Mutex, PoisonError};

use wforge_model::id::IdHasher;
use wforge_model::{RunId, Timestamp};
use wforge_ports::Entropy;

/// Gives ids that grow, also within a millisecond and where the clock is set back.
#[derive(Debug, Default)]
pub(crate) struct RunIds(Mutex<Option<RunId>>);

impl RunIds {
    /// An id that was never given.
    pub(crate) fn next(&self, entropy: &dyn Entropy, now: Timestamp) -> RunId {
        let mut chance = [0; 10];
        entropy.fill(&mut chance);
        let fresh = of_parts(now, chance);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match *last {
            Some(last) if last >= fresh => successor(last),
            Some(_) | None => fresh,
        };
        *last = Some(next);
        next
    }
}

impl RunIds {
    /// Every id from now on is larger than that one.
    pub(crate) fn raise(&self, above: RunId) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(Some(above));
    }
}

/// The id of the run that handles the failure of another: always the same.
pub(crate) fn of_handler(failed: RunId, failed_at: Timestamp) -> RunId {
    let hash = IdHasher::new("wforge.failure.v1").field(failed.as_bytes()).finish();
    let mut chance = [0; 10];
    chance.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    of_parts(failed_at, chance)
}

fn of_parts(now: Timestamp, chance: [u8; 10]) -> RunId {
    let mut bytes = [0; 16];
    let time = now.0.to_be_bytes();
    let parts = time.iter().skip(2).chain(&chance);
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
    RunId::from_bytes(bytes)
}

/// When a run with that id was accepted.
pub(crate) fn made_at(id: RunId) -> Timestamp {
    let bytes = id.as_bytes().iter().take(6);
    Timestamp(bytes.fold(0, |time, byte| time << 8 | u64::from(*byte)))
}

/// The smallest id of runs that are accepted then.
pub(crate) fn first_of(at: Timestamp) -> RunId {
    of_parts(at, [0; 10])
}

fn successor(id: RunId) -> RunId {
    let number = u128::from_be_bytes(*id.as_bytes());
    RunId::from_bytes(number.wrapping_add(1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use wforge_testkit::SimEntropy;

    use super::*;

    #[test]
    fn ids_grow_whatever_the_clock_does() {
        let (ids, entropy) = (RunIds::default(), SimEntropy::new(1));
        let times = [5, 5, 5, 3, 6, 0].map(Timestamp);
        let given: Vec<RunId> = times.iter().map(|now| ids.next(&entropy, *now)).collect();
        assert!(given.is_sorted_by(|left, right| left < right), "{given:?}");
    }

    #[test]
    fn a_failed_run_has_one_handler() {
        let failed = RunId::from_bytes([3; 16]);
        assert_eq!(of_handler(failed, Timestamp(7)), of_handler(failed, Timestamp(7)));
        assert_ne!(
            of_handler(failed, Timestamp(7)),
            of_handler(RunId::from_bytes([4; 16]), Timestamp(7))
        );
    }
}
