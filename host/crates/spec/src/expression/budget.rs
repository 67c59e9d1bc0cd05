//! What one evaluation may cost, in units of work instead of time, so that every machine refuses
//! the same expressions.

use std::collections::BTreeSet;

use wforge_graph::ExprError;
use wforge_model::defence::{Defence, holds};

use super::failure::limit;

/// Bodies of comprehensions that one evaluation visits, nested ones multiplied.
pub(super) const VISITS_MAX: u64 = 100_000;
/// Units of work of one evaluation: about one for each term evaluated, each item looked at, and
/// each [`BYTES_PER_UNIT`] bytes of text read or made, and [`MADE`] for each thing made. The
/// costliest expression that stays within it takes some tens of milliseconds:
/// `cargo run -p wforge-spec --example costliest` measures it.
pub(super) const WORK_MAX: u64 = 500_000;
/// What making a text, a list or an entry of a map costs: memory is slower than arithmetic.
pub(super) const MADE: u64 = 4;
/// Bytes of text that cost as much as one term.
const BYTES_PER_UNIT: u64 = 64;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    work_left: u64,
    patterns: BTreeSet<String>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { work_left: WORK_MAX, patterns: BTreeSet::new() }
    }

    /// Whether this evaluation has not used the pattern before.
    pub(super) fn is_new_pattern(&mut self, pattern: &str) -> bool {
        !self.patterns.contains(pattern) && self.patterns.insert(pattern.to_owned())
    }

    /// Takes some units.
    pub(super) fn spend(&mut self, units: u64) -> Result<(), ExprError> {
        if !holds(Defence::Expressions) {
            return Ok(());
        }
        self.work_left = self.work_left.checked_sub(units).ok_or_else(|| {
            limit(format!(
                "the expression needs more than {WORK_MAX} units of work on this state; compute it \
                 in an agent, or in several `set` nodes"
            ))
        })?;
        Ok(())
    }

    /// Takes what a list or map of this length costs to go over.
    pub(super) fn spend_items(&mut self, items: usize) -> Result<(), ExprError> {
        self.spend(units(items))
    }

    /// Takes what making text, or something of this many bytes, costs.
    pub(super) fn spend_made(&mut self, bytes: usize) -> Result<(), ExprError> {
        self.spend(MADE)?;
        self.spend_bytes(bytes)
    }

    /// Takes what text of this length costs to read.
    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Result<(), ExprError> {
        self.spend(units(bytes) / BYTES_PER_UNIT)
    }
}

pub(super) fn units(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Refuses too many visits before the first one.
pub(super) fn check_visits(visits: u64) -> Result<(), ExprError> {
    if visits > VISITS_MAX && holds(Defence::Expressions) {
        return Err(limit(format!(
            "the expression would visit {visits} items, the most is {VISITS_MAX}"
        )));
    }
    Ok(())
}
