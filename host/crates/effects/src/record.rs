//! What is known of a task's effects: its own record, and of the previous attempts what the retry
//! policy kept.

use std::collections::BTreeMap;

use wforge_model::agent::{AgentCall, EVERY_EFFECT};
use wforge_ports::store::{EffectIntent, EffectRecord, Phase, Record};

/// What is known of one position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) intent: Option<EffectIntent>,
    pub(crate) answer: Option<EffectRecord>,
}

/// The record of one attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskRecord {
    known: BTreeMap<u32, Known>,
    emitted: u32,
    /// Behind the last position that was answered before this execution.
    read: u32,
}

impl TaskRecord {
    /// Folds the task's records, which come in order of attempt, position and phase.
    pub(crate) fn of(call: &AgentCall, records: Vec<Record>) -> Self {
        let mut earlier: BTreeMap<u32, (u32, Known)> = BTreeMap::new();
        let mut own = Self::default();
        for record in records {
            let (attempt, position) = (record.key.attempt, record.key.position);
            if attempt == call.attempt {
                own.put(position, record.phase);
            } else if (call.first_attempt..call.attempt).contains(&attempt) {
                let entry = earlier.entry(position).or_default();
                // What a later attempt did at a position stands for it.
                if entry.0 != attempt {
                    *entry = (attempt, Known::default());
                }
                entry.1.put(record.phase);
            }
        }
        let last = match call.kept_effects {
            EVERY_EFFECT => last_before(call.attempt, &earlier),
            kept => kept,
        };
        let keeps_all = call.kept_effects == EVERY_EFFECT;
        for (position, known) in kept(last, keeps_all, earlier) {
            own.known.entry(position).or_insert(known);
        }
        let answered = own.known.iter().rfind(|(_, known)| known.answer.is_some());
        own.read = answered.map_or(0, |(position, _)| position.saturating_add(1));
        own
    }

    /// Positions from here on are new in this execution.
    pub(crate) const fn read(&self) -> u32 {
        self.read
    }

    pub(crate) fn at(&self, position: u32) -> Option<&Known> {
        self.known.get(&position)
    }

    /// How many events its executions had emitted when they last wrote something down.
    pub(crate) const fn emitted(&self) -> u32 {
        self.emitted
    }

    pub(crate) fn put(&mut self, position: u32, phase: Phase) {
        let emitted = match &phase {
            Phase::Intent(intent) => intent.emits,
            Phase::Answer(answer) => answer.emits,
        };
        self.emitted = self.emitted.max(emitted);
        self.known.entry(position).or_default().put(phase);
    }
}

impl Known {
    fn put(&mut self, phase: Phase) {
        match phase {
            Phase::Intent(intent) => self.intent = Some(intent),
            Phase::Answer(answer) => self.answer = Some(answer),
        }
    }
}

/// Where the attempt before this one ended. What it did not record itself it had kept.
fn last_before(attempt: u32, earlier: &BTreeMap<u32, (u32, Known)>) -> u32 {
    let its_own = |(_, (of, _)): &(&u32, &(u32, Known))| of.saturating_add(1) == attempt;
    let last = earlier.iter().rfind(its_own).or_else(|| earlier.last_key_value());
    last.map(|(position, _)| *position).unwrap_or_default()
}

/// Everything but the answers of the last call that failed. An attempt whose last call did not fail
/// broke for another reason, and nothing of it is kept, unless all is to be.
fn kept(
    last: u32,
    keeps_all: bool,
    earlier: BTreeMap<u32, (u32, Known)>,
) -> impl Iterator<Item = (u32, Known)> {
    let answer = |place: u32| earlier.get(&place).and_then(|(_, known)| known.answer.as_ref());
    let list = answer(last).and_then(|answer| answer.list);
    let first = list.map_or(last, |list| last.saturating_sub(list.index));
    let is_ok = |place: u32| answer(place).is_some_and(|answer| answer.answer.is_ok());
    let is_clean = (first..=last).all(is_ok);
    earlier
        .into_iter()
        .filter(move |(position, (_, known))| {
            let is_ok = known.answer.as_ref().map(|answer| answer.answer.is_ok());
            let is_kept = |is_ok: bool| *position < first || *position <= last && is_ok;
            (keeps_all || !is_clean) && is_ok.is_some_and(is_kept)
        })
        .map(|(position, (_, known))| (position, known))
}
