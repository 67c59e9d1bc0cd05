//! What follows from one fact. Pure: the same arguments give the same answer.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::agent::{Execution, Reply};
use wforge_model::command::{Command, Fact};
use wforge_model::effect::{Question, RequestHash, Waiting, question_id};
use wforge_model::event::{AnsweredBy, EventKind, RunError, RunEvent};
use wforge_model::head::RunStatus;
use wforge_model::mock::{OnDegraded, TaskSource};
use wforge_model::workflow::{Ask, Node, Work};
use wforge_model::{Failure, Problem, QuestionId, TaskId, Timestamp, Value, effect::Operation};

use crate::call::missing;
use crate::expressions::Expressions;
use crate::finish::{Provenance, end, finished};
use crate::mocks;
use crate::policy::{falls_back, kept_effects, next_attempt};
use crate::run::{Run, Task, TaskStatus};
use crate::step::{check_commit, next_tasks, run_error};
use crate::workflow::Workflow;

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
    let Some(workflow) = run.workflow() else {
        return Vec::new();
    };
    if run.status != RunStatus::Running {
        return Vec::new();
    }
    let decider = Decider { run, workflow, now, expressions };
    let kinds = match fact {
        Some(Fact::DiscardEffects { by }) => decider.unblock(by),
        Some(Fact::Cancel { reason }) if !run.status.is_final() => {
            alloc::vec![EventKind::RunCancelled { reason: reason.clone() }]
        }
        Some(Fact::Cancel { .. }) => Vec::new(),
        _ if run.status != RunStatus::Running => Vec::new(),
        None => decider.advance(),
        Some(Fact::Loaded | Fact::Time) => decider.time(),
        Some(Fact::Executed { task, attempt, execution, elapsed_ms }) => {
            decider.executed(*task, *attempt, execution, *elapsed_ms)
        }
        Some(Fact::Answer { question, answer, by }) => {
            decider.answered(*question, Some(answer.clone()), AnsweredBy::Person(by.clone()))
        }
    };
    kinds.into_iter().map(|kind| RunEvent { at: now, kind }).collect()
}

struct Decider<'a> {
    run: &'a Run,
    workflow: &'a Workflow,
    now: Timestamp,
    expressions: &'a dyn Expressions,
}

