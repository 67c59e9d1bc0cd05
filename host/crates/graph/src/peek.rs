//! What a run shows of itself between two super-steps and inside one.

use alloc::vec::Vec;

use wforge_model::event::PlannedTask;
use wforge_model::head::RunStatus;

use crate::expressions::State;
use crate::reduce::reduce;
use crate::run::Run;
use crate::step::{next_tasks, written};

impl Run {
    /// The tasks of the super-step that would follow its last border; none where it ends there. A
    /// run that only writes leaves them to the next one.
    #[must_use]
    pub fn next_tasks(&self) -> Vec<PlannedTask> {
        let goes_on = self.started.as_ref().is_some_and(|run| run.origin.ends_at_once());
        let over = self.status == RunStatus::Completed && !goes_on;
        match self.site(None) {
            Some(site) if !over && site.frame.pending.outcomes.is_empty() => next_tasks(&site),
            Some(_) | None => Vec::new(),
        }
    }

    /// The state with what the finished tasks of the current super-step wrote, as far as it can be
    /// reduced; without the keys that never reach the store.
    #[must_use]
    pub fn state_so_far(&self) -> State {
        let mut state = self.persisted_state();
        let Some(site) = self.site(None) else {
            return state;
        };
        let written = written(&site.frame.tasks);
        let kept = written.filter(|(_, write)| {
            site.workflow.state.get(&write.key).is_none_or(|spec| !spec.volatile)
        });
        if let Ok(values) = reduce(&site.workflow.state, &state, kept) {
            state.extend(values);
        }
        state
    }
}
