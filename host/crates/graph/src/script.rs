//! Plays a script of the mock agent. A script runs from its top each time, as an agent does: what
//! it has asked and slept already is passed over.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::agent::Exit;
use wforge_model::event::{Emitted, Write};
use wforge_model::mock::{MockFailure, MockOp};
use wforge_model::workflow::{Node, Template};
use wforge_model::{Failure, FailureKind, Key, Object, Problem, Value};

use crate::call::input_of;
use crate::expressions::{ExprError, Expressions, Scope};
use crate::frame::Task;
use crate::mocks::told;
use crate::result::TaskResult;
use crate::route::of_expression;
use crate::site::Site;
use crate::template::{expressions_in, fill};

/// The names that a script sees beside those of every expression.
pub(crate) const SCRIPT_NAMES: [&str; 2] = ["input", "answers"];

/// What came of playing a script.
pub(crate) enum Played {
    Result(TaskResult),
    Failed(Failure),
    /// It asks its question of that ordinal.
    Asks {
        ordinal: u32,
        prompt: String,
    },
    Sleeps {
        ms: u64,
    },
}

/// Why a script stops before its end.
enum Stop {
    Failed(Failure),
    Asks { ordinal: u32, prompt: String },
    Sleeps { ms: u64 },
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Plays the script of a task's node.
pub(crate) fn play(
    site: &Site<'_>,
    task: &Task,
    node: &Node,
    expressions: &dyn Expressions,
) -> Played {
    let input = match input_of(site, task, node, &Value::Null, expressions) {
        Ok(input) => input,
        Err(failure) => return Played::Failed(failure),
    };
    let mut player = Player {
        site,
        task,
        expressions,
        bindings: bindings(task, &input),
        input,
        asked: 0,
        slept: 0,
        result: Object::new(),
        whole: None,
        writes: Vec::new(),
        exits: Vec::new(),
        emitted: Vec::new(),
    };
    let ops = told(site, task, node).map(|told| told.script.as_slice()).unwrap_or_default();
    match ops.iter().try_for_each(|op| player.step(op)) {
        Ok(()) => Played::Result(player.finish(node.out.is_none())),
        Err(Stop::Failed(failure)) => Played::Failed(failure),
        Err(Stop::Asks { ordinal, prompt }) => Played::Asks { ordinal, prompt },
        Err(Stop::Sleeps { ms }) => Played::Sleeps { ms },
    }
}

fn bindings(task: &Task, input: &Value) -> BTreeMap<String, Arc<Value>> {
    let answers: Vec<Value> =
        task.answers.iter().map(|answered| answered.answer.clone().unwrap_or_default()).collect();
    let mut bindings = task.bindings().clone();
    bindings.insert("input".into(), Arc::new(input.clone()));
    bindings.insert("answers".into(), Arc::new(Value::Array(answers)));
    bindings
}

struct Player<'a> {
    site: &'a Site<'a>,
    task: &'a Task,
    expressions: &'a dyn Expressions,
    bindings: BTreeMap<String, Arc<Value>>,
    input: Value,
    asked: u32,
    slept: u32,
    /// The fields that were set, the last of each.
    result: Object,
    /// A result that is no object of fields: the input, or nothing.
    whole: Option<Value>,
    /// The fields that were set as writes, in order.
    writes: Vec<(String, Value, bool)>,
    exits: Vec<Exit>,
    emitted: Vec<Emitted>,
}