impl Decider<'_> {
    /// What follows from how the run stands.
    fn advance(&self) -> Vec<EventKind> {
        if let Some(error) = self.over_limits() {
            return alloc::vec![EventKind::RunFailed { error }];
        }
        if let Some(error) = self.failed_task() {
            return alloc::vec![EventKind::RunFailed { error }];
        }
        let local: Vec<EventKind> =
            self.run.tasks.iter().flat_map(|task| self.local(task)).collect();
        if !local.is_empty() {
            return local;
        }
        if self.run.unfinished > 0 {
            return Vec::new();
        }
        if self.run.tasks.is_empty() { self.plan() } else { self.commit() }
    }

    fn unblock(&self, by: &str) -> Vec<EventKind> {
        let task = self.run.blocked_by.filter(|_| self.run.status == RunStatus::Blocked);
        task.map(|task| EventKind::RunUnblocked { task, by: by.into() }).into_iter().collect()
    }

    fn commit(&self) -> Vec<EventKind> {
        match check_commit(self.run, self.workflow, self.expressions) {
            Ok(()) => alloc::vec![EventKind::StepCommitted { step: self.run.step }],
            Err(error) => alloc::vec![EventKind::RunFailed { error: *error }],
        }
    }

    fn plan(&self) -> Vec<EventKind> {
        let tasks = next_tasks(self.run, self.workflow);
        let limits = &self.workflow.limits;
        if tasks.is_empty() || !self.run.pending.outcomes.is_empty() {
            return alloc::vec![end(self.run, self.workflow)];
        }
        let error = if self.run.step >= limits.steps_max {
            run_error(
                "step_limit",
                format!(
                    "the run took {} super-steps, the most that limits.steps allows; raise it, or end \
                 the loop",
                    limits.steps_max
                ),
            )
        } else if tasks.len() as u64 > u64::from(limits.tasks_per_step_max) {
            run_error(
                "task_limit",
                format!(
                    "super-step {} would have {} tasks, more than limits.tasks_per_step_max = {}",
                    self.run.step + 1,
                    tasks.len(),
                    limits.tasks_per_step_max
                ),
            )
        } else {
            let step = self.run.step.saturating_add(1);
            return alloc::vec![EventKind::StepPlanned { step, tasks }];
        };
        alloc::vec![EventKind::RunFailed { error }]
    }

    fn over_limits(&self) -> Option<RunError> {
        let limit = self.workflow.limits.wall_ms_max;
        let worked = self.run.worked_ms(self.now);
        if limit > 0 && worked > limit {
            let message = format!("tasks ran for {worked} ms, more than limits.wall = {limit} ms");
            return Some(run_error("wall_limit", message));
        }
        let fails = self.run.degraded && self.workflow.mock.on_degraded == OnDegraded::Fail;
        fails.then(|| {
            let message = "the mock agent stood in for an agent, and mock.on_degraded is `fail`";
            run_error("degraded", message.into())
        })
    }

    /// The first failure for good ends the run and everything that is still running.
    fn failed_task(&self) -> Option<RunError> {
        self.run.tasks.iter().find_map(|task| match &task.status {
            TaskStatus::Failed(failure) => Some(RunError {
                code: failure.code().into(),
                message: format!("node {} failed: {failure}", task.node),
                node: Some(task.node.clone()),
                task: Some(task.id),
                failure: Some(failure.clone()),
            }),
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Suspended(_)
            | TaskStatus::Finished(_) => None,
        })
    }

    /// What is decided without anything outside: `set`, mocks, questions of nodes.
    fn local(&self, task: &Task) -> Vec<EventKind> {
        let (TaskStatus::Ready, Some(node)) = (&task.status, self.workflow.nodes.get(&task.node))
        else {
            return Vec::new();
        };
        if mocks::is_mocked(self.run, task, node) {
            return self.mocked(task, node);
        }
        match &node.work {
            Work::Set(_) => {
                alloc::vec![self.settle(task, node, &Reply::default(), Provenance::live(0))]
            }
            Work::Ask(ask) => self.ask(task, node, ask),
            Work::Agent(_) if self.run.pin(&task.node).is_none() => {
                alloc::vec![self.failed(task, node, missing(node), 0, 0)]
            }
            Work::Agent(_) | Work::Mock => Vec::new(),
        }
    }

    fn mocked(&self, task: &Task, node: &Node) -> Vec<EventKind> {
        if let Work::Ask(ask) = &node.work {
            let answer = mocks::told(self.run, task, node).and_then(|told| told.answer.clone());
            return match answer {
                // Without `mock.answer` a mock answers nothing: a person does.
                None => self.ask(task, node, ask),
                Some(answer) => {
                    let reply = Reply { output: answer, exits: Vec::new() };
                    alloc::vec![self.settle(
                        task,
                        node,
                        &reply,
                        stand_in(TaskSource::Mock, None, false)
                    )]
                }
            };
        }
        let named = matches!(node.work, Work::Agent(_));
        let provenance = stand_in(TaskSource::Mock, None, named);
        match mocks::reply(self.run, self.workflow, task, node, self.expressions) {
            Ok(reply) => alloc::vec![self.settle(task, node, &reply, provenance)],
            Err(failure) => alloc::vec![self.fail(task, failure)],
        }
    }

    /// A node's own question: asked once, answered by the run's start, a person or the deadline.
    fn ask(&self, task: &Task, node: &Node, ask: &Ask) -> Vec<EventKind> {
        if let Some(answered) = task.answers.last() {
            let answer = answered.answer.clone().or_else(|| ask.on_deadline.clone());
            return match answer {
                Some(output) => {
                    let reply = Reply { output, exits: Vec::new() };
                    alloc::vec![self.settle(task, node, &reply, Provenance::live(0))]
                }
                None => {
                    let message = "nobody answered before the deadline; write ask.on_deadline";
                    alloc::vec![
                        self.fail(task, Failure::Upstream(Problem::new("deadline", message)))
                    ]
                }
            };
        }
        let scope = self.run.scope(task, &self.run.state);
        let prompt = match self.expressions.render(&ask.prompt, &scope) {
            Ok(prompt) => prompt,
            Err(error) => {
                let failure = crate::route::of_expression(&ask.prompt, &error);
                return alloc::vec![self.fail(task, failure)];
            }
        };
        let question = Question {
            id: question_id(task.id, 0),
            request: RequestHash::of(Operation::HumanAsk, &Value::String(prompt.clone())),
            prompt,
            schema: ask.schema.clone(),
            deadline: ask.deadline_ms.map(|ms| self.now.after_ms(ms)),
        };
        let id = question.id;
        let mut events = alloc::vec![EventKind::TaskSuspended {
            task: task.id,
            waiting: Waiting::Question(question),
        }];
        let given = self.run.started.as_ref().and_then(|started| started.answers.get(&task.node));
        events.extend(given.map(|answer| EventKind::QuestionAnswered {
            task: task.id,
            question: id,
            answer: Some(answer.clone()),
            by: AnsweredBy::Start,
        }));
        events
    }

    fn executed(
        &self,
        id: TaskId,
        attempt: u32,
        execution: &Execution,
        elapsed_ms: u64,
    ) -> Vec<EventKind> {
        let Some((task, node)) = self.open(id, attempt) else {
            return Vec::new();
        };
        alloc::vec![match execution {
            Execution::Replied(reply) => {
                self.replied(task, node, reply, elapsed_ms)
            }
            Execution::Suspended(waiting) => {
                EventKind::TaskSuspended { task: id, waiting: waiting.clone() }
            }
            Execution::Failed { failure, effects } => {
                self.failed(task, node, failure.clone(), *effects, elapsed_ms)
            }
            Execution::Diverged(divergence) => {
                EventKind::RunBlocked { task: id, divergence: divergence.clone() }
            }
        }]
    }

    /// A late answer of an earlier attempt, or of a task of an earlier step, counts for nothing.
    fn open(&self, id: TaskId, attempt: u32) -> Option<(&Task, &Node)> {
        let task = self.run.task(id)?;
        let runs = task.attempt == attempt && task.is_due(self.now);
        runs.then_some((task, self.workflow.nodes.get(&task.node)?))
    }

    fn replied(&self, task: &Task, node: &Node, reply: &Reply, elapsed_ms: u64) -> EventKind {
        let schema = self.run.pin(&task.node).map_or(&Value::Null, |pin| &pin.output);
        if schema.is_object()
            && let Err(misses) = self.expressions.check(schema, &reply.output)
        {
            let message =
                format!("the result does not fit the agent's schema: {}", misses.join("; "));
            let failure = Failure::BadOutput(Problem::new("output_schema", message));
            return self.failed(task, node, failure, 0, elapsed_ms);
        }
        self.settle(task, node, reply, Provenance::live(elapsed_ms))
    }

    /// The end of a task that has a result, unless what follows from the result fails.
    fn settle(&self, task: &Task, node: &Node, reply: &Reply, how: Provenance) -> EventKind {
        let (elapsed_ms, is_live) = (how.elapsed_ms, how.source == TaskSource::Live);
        match finished(self.run, self.workflow, task, reply, how, self.expressions) {
            Ok(event) => event,
            Err(failure) if is_live => self.failed(task, node, failure, 0, elapsed_ms),
            Err(failure) => self.fail(task, failure),
        }
    }

    /// Retry, else fallback, else the end.
    fn failed(
        &self,
        task: &Task,
        node: &Node,
        failure: Failure,
        effects: u32,
        elapsed_ms: u64,
    ) -> EventKind {
        if let Some(at) = next_attempt(node, task, &failure, self.now) {
            let kept_effects = kept_effects(&failure, effects);
            let attempt = task.attempt;
            return EventKind::TaskRetried { task: task.id, attempt, failure, at, kept_effects };
        }
        let mode = self.run.started.as_ref().map(|started| started.mock_mode).unwrap_or_default();
        if !falls_back(node, mode, failure.kind()) {
            return self.fail(task, failure);
        }
        let stand_in = Provenance {
            elapsed_ms,
            ..stand_in(TaskSource::Fallback, Some(failure.clone()), true)
        };
        mocks::reply(self.run, self.workflow, task, node, self.expressions)
            .and_then(|reply| {
                finished(self.run, self.workflow, task, &reply, stand_in, self.expressions)
            })
            .unwrap_or_else(|second| self.fail(task, both(&failure, &second)))
    }

    fn fail(&self, task: &Task, failure: Failure) -> EventKind {
        EventKind::TaskFailed { task: task.id, attempt: task.attempt, failure }
    }

    fn answered(
        &self,
        question: QuestionId,
        answer: Option<Value>,
        by: AnsweredBy,
    ) -> Vec<EventKind> {
        let asks = |task: &&Task| match &task.status {
            TaskStatus::Suspended(Waiting::Question(asked)) => asked.id == question,
            TaskStatus::Suspended(Waiting::Timer { .. })
            | TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Finished(_)
            | TaskStatus::Failed(_) => false,
        };
        let task = self.run.tasks.iter().find(asks).map(|task| task.id);
        let event = |task| EventKind::QuestionAnswered { task, question, answer, by };
        task.map(event).into_iter().collect()
    }

    /// Whatever is due by now: deadlines of questions and the ends of sleeps.
    fn time(&self) -> Vec<EventKind> {
        let due = |task: &Task| match &task.status {
            TaskStatus::Suspended(Waiting::Timer { until }) if *until <= self.now => {
                alloc::vec![EventKind::TaskResumed { task: task.id }]
            }
            TaskStatus::Suspended(Waiting::Question(question))
                if question.deadline.is_some_and(|deadline| deadline <= self.now) =>
            {
                self.answered(question.id, None, AnsweredBy::Deadline)
            }
            TaskStatus::Suspended(_)
            | TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Finished(_)
            | TaskStatus::Failed(_) => Vec::new(),
        };
        self.run.tasks.iter().flat_map(due).collect()
    }
}

const fn stand_in(source: TaskSource, instead_of: Option<Failure>, stands_in: bool) -> Provenance {
    Provenance { source, stands_in, instead_of, elapsed_ms: 0 }
}

/// The failure of a task whose stand-in failed as well.
fn both(first: &Failure, second: &Failure) -> Failure {
    let message: String = format!("{first}; and its stand-in: {second}");
    Failure::Failed(Problem::new("fallback_failed", message))
}
