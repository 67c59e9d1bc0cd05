//! What follows from one fact. Pure: the same arguments give the same answer.
//!
//! How levels go on is in [`crate::advance`], how tasks end in [`crate::outcome`].

use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::command::{Command, Fact};
use wforge_model::effect::{Escalation, Question, Waiting};
use wforge_model::event::{AnsweredBy, AssignedBy, EventKind, RunEvent};
use wforge_model::head::RunStatus;
use wforge_model::{Digest, QuestionId, TaskId, Timestamp, Value};

use crate::expressions::Expressions;
use crate::frame::{Task, TaskStatus};
use crate::run::Run;

/// What follows from facts: events to make durable, and then commands to perform.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// What happened, in order.
    pub events: Vec<RunEvent>,
    /// What is to be done once the events are durable.
    pub commands: Vec<Command>,
}

/// The events that follow from `fact`. Without a fact: those that follow from how the run stands,
/// such as the commit of a super-step whose tasks have all finished; none where nothing does.
#[must_use]
pub fn decide(
    run: &Run,
    fact: Option<&Fact>,
    now: Timestamp,
    expressions: &dyn Expressions,
) -> Vec<RunEvent> {
    let decider = Decider { run, now, expressions };
    let kinds = match (fact, run.status) {
        (None, RunStatus::Running) if run.started.is_some() => decider.advance(),
        (Some(fact), RunStatus::Running) => decider.running(fact),
        (Some(fact), _) => decider.at_rest(fact),
        (None, _) => Vec::new(),
    };
    kinds.into_iter().map(|kind| RunEvent { at: now, kind }).collect()
}

/// One decision's arguments.
#[derive(Clone, Copy)]
pub(crate) struct Decider<'a> {
    pub(crate) run: &'a Run,
    pub(crate) now: Timestamp,
    pub(crate) expressions: &'a dyn Expressions,
}

