//! What a run's log tells, as the page shows it: who ran when and how, and what each super-step
//! changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wforge_graph::Run;
use wforge_model::effect::Waiting;
use wforge_model::event::{AnsweredBy, EventKind, RunEvent};
use wforge_model::{Key, NodeId, TaskId, Timestamp, Value};

use super::ROWS_MAX;
use crate::trail::{Level, Trail};
use crate::words::{AFTER_WRITE, assigned, cancelled, duration, for_steps, when_text};

/// An attempt that failed and was followed by another.
pub(super) const RETRIED: &str = "retried";

/// The story of a run.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) bars: Vec<Bar>,
    pub(super) mocks: Vec<Mock>,
    /// The first of them; each holds on to values that later ones replaced.
    pub(super) changes: Vec<Change>,
    /// All of them.
    pub(super) changes_made: usize,
    pub(super) notes: Vec<Note>,
}

impl Story {
    fn add(&mut self, change: Change) {
        self.changes_made += 1;
        if self.changes.len() < ROWS_MAX {
            self.changes.push(change);
        }
    }
}

/// The tasks of one node in one super-step that got their result in the same way.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// The super-steps on the way to it, such as `2.1`.
    pub(super) steps: String,
    /// The nodes on the way to it, such as `outer/inner`.
    pub(super) path: String,
    pub(super) source: &'static str,
    pub(super) tasks: usize,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) work_ms: u64,
}

/// A task that a mock did.
#[derive(Debug)]
pub(super) struct Mock {
    pub(super) steps: String,
    pub(super) path: String,
    pub(super) source: &'static str,
    pub(super) why: Option<String>,
}

/// What a super-step changed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) title: String,
    pub(super) keys: Vec<(Key, Option<Arc<Value>>, Arc<Value>)>,
}

/// Something that happened beside results: a failed attempt, a question, an answer, a pause.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) at: Timestamp,
    /// Of which node; empty for the run itself.
    pub(super) node: String,
    pub(super) text: String,
}

/// Tells the story of a run while it is lived again, event by event.
#[derive(Debug, Default)]
pub(super) struct Teller {
    pub(super) story: Story,
    trail: Trail,
    began: HashMap<Level, Timestamp>,
    bars: BTreeMap<(String, String, &'static str), usize>,
    before: HashMap<Level, BTreeMap<Key, Arc<Value>>>,
}

impl Teller {
    /// Takes the next event, and the run as it is after it.
    pub(super) fn take(&mut self, run: &Run, event: &RunEvent) {
        if self.story.began == Timestamp(0) {
            self.story.began = event.at;
        }
        self.story.ended = event.at;
        self.trail.take(&event.kind);
        self.show(run, event);
        self.note_of_task(event);
        self.note_of_run(event);
    }

