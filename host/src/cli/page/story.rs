//! What a run's log tells, as the page shows it: who ran when and how, and what each super-step
//! changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wforge_graph::{Run, Workflow, apply, validate};
use wforge_model::effect::Waiting;
use wforge_model::event::{AnsweredBy, EventKind, RunEvent, StoredEvent};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Key, NodeId, RunId, TaskId, Timestamp, Value};
use wforge_spec::Cel;

/// The story of a run.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) bars: Vec<Bar>,
    pub(super) mocks: Vec<Mock>,
    pub(super) changes: Vec<Change>,
    pub(super) notes: Vec<Note>,
}

/// The tasks of one node in one super-step that got their result in the same way.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub(super) step: u32,
    pub(super) node: NodeId,
    pub(super) source: &'static str,
    pub(super) tasks: usize,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) work_ms: u64,
}

/// A task that a mock did.
#[derive(Debug)]
pub(super) struct Mock {
    pub(super) step: u32,
    pub(super) node: NodeId,
    pub(super) source: &'static str,
    pub(super) why: Option<String>,
}

/// What a super-step changed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) step: u32,
    pub(super) keys: Vec<(Key, Option<Arc<Value>>, Arc<Value>)>,
}

/// Something that happened beside results: a failed attempt, a question, an answer.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) at: Timestamp,
    pub(super) node: String,
    pub(super) text: String,
}

/// Reads a log. Nothing is said of the state where the workflow would not be accepted today.
pub(super) fn tell(run: RunId, log: &[StoredEvent], draft: &WorkflowDraft) -> Story {
    let mut teller = Teller::new(run, draft);
    log.iter().for_each(|stored| teller.take(&stored.event));
    teller.story
}

struct Teller {
    story: Story,
    step: u32,
    step_began: Timestamp,
    node_of: HashMap<TaskId, NodeId>,
    bars: BTreeMap<(u32, NodeId, &'static str), usize>,
    fold: Option<Run>,
    before: BTreeMap<Key, Arc<Value>>,
}

impl Teller {
    fn new(run: RunId, draft: &WorkflowDraft) -> Self {
        let workflow = validate(draft.clone(), &Cel::new()).ok();
        let fold = workflow.map(|(workflow, _): (Workflow, _)| Run::new(run, Arc::new(workflow)));
        Self {
            story: Story::default(),
            step: 0,
            step_began: Timestamp(0),
            node_of: HashMap::new(),
            bars: BTreeMap::new(),
            fold,
            before: BTreeMap::new(),
        }
    }

    fn take(&mut self, event: &RunEvent) {
        if self.story.began == Timestamp(0) {
            self.story.began = event.at;
        }
        self.story.ended = event.at;
        if let Some(run) = &mut self.fold {
            apply(run, event);
        }
        match &event.kind {
            EventKind::RunStarted(_) => self.change(0),
            EventKind::StepPlanned { step, tasks } => {
                (self.step, self.step_began) = (*step, event.at);
                self.node_of.extend(tasks.iter().map(|task| (task.id, task.node.clone())));
            }
            EventKind::TaskFinished(finished) => {
                let source = finished.source.as_str();
                self.bar(finished.task, source, event.at, finished.elapsed_ms);
                let why = finished.instead_of.as_ref().map(ToString::to_string);
                if (source == "mock" || source == "fallback")
                    && let Some(node) = self.node_of.get(&finished.task)
                {
                    let (step, node) = (self.step, node.clone());
                    self.story.mocks.push(Mock { step, node, source, why });
                }
            }
            EventKind::TaskFailed { task, attempt, failure } => {
                self.bar(*task, "failed", event.at, 0);
                self.note(event.at, *task, format!("attempt {attempt} failed for good: {failure}"));
            }
            EventKind::TaskRetried { task, attempt, failure, .. } => {
                self.note(event.at, *task, format!("attempt {attempt} failed: {failure}"));
            }
            EventKind::TaskSuspended { task, waiting } => {
                self.note(event.at, *task, waits_for(waiting));
            }
            EventKind::QuestionAnswered { task, answer, by, .. } => {
                let answer = answer.as_ref().map_or_else(|| "none".to_owned(), Value::to_string);
                self.note(event.at, *task, format!("answered {answer} by {}", answerer(by)));
            }
            EventKind::RunBlocked { task, .. } => {
                self.note(event.at, *task, "diverged from its record: blocked".to_owned());
            }
            EventKind::StepCommitted { step } => self.change(*step),
            EventKind::RunUnblocked { task, by } => {
                self.note(event.at, *task, format!("taken up again by {by}, its record dropped"));
            }
            EventKind::TaskResumed { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. } => {}
        }
    }

    fn bar(&mut self, task: TaskId, source: &'static str, at: Timestamp, ms: u64) {
        let Some(node) = self.node_of.get(&task) else { return };
        let place = *self.bars.entry((self.step, node.clone(), source)).or_insert_with(|| {
            self.story.bars.push(Bar {
                step: self.step,
                node: node.clone(),
                source,
                tasks: 0,
                from: self.step_began,
                until: at,
                work_ms: 0,
            });
            self.story.bars.len() - 1
        });
        if let Some(bar) = self.story.bars.get_mut(place) {
            bar.tasks += 1;
            bar.until = at;
            bar.work_ms += ms;
        }
    }

    fn note(&mut self, at: Timestamp, task: TaskId, text: String) {
        let node = self.node_of.get(&task).map_or_else(|| task.to_string(), ToString::to_string);
        self.story.notes.push(Note { at, node, text });
    }

    fn change(&mut self, step: u32) {
        let Some(run) = &self.fold else { return };
        let changed = run.state.iter().filter_map(|(key, after)| {
            let before = self.before.get(key);
            let same = before.is_some_and(|before| Arc::ptr_eq(before, after) || before == after);
            (!same).then(|| (key.clone(), before.cloned(), after.clone()))
        });
        let keys: Vec<_> = changed.collect();
        self.before.clone_from(&run.state);
        if !keys.is_empty() {
            self.story.changes.push(Change { step, keys });
        }
    }
}

fn waits_for(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Question(question) => {
            let until = question.deadline.map(|at| format!(", until {at}")).unwrap_or_default();
            format!("asks \"{}\"{until}", question.prompt)
        }
        Waiting::Timer { until } => format!("sleeps until {until}"),
    }
}

fn answerer(by: &AnsweredBy) -> &str {
    match by {
        AnsweredBy::Person(name) => name,
        AnsweredBy::Start => "whoever started the run, beforehand",
        AnsweredBy::Mock => "the mock agent",
        AnsweredBy::Deadline => "nobody: the deadline passed",
    }
}