impl Player<'_> {
    fn step(&mut self, op: &MockOp) -> Result<(), Stop> {
        match op {
            MockOp::Set(fields) => self.set(fields, |value| value, false)?,
            MockOp::Append(fields) => {
                self.set(fields, |value| Value::Array(alloc::vec![value]), false)?;
            }
            MockOp::Overwrite(fields) => self.set(fields, |value| value, true)?,
            MockOp::Concat(fields) => {
                for (name, template) in fields {
                    let text = self.render(template)?;
                    self.put(name, Value::String(text), false);
                }
            }
            MockOp::Identity => self.whole = Some(self.input.clone()),
            MockOp::ReturnNone => self.whole = Some(Value::Null),
            MockOp::Goto(exit) => self.exits.push(Exit { name: exit.clone(), input: None }),
            MockOp::Send { exit, input } => {
                let input = Some(self.fill(input)?);
                self.exits.push(Exit { name: exit.clone(), input });
            }
            MockOp::Interrupt(prompt) => {
                let prompt = self.fill(prompt)?;
                self.ask(&prompt)?;
            }
            MockOp::InterruptEach(prompts) => self.ask_each(prompts)?,
            MockOp::Fail(failure) => self.fail(failure)?,
            MockOp::Sleep(ms) => self.sleep(*ms)?,
            MockOp::Emit { topic, value } => {
                let payload = self.fill(value)?;
                self.emitted.push(Emitted { topic: topic.clone(), payload });
            }
            MockOp::Count(field) => {
                let calls = self.site.run.calls.get(&self.task.node).copied().unwrap_or(0);
                self.put(field, Value::from(calls), false);
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        fields: &BTreeMap<String, Template>,
        wrap: fn(Value) -> Value,
        overwrite: bool,
    ) -> Result<(), Stop> {
        for (name, template) in fields {
            let value = wrap(self.fill(template)?);
            self.put(name, value, overwrite);
        }
        Ok(())
    }

    fn put(&mut self, name: &str, value: Value, overwrite: bool) {
        self.result.insert(name.into(), value.clone());
        self.writes.push((name.into(), value, overwrite));
    }

    fn scope(&self) -> Scope<'_> {
        let scope = self.site.scope(self.task, self.site.frame.state());
        Scope { bindings: &self.bindings, ..scope }
    }

    fn fill(&self, template: &Template) -> Result<Value, Failure> {
        fill(template, &self.scope(), self.expressions).map_err(|error| self.wrong(&error))
    }

    fn render(&self, template: &str) -> Result<String, Failure> {
        self.expressions.render(template, &self.scope()).map_err(|error| self.wrong(&error))
    }

    fn wrong(&self, error: &ExprError) -> Failure {
        of_expression(&format!("nodes.{}.mock.script", self.task.node), error)
    }

    fn ask_each(&mut self, prompts: &Template) -> Result<(), Stop> {
        match self.fill(prompts)? {
            Value::Array(prompts) => prompts.iter().try_for_each(|prompt| self.ask(prompt)),
            other => {
                let kind = crate::reduce::kind_of(&other);
                let message = format!("interrupt_each takes a list, not {kind}");
                Err(Failure::Failed(Problem::new("type", message)).into())
            }
        }
    }

    fn ask(&mut self, prompt: &Value) -> Result<(), Stop> {
        let ordinal = self.asked;
        self.asked += 1;
        if self.task.answers.len() as u64 > u64::from(ordinal) {
            return Ok(());
        }
        let prompt = match prompt {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Err(Stop::Asks { ordinal, prompt })
    }

    fn sleep(&mut self, ms: u64) -> Result<(), Stop> {
        self.slept += 1;
        if self.task.slept >= self.slept { Ok(()) } else { Err(Stop::Sleeps { ms }) }
    }

    fn fail(&self, failure: &MockFailure) -> Result<(), Failure> {
        let attempts = self.task.attempt.saturating_sub(self.task.first_attempt) + 1;
        if failure.times.is_some_and(|times| attempts > times) {
            return Ok(());
        }
        Err(of_script(failure))
    }

    fn finish(self, writes_directly: bool) -> TaskResult {
        let nothing = self.whole == Some(Value::Null);
        let writes = writes_directly && self.whole.is_none() || nothing;
        let write = |(name, value, overwrite): (String, Value, bool)| {
            Some(Write { key: name.parse::<Key>().ok()?, value, overwrite })
        };
        TaskResult {
            output: self.whole.unwrap_or(Value::Object(self.result)),
            exits: self.exits,
            writes: writes.then(|| self.writes.into_iter().filter_map(write).collect()),
            routes: Vec::new(),
            emitted: self.emitted,
        }
    }
}

fn of_script(failure: &MockFailure) -> Failure {
    let MockFailure { kind, code, message, retryable, .. } = failure;
    let problem = Problem::new(code, message.clone());
    let problem = if *retryable { problem.retryable() } else { problem };
    match kind {
        FailureKind::InvalidInput => Failure::InvalidInput(problem),
        FailureKind::Limit => Failure::Limit(problem),
        FailureKind::Upstream => Failure::Upstream(problem),
        FailureKind::Cancelled => Failure::Cancelled(problem),
        FailureKind::Trap => Failure::Trap(problem),
        FailureKind::Timeout => Failure::Timeout(problem),
        FailureKind::BadOutput => Failure::BadOutput(problem),
        FailureKind::Missing => Failure::Missing(problem),
        // A denial names a capability, which a script does not have.
        FailureKind::Denied | FailureKind::Failed => Failure::Failed(problem),
    }
}

/// Calls `visit` with every expression of a script, and `text` with every `{{ }}` template.
pub(crate) fn expressions_of<'a>(
    script: &'a [MockOp],
    visit: &mut dyn FnMut(&'a str),
    text: &mut dyn FnMut(&'a str),
) {
    for op in script {
        match op {
            MockOp::Set(fields) | MockOp::Append(fields) | MockOp::Overwrite(fields) => {
                fields.values().for_each(|template| expressions_in(template, visit));
            }
            MockOp::Concat(fields) => fields.values().for_each(|template| text(template)),
            MockOp::Send { input: template, .. }
            | MockOp::Interrupt(template)
            | MockOp::InterruptEach(template)
            | MockOp::Emit { value: template, .. } => expressions_in(template, visit),
            MockOp::Identity
            | MockOp::ReturnNone
            | MockOp::Goto(_)
            | MockOp::Fail(_)
            | MockOp::Sleep(_)
            | MockOp::Count(_) => {}
        }
    }
}

/// The exits that a script takes.
pub(crate) fn exits_of(script: &[MockOp]) -> impl Iterator<Item = &String> {
    script.iter().filter_map(|op| match op {
        MockOp::Goto(exit) | MockOp::Send { exit, .. } => Some(exit),
        MockOp::Set(_)
        | MockOp::Append(_)
        | MockOp::Concat(_)
        | MockOp::Overwrite(_)
        | MockOp::Identity
        | MockOp::ReturnNone
        | MockOp::Interrupt(_)
        | MockOp::InterruptEach(_)
        | MockOp::Fail(_)
        | MockOp::Sleep(_)
        | MockOp::Emit { .. }
        | MockOp::Count(_) => None,
    })
}

/// The fields that a script sets.
pub(crate) fn fields_of(script: &[MockOp]) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    for op in script {
        match op {
            MockOp::Set(set) | MockOp::Append(set) | MockOp::Overwrite(set) => {
                fields.extend(set.keys().map(String::as_str));
            }
            MockOp::Concat(set) => fields.extend(set.keys().map(String::as_str)),
            MockOp::Count(field) => fields.push(field),
            MockOp::Identity
            | MockOp::ReturnNone
            | MockOp::Goto(_)
            | MockOp::Send { .. }
            | MockOp::Interrupt(_)
            | MockOp::InterruptEach(_)
            | MockOp::Fail(_)
            | MockOp::Sleep(_)
            | MockOp::Emit { .. } => {}
        }
    }
    fields
}