    /// What stands in the timeline, the list of mocks and the changes of the state.
    fn show(&mut self, run: &Run, event: &RunEvent) {
        let at = event.at;
        match &event.kind {
            EventKind::RunStarted(_) => self.change(run, None, "Start".to_owned()),
            EventKind::SubgraphStarted { task, .. } => {
                let title = format!("Start of {}", self.trail.name(*task));
                self.change(run, Some(*task), title);
            }
            EventKind::StepPlanned { ns, .. } => drop(self.began.insert(*ns, at)),
            EventKind::StepCommitted { ns, step } => {
                let title = match ns.and_then(|task| self.trail.place(task)) {
                    Some(place) => format!("Step {}.{step} in {}", place.steps, place.path),
                    None => format!("Step {step}"),
                };
                self.change(run, *ns, title);
            }
            EventKind::TaskFinished(finished) => {
                let (source, ms) = (finished.source.as_str(), finished.elapsed_ms);
                self.bar(finished.task, source, (None, at), ms);
                let why = finished.instead_of.as_ref().map(ToString::to_string);
                if let ("mock" | "fallback", Some(place)) =
                    (source, self.trail.place(finished.task))
                {
                    let (steps, path) = (place.steps.clone(), place.path.clone());
                    self.story.mocks.push(Mock { steps, path, source, why });
                }
            }
            EventKind::TaskFailed { task, handler, elapsed_ms, .. } => {
                let source = if handler.is_some() { "handled" } else { "failed" };
                self.bar(*task, source, (None, at), *elapsed_ms);
            }
            EventKind::TaskRetried { task, elapsed_ms, .. } => {
                let from = Timestamp(at.0.saturating_sub(*elapsed_ms));
                self.bar(*task, RETRIED, (Some(from), at), *elapsed_ms);
            }
            EventKind::RunQueued(_)
            | EventKind::TaskSuspended { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::Interrupted { .. }
            | EventKind::PauseRequested { .. }
            | EventKind::Continued { .. }
            | EventKind::RunRevived { .. }
            | EventKind::FailureHandled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => {}
        }
    }

    /// What is told of tasks beside their results.
    fn note_of_task(&mut self, event: &RunEvent) {
        let (task, text) = match &event.kind {
            EventKind::TaskFailed {
                task,
                attempt,
                failure,
                handler,
                elapsed_ms,
                after_write,
                ..
            } => {
                let time = duration(*elapsed_ms);
                let next = match handler {
                    Some(handler) => format!("; {} handles it", handler.node),
                    None if *after_write => format!("; {AFTER_WRITE}"),
                    None => String::new(),
                };
                (task, format!("attempt {attempt} failed for good after {time}: {failure}{next}"))
            }
            EventKind::TaskRetried { task, attempt, failure, elapsed_ms, falls_back, .. } => {
                let next = if *falls_back { "; the fallback agent takes over" } else { "" };
                let time = duration(*elapsed_ms);
                (task, format!("attempt {attempt} failed after {time}: {failure}{next}"))
            }
            EventKind::TaskSuspended { task, waiting } => (task, waits_for(waiting)),
            EventKind::QuestionAnswered { task, answer, by, .. } => {
                let answer = answer.as_ref().map_or_else(|| "none".to_owned(), Value::to_string);
                (task, format!("answered {answer} by {}", answerer(by)))
            }
            EventKind::QuestionAssigned { task, assignee, note, by, .. } => {
                (task, assigned(assignee.as_deref(), note.as_deref(), by))
            }
            EventKind::RunBlocked { task, .. } => {
                (task, "diverged from its record: blocked".to_owned())
            }
            EventKind::RunUnblocked { task, by } => {
                (task, format!("taken up again by {by}, its record dropped"))
            }
            // `show` names them all, so that a new one asks for its place.
            _ => return,
        };
        self.note(event.at, self.trail.name(*task), text);
    }

    /// What is told of the run as a whole.
    fn note_of_run(&mut self, event: &RunEvent) {
        let text = match &event.kind {
            EventKind::RunQueued(queued) => format!("queued in {}", queued.thread),
            EventKind::RunStarted(started) => match &started.base {
                Some(base) => format!("started from {base}"),
                None => return,
            },
            EventKind::Interrupted { ns, when, nodes } => {
                let names = nodes.iter().map(|node: &NodeId| self.trail.path_in(*ns, node));
                let names: Vec<String> = names.collect();
                format!("paused {} {}", when_text(*when), names.join(", "))
            }
            EventKind::PauseRequested { by } => format!("{by} asked for a pause"),
            EventKind::Continued { by, steps } => {
                format!("continued by {by}{}", for_steps(*steps))
            }
            EventKind::RunFailed { error } => format!("failed: {} ({})", error.message, error.code),
            EventKind::RunCancelled { reason, by, rolled_back } => {
                cancelled(reason, by, *rolled_back)
            }
            EventKind::RunRevived { by } => format!("taken up again by {by}"),
            EventKind::FailureHandled { run: Some(run), .. } => {
                format!("its failure is handled by {run}")
            }
            EventKind::FailureHandled { run: None, refused } => {
                let why = refused.as_deref().unwrap_or("no reason was given");
                format!("nothing handles its failure: {why}")
            }
            _ => return,
        };
        self.note(event.at, String::new(), text);
    }

    fn bar(
        &mut self,
        task: TaskId,
        source: &'static str,
        (from, until): (Option<Timestamp>, Timestamp),
        ms: u64,
    ) {
        let Some(place) = self.trail.place(task) else { return };
        let began = self.began.get(&place.level).copied().unwrap_or(until);
        let (from, story) = (from.unwrap_or(began), &mut self.story);
        let key = (place.steps.clone(), place.path.clone(), source);
        let number = *self.bars.entry(key).or_insert_with(|| {
            let (steps, path) = (place.steps.clone(), place.path.clone());
            story.bars.push(Bar { steps, path, source, tasks: 0, from, until, work_ms: 0 });
            story.bars.len() - 1
        });
        if let Some(bar) = story.bars.get_mut(number) {
            bar.tasks += 1;
            bar.from = bar.from.min(from);
            bar.until = until;
            bar.work_ms += ms;
        }
    }

    fn note(&mut self, at: Timestamp, node: String, text: String) {
        self.story.notes.push(Note { at, node, text });
    }

    fn change(&mut self, run: &Run, level: Level, title: String) {
        let Some(site) = run.site(level) else { return };
        let state = site.frame.state();
        let before = self.before.entry(level).or_default();
        let changed = state.iter().filter_map(|(key, after)| {
            let before = before.get(key);
            let same = before.is_some_and(|before| Arc::ptr_eq(before, after) || before == after);
            (!same).then(|| (key.clone(), before.cloned(), after.clone()))
        });
        let keys: Vec<_> = changed.collect();
        before.clone_from(state);
        if !keys.is_empty() {
            self.story.add(Change { title, keys });
        }
    }
}

fn waits_for(waiting: &Waiting) -> String {
    if let Waiting::Timer { until } = waiting {
        return format!("sleeps until {until}");
    }
    if let Waiting::Quarantine { component, reason } = waiting {
        return format!("waits for {component}, which is in quarantine: {reason}");
    }
    let asked = waiting.questions().iter().map(|question| {
        let until = question.deadline.map(|at| format!(", until {at}")).unwrap_or_default();
        let of = question.assignee.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        format!("asks {of}\"{}\"{until}", question.prompt)
    });
    asked.collect::<Vec<_>>().join(" and ")
}

fn answerer(by: &AnsweredBy) -> &str {
    match by {
        AnsweredBy::Person(name) => name,
        AnsweredBy::Start => "whoever started the run, beforehand",
        AnsweredBy::Mock => "the mock agent",
        AnsweredBy::Deadline => "nobody: the deadline passed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_beyond_those_that_are_shown_are_counted() {
        let mut story = Story::default();
        for step in 0..ROWS_MAX + 2 {
            story.add(Change { title: format!("Step {step}"), keys: Vec::new() });
        }
        assert_eq!((story.changes.len(), story.changes_made), (ROWS_MAX, ROWS_MAX + 2));
        assert_eq!(story.changes.last().map(|change| change.title.as_str()), Some("Step 499"));
    }
}