impl Decider<'_> {
    /// What follows from a fact for a run that is under way.
    fn running(&self, fact: &Fact) -> Vec<EventKind> {
        match fact {
            Fact::Loaded | Fact::Time => self.time(),
            Fact::Executed { task, attempt, execution, elapsed_ms, deeds } => {
                self.executed(*task, *attempt, execution, *elapsed_ms, deeds)
            }
            Fact::Cached { task, attempt, reply } => self.cached(*task, *attempt, reply),
            Fact::Answer { question, answer, by } => {
                self.answered(*question, Some(answer.clone()), AnsweredBy::Person(by.clone()))
            }
            Fact::Assign { question, assignee, note, by } => {
                let (to, by) = ((assignee, note), AssignedBy::Person(by.clone()));
                self.assigned(*question, to, by).into_iter().collect()
            }
            Fact::Cancel { reason, by, roll_back } => cancel(reason, by, *roll_back),
            Fact::Pause { by } if !self.run.pauses => {
                alloc::vec![EventKind::PauseRequested { by: by.clone() }]
            }
            Fact::Continue { by, steps } if self.is_held() => {
                alloc::vec![EventKind::Continued { by: by.clone(), steps: *steps }]
            }
            Fact::Released { component } => self.released(*component),
            Fact::Pause { .. }
            | Fact::Continue { .. }
            | Fact::Revive { .. }
            | Fact::FailureHandled { .. }
            | Fact::DiscardEffects { .. } => Vec::new(),
        }
    }

    /// What follows from a fact for a run that waits for an operator or its turn, or has ended.
    fn at_rest(&self, fact: &Fact) -> Vec<EventKind> {
        let status = self.run.status;
        match fact {
            Fact::Cancel { reason, by, roll_back } if !status.is_final() => {
                cancel(reason, by, *roll_back)
            }
            Fact::DiscardEffects { by } if status == RunStatus::Blocked => {
                let task = self.run.blocked_by;
                let event = |task| EventKind::RunUnblocked { task, by: by.clone() };
                task.map(event).into_iter().collect()
            }
            Fact::Revive { by } if self.can_be_revived() => {
                alloc::vec![EventKind::RunRevived { by: by.clone() }]
            }
            Fact::FailureHandled { outcome } if self.run.owes_failure_handling() => {
                let (run, refused) = match outcome {
                    Ok(run) => (Some(*run), None),
                    Err(why) => (None, Some(why.clone())),
                };
                alloc::vec![EventKind::FailureHandled { run, refused }]
            }
            Fact::Loaded
            | Fact::Executed { .. }
            | Fact::Cached { .. }
            | Fact::Answer { .. }
            | Fact::Assign { .. }
            | Fact::Time
            | Fact::DiscardEffects { .. }
            | Fact::Released { .. }
            | Fact::Cancel { .. }
            | Fact::Pause { .. }
            | Fact::Continue { .. }
            | Fact::Revive { .. }
            | Fact::FailureHandled { .. } => Vec::new(),
        }
    }

    /// A run can be taken up again where tasks failed; one that passed a limit would pass it again.
    fn can_be_revived(&self) -> bool {
        let failed = |task: &Task| matches!(task.status, TaskStatus::Failed { handled: false, .. });
        self.run.status == RunStatus::Failed && self.run.all_tasks().any(failed)
    }

    fn is_held(&self) -> bool {
        self.run.levels().filter_map(|ns| self.run.site(ns)).any(|site| site.is_held())
    }

    /// What waited for the release of a component goes on.
    fn released(&self, component: Digest) -> Vec<EventKind> {
        let waits = |task: &&Task| match &task.status {
            TaskStatus::Suspended(Waiting::Quarantine { component: of, .. }) => *of == component,
            TaskStatus::Suspended(_)
            | TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Inside
            | TaskStatus::Finished(_)
            | TaskStatus::Failed { .. } => false,
        };
        let waiting = self.run.all_tasks().filter(waits);
        waiting.map(|task| EventKind::TaskResumed { task: task.id }).collect()
    }

    /// The task whose question a person answered, or whose deadline passed.
    fn answered(
        &self,
        question: QuestionId,
        answer: Option<Value>,
        by: AnsweredBy,
    ) -> Vec<EventKind> {
        let event = |(task, _)| EventKind::QuestionAnswered { task, question, answer, by };
        self.open_question(question).map(event).into_iter().collect()
    }

    /// A question that is open, and the task that asks it.
    fn open_question(&self, question: QuestionId) -> Option<(TaskId, &Question)> {
        self.run.all_tasks().find_map(|task| match &task.status {
            TaskStatus::Suspended(waiting) => {
                let asked = waiting.questions().iter().find(|asked| asked.id == question)?;
                Some((task.id, asked))
            }
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Inside
            | TaskStatus::Finished(_)
            | TaskStatus::Failed { .. } => None,
        })
    }

    /// A person puts an open question to somebody; to say the same again changes nothing.
    fn assigned(
        &self,
        question: QuestionId,
        (assignee, note): (&Option<String>, &Option<String>),
        by: AssignedBy,
    ) -> Option<EventKind> {
        let (task, asked) = self.open_question(question)?;
        if asked.assignee == *assignee && asked.note == *note {
            return None;
        }
        let (assignee, note) = (assignee.clone(), note.clone());
        Some(EventKind::QuestionAssigned { task, question, assignee, note, by })
    }

    /// What the passing of time does to a question: nobody needs to answer it any more, or it is
    /// somebody else's now.
    fn waited(&self, task: TaskId, asked: &Question) -> Vec<EventKind> {
        if asked.deadline.is_some_and(|at| at <= self.now) {
            return self.answered(asked.id, None, AnsweredBy::Deadline);
        }
        let is_due = |escalation: &&Escalation| !escalation.done && escalation.at <= self.now;
        let due = asked.escalation.as_deref().filter(is_due);
        let event = |escalation: &Escalation| EventKind::QuestionAssigned {
            task,
            question: asked.id,
            assignee: Some(escalation.to.clone()),
            note: asked.note.clone(),
            by: AssignedBy::Escalation,
        };
        due.map(event).into_iter().collect()
    }

    /// Whatever is due by now: deadlines and escalations of questions, and the ends of sleeps.
    fn time(&self) -> Vec<EventKind> {
        let due = |task: &Task| match &task.status {
            TaskStatus::Suspended(Waiting::Timer { until }) if *until <= self.now => {
                alloc::vec![EventKind::TaskResumed { task: task.id }]
            }
            TaskStatus::Suspended(waiting) => {
                let asked = waiting.questions().iter();
                asked.flat_map(|asked| self.waited(task.id, asked)).collect()
            }
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Inside
            | TaskStatus::Finished(_)
            | TaskStatus::Failed { .. } => Vec::new(),
        };
        self.run.all_tasks().flat_map(due).collect()
    }
}

fn cancel(reason: &str, by: &str, rolled_back: bool) -> Vec<EventKind> {
    let (reason, by): (String, String) = (reason.into(), by.into());
    alloc::vec![EventKind::RunCancelled { reason, by, rolled_back }]
}
