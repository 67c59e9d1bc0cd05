//! How many events a suspended task has published, so that its rerun does not publish them again.
//!
//! Kept in memory, since an event costs no write. Another process knows what the task's record
//! says: only events after the last recorded effect are published again, with the same ordinals.

use std::sync::{Mutex, PoisonError};

use wforge_model::TaskId;
use wforge_ports::figures::Kept;

use crate::recent::Recent;

/// The high-water marks of the tasks that were suspended lately, by task and attempt. The events of
/// others are published again: of tasks that are cancelled while they wait nobody says so.
#[derive(Debug, Default)]
pub(crate) struct Emitted(Mutex<Marks>);

type Marks = Recent<(TaskId, u32), u32>;

impl Emitted {
    /// How many events earlier executions of the attempt published. Forgotten by being asked.
    pub(crate) fn take(&self, task: TaskId, attempt: u32) -> u32 {
        self.marks(|marks| marks.remove(&(task, attempt)).unwrap_or(0))
    }

    /// Remembers it for the next execution.
    pub(crate) fn keep(&self, task: TaskId, attempt: u32, published: u32) {
        self.marks(|marks| {
            if published > 0 {
                *marks.entry((task, attempt)) = published;
            }
        });
    }

    /// How many are remembered.
    pub(crate) fn kept(&self) -> Kept {
        Kept::entries("emitting_tasks", self.marks(|marks| marks.len()))
    }

    fn marks<T>(&self, act: impl FnOnce(&mut Marks) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(number: u128) -> TaskId {
        TaskId::from_bytes(number.to_be_bytes())
    }

    #[test]
    fn tasks_that_never_come_back_take_nobody_elses_place() {
        let emitted = Emitted::default();
        (0..100_000).for_each(|number| emitted.keep(task(number), 1, 3));
        emitted.keep(task(100_000), 1, 5);
        assert_eq!(emitted.take(task(100_000), 1), 5);
        assert_eq!(emitted.take(task(100_000), 1), 0, "it was asked for already");
        assert_eq!(emitted.take(task(0), 1), 0, "it is long ago");
    }
}
