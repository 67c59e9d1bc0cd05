//! How many events a suspended task has published, so that its rerun does not publish them again.
//!
//! Kept in memory, since an event costs no write. Another process knows what the task's record
//! says: only events after the last recorded effect are published again, with the same ordinals.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wforge_model::TaskId;

/// Suspended tasks that are remembered; the events of a task beyond them are published again.
const TASKS_MAX: usize = 65_536;

/// The high-water marks, by task and attempt.
#[derive(Debug, Default)]
pub(crate) struct Emitted(Mutex<HashMap<(TaskId, u32), u32>>);

impl Emitted {
    /// How many events earlier executions of the attempt published. Forgotten by being asked.
    pub(crate) fn take(&self, task: TaskId, attempt: u32) -> u32 {
        self.marks(|marks| marks.remove(&(task, attempt)).unwrap_or(0))
    }

    /// Remembers it for the next execution.
    pub(crate) fn keep(&self, task: TaskId, attempt: u32, published: u32) {
        self.marks(|marks| {
            if published > 0 && marks.len() < TASKS_MAX {
                marks.insert((task, attempt), published);
            }
        });
    }

    fn marks<T>(&self, act: impl FnOnce(&mut HashMap<(TaskId, u32), u32>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
