//! Tasks that are decided here and may wait: `ask` nodes, and mocks that play a script.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::effect::{Escalation, Operation, Question, RequestHash, Waiting, question_id};
use wforge_model::event::{AnsweredBy, EventKind};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::{Ask, Escalate, Node, Work};
use wforge_model::{Failure, Problem, TaskId, Value};

use crate::decide::Decider;
use crate::fault::Fault;
use crate::finish::Provenance;
use crate::frame::Task;
use crate::mocks;
use crate::outcome::Failed;
use crate::problem::Place;
use crate::result::TaskResult;
use crate::script::{self, Played};
use crate::site::Site;

impl Decider<'_> {
    /// A task that the mock agent does from the first.
    pub(crate) fn mocked(&self, site: &Site<'_>, task: &Task, node: &Node) -> Vec<EventKind> {
        let told = mocks::told(site, task, node);
        if let Work::Ask(ask) = &node.work {
            return match told.and_then(|told| told.answer.clone()) {
                // Without `mock.answer` a mock answers nothing: a person does.
                None => self.ask(site, task, ask),
                Some(answer) => {
                    let result = TaskResult::of(answer);
                    alloc::vec![self.settle(site, task, &result, by_mock(false))]
                }
            };
        }
        let how = if task.on_fallback {
            let instead_of = task.instead_of.clone();
            Provenance { source: TaskSource::Fallback, instead_of, ..by_mock(true) }
        } else {
            by_mock(matches!(node.work, Work::Agent(_)))
        };
        if told.is_some_and(|told| !told.script.is_empty()) {
            return self.played(site, task, node, how);
        }
        alloc::vec![match mocks::built_reply(site, task, node, self.expressions) {
            Ok(result) => self.settle(site, task, &result, how),
            Err(failure) => self.fail(site, task, Failed::of(failure)),
        }]
    }

    fn played(&self, site: &Site<'_>, task: &Task, node: &Node, how: Provenance) -> Vec<EventKind> {
        match script::play(site, task, node, self.expressions) {
            Played::Result(mut result) => {
                let emitted = core::mem::take(&mut result.emitted);
                let how = Provenance { emitted, ..how };
                alloc::vec![self.settle(site, task, &result, how)]
            }
            Played::Failed(failure) => {
                alloc::vec![self.failed(site, task, Failed::of(failure))]
            }
            Played::Asks { ordinal, prompt } => {
                let question = asked(task.id, ordinal, prompt);
                self.suspended(task.id, Waiting::Question(question))
            }
            Played::Sleeps { ms } => {
                let until = self.now.after_ms(ms);
                self.suspended(task.id, Waiting::Timer { until })
            }
        }
    }

    /// A node's own question: asked once, answered by the run's start, a person or the deadline.
    pub(crate) fn ask(&self, site: &Site<'_>, task: &Task, ask: &Ask) -> Vec<EventKind> {
        if let Some(answered) = task.answers.last() {
            let answer = answered.answer.clone().or_else(|| ask.on_deadline.clone());
            return alloc::vec![match answer {
                Some(output) => {
                    self.settle(site, task, &TaskResult::of(output), Provenance::live(0))
                }
                None => {
                    let message = "nobody answered before the deadline; write ask.on_deadline";
                    let failure = Failure::Upstream(Problem::new("deadline", message));
                    self.fail(site, task, Failed::of(failure))
                }
            }];
        }
        let question = match self.question(site, task, ask) {
            Ok(question) => question,
            Err(failure) => return alloc::vec![self.fail(site, task, Failed::of(failure))],
        };
        let id = question.id;
        let mut events = self.suspended(task.id, Waiting::Question(question));
        let given = site.given_answer(&task.node).filter(|_| events.len() == 1);
        events.extend(given.map(|answer| EventKind::QuestionAnswered {
            task: task.id,
            question: id,
            answer: Some(answer.clone()),
            by: AnsweredBy::Start,
        }));
        events
    }

    fn question(&self, site: &Site<'_>, task: &Task, ask: &Ask) -> Result<Question, Failure> {
        let scope = site.scope(task, site.frame.state());
        let render = |field: &str, text: &String| {
            self.expressions.render(text, &scope).map_err(|error| {
                let place = Place::of_node(&task.node).at("ask").at(field);
                Fault::of(place, text, error).failure(site.workflow)
            })
        };
        let assignee = ask.assignee.as_ref().map(|text| render("assignee", text)).transpose()?;
        let escalates = |escalate: &Escalate| {
            let at = self.now.after_ms(escalate.after_ms);
            render("escalate", &escalate.to).map(|to| Box::new(Escalation { at, to, done: false }))
        };
        let escalation = ask.escalate.as_ref().map(escalates).transpose()?;
        Ok(Question {
            schema: ask.schema.clone(),
            deadline: ask.deadline_ms.map(|ms| self.now.after_ms(ms)),
            // An expression that comes to no text leaves it to whoever comes.
            assignee: assignee.filter(|name| !name.is_empty()),
            escalation: escalation.filter(|escalation| !escalation.to.is_empty()),
            ..asked(task.id, 0, render("prompt", &ask.prompt)?)
        })
    }
}

fn asked(task: TaskId, ordinal: u32, prompt: String) -> Question {
    let request = RequestHash::of(Operation::HumanAsk, &Value::String(prompt.clone()));
    let id = question_id(task, ordinal);
    Question {
        id,
        prompt,
        schema: None,
        deadline: None,
        assignee: None,
        note: None,
        escalation: None,
        request,
    }
}

fn by_mock(stands_in: bool) -> Provenance {
    Provenance { source: TaskSource::Mock, stands_in, ..Provenance::live(0) }
}
