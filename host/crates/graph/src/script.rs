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
use wforge_model::{Denial, Failure, FailureKind, Key, Object, Problem, Value};

use crate::call::input_of;
use crate::expressions::{Expressions, Scope};
use crate::fault::{Fault, Unfilled};
use crate::frame::Task;
use crate::mocks::{given_at_start, told};
use crate::problem::Place;
use crate::reduce::kind_of;
use crate::result::TaskResult;
use crate::site::Site;
use crate::template::{OVERWRITE, expressions_in, fill};

/// The most steps of a script.
const STEPS_MAX: usize = 1_000;

/// The names that a script sees beside those of every expression.
pub(crate) const SCRIPT_NAMES: [&str; 2] = ["input", "answers"];

/// What is wrong with the length of a script.
pub(crate) fn over_limit(script: &[MockOp]) -> Option<String> {
    let steps = script.len();
    (steps > STEPS_MAX).then(|| format!("the script has {steps} steps, the most is {STEPS_MAX}"))
}

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
        step: 0,
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
    let mut steps = ops.iter().enumerate();
    match steps.try_for_each(|(step, op)| player.step(step, op)) {
        Ok(()) => Played::Result(player.finish(node.out.is_none())),
        Err(Stop::Failed(failure)) => Played::Failed(failure),
        Err(Stop::Asks { ordinal, prompt }) => Played::Asks { ordinal, prompt },
        Err(Stop::Sleeps { ms }) => Played::Sleeps { ms },
    }
}

fn bindings(task: &Task, input: &Value) -> BTreeMap<String, Arc<Value>> {
    let mut bindings = task.bindings().clone();
    bindings.insert("input".into(), Arc::new(input.clone()));
    bindings.insert("answers".into(), Arc::new(Value::Array(Vec::new())));
    bindings
}

struct Player<'a> {
    /// The place in the script.
    step: usize,
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
    fn step(&mut self, step: usize, op: &MockOp) -> Result<(), Stop> {
        self.step = step;
        match op {
            MockOp::Set(fields) => self.set("set", fields, |value| value)?,
            MockOp::Append(fields) => {
                self.set("append", fields, |value| Value::Array(alloc::vec![value]))?;
            }
            MockOp::Overwrite(fields) => self.set(OVERWRITE, fields, |value| value)?,
            MockOp::Concat(fields) => {
                for (name, template) in fields {
                    let text = self.render(name, template)?;
                    self.put(name, Value::String(text), false);
                }
            }
            MockOp::Identity => self.whole = Some(self.input.clone()),
            MockOp::ReturnNone => self.whole = Some(Value::Null),
            MockOp::Goto(exit) => self.exits.push(Exit { name: exit.clone(), input: None }),
            MockOp::Send { exit, input } => {
                let input = Some(self.fill(&["send", "input"], input)?);
                self.exits.push(Exit { name: exit.clone(), input });
            }
            MockOp::Interrupt(prompt) => {
                let prompt = self.fill(&["interrupt"], prompt)?;
                self.ask(&prompt)?;
            }
            MockOp::InterruptEach(prompts) => self.ask_each(prompts)?,
            MockOp::Fail(failure) => self.fail(failure)?,
            MockOp::Sleep(ms) => self.sleep(*ms)?,
            MockOp::Emit { topic, value } => {
                let payload = self.fill(&["emit", "value"], value)?;
                self.emitted.push(Emitted { topic: topic.clone(), payload });
            }
            MockOp::Count(field) => {
                let path = self.site.path(&self.task.node);
                let calls = self.site.run.called.get(&path).copied().unwrap_or(0);
                self.put(field, Value::from(calls), false);
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        op: &str,
        fields: &BTreeMap<String, Template>,
        wrap: fn(Value) -> Value,
    ) -> Result<(), Stop> {
        for (name, template) in fields {
            let value = wrap(self.fill(&[op, name], template)?);
            self.put(name, value, op == OVERWRITE);
        }
        Ok(())
    }

    fn put(&mut self, name: &str, value: Value, overwrite: bool) {
        if let Some(Value::Object(whole)) = &mut self.whole {
            whole.insert(name.into(), value.clone());
        }
        self.result.insert(name.into(), value.clone());
        self.writes.push((name.into(), value, overwrite));
    }

    fn scope(&self) -> Scope<'_> {
        let scope = self.site.scope(self.task, self.site.frame.state());
        Scope { bindings: &self.bindings, ..scope }
    }

    /// The value of a template at that place of the current step.
    fn fill(&self, way: &[&str], template: &Template) -> Result<Value, Failure> {
        fill(template, &self.scope(), self.expressions)
            .map_err(|unfilled: Unfilled| unfilled.at(self.place(way)).failure(self.site.workflow))
    }

    fn render(&self, name: &str, template: &str) -> Result<String, Failure> {
        self.expressions.render(template, &self.scope()).map_err(|error| {
            let place = self.place(&["concat", name]);
            Fault::of(place, template, error).failure(self.site.workflow)
        })
    }

    /// A place of the current step in the file. A script that was given with the run's start is in
    /// no file, and its places say so.
    fn place(&self, way: &[&str]) -> Place {
        let node = &self.task.node;
        let answer = match given_at_start(self.site, node) {
            Some(_) => Place::root().at("mocks").at(node),
            None => Place::of_node(node).at("mock"),
        };
        let script = answer.at("script").at(self.step);
        way.iter().fold(script, |place, segment| place.at(segment))
    }

    fn ask_each(&mut self, prompts: &Template) -> Result<(), Stop> {
        const OP: &str = "interrupt_each";
        match self.fill(&[OP], prompts)? {
            Value::Array(prompts) => prompts.iter().try_for_each(|prompt| self.ask(prompt)),
            other => {
                let what = format!("is {}; {OP} takes a list", kind_of(&other));
                let source = prompts.as_str().map_or_else(|| prompts.to_string(), String::from);
                let fault = Fault::of_type(self.place(&[OP]), &source, &what);
                Err(fault.failure(self.site.workflow).into())
            }
        }
    }

    fn ask(&mut self, prompt: &Value) -> Result<(), Stop> {
        let ordinal = self.asked;
        self.asked += 1;
        let answered = usize::try_from(ordinal).ok().and_then(|n| self.task.answers.get(n));
        if let Some(answered) = answered {
            self.hear(answered.answer.clone().unwrap_or_default());
            return Ok(());
        }
        let prompt = match prompt {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Err(Stop::Asks { ordinal, prompt })
    }

    /// What follows the question sees its answer; what comes before it never does.
    fn hear(&mut self, answer: Value) {
        if let Some(answers) = self.bindings.get_mut("answers")
            && let Value::Array(answers) = Arc::make_mut(answers)
        {
            answers.push(answer);
        }
    }

    fn sleep(&mut self, ms: u64) -> Result<(), Stop> {
        self.slept += 1;
        if self.task.slept >= self.slept { Ok(()) } else { Err(Stop::Sleeps { ms }) }
    }

    fn fail(&self, failure: &MockFailure) -> Result<(), Failure> {
        // A revival goes on counting; a script that stands in begins where it took over.
        let first = if self.task.on_fallback { self.task.first_attempt } else { 1 };
        let attempts = self.task.attempt.saturating_sub(first).saturating_add(1);
        if failure.times.is_some_and(|times| attempts > times) {
            return Ok(());
        }
        Err(of_script(failure))
    }

    fn finish(self, writes_directly: bool) -> TaskResult {
        let write = |(name, value, overwrite): (String, Value, bool)| {
            Some(Write { key: name.parse::<Key>().ok()?, value, overwrite })
        };
        let writes = match &self.whole {
            Some(Value::Null) => Some(Vec::new()),
            None if writes_directly => Some(self.writes.into_iter().filter_map(write).collect()),
            Some(_) | None => None,
        };
        TaskResult {
            output: self.whole.unwrap_or(Value::Object(self.result)),
            exits: self.exits,
            writes,
            routes: Vec::new(),
            emitted: self.emitted,
        }
    }
}

fn of_script(failure: &MockFailure) -> Failure {
    let MockFailure { kind, code, message, retryable, .. } = failure;
    if *kind == FailureKind::Denied {
        let (capability, resource) = (code.clone(), message.clone());
        return Failure::Denied(Denial { capability, resource, hint: "the script says so".into() });
    }
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
        FailureKind::Denied | FailureKind::Failed => Failure::Failed(problem),
    }
}

/// An expression of a script, or a text with `{{ }}`.
pub(crate) enum Piece<'a> {
    Expression(&'a str),
    Text(&'a str),
}

/// Calls `visit` with everything of a script at that place that is to be evaluated.
pub(crate) fn expressions_of<'a>(
    place: &Place,
    script: &'a [MockOp],
    visit: &mut dyn FnMut(Place, Piece<'a>),
) {
    for (step, op) in script.iter().enumerate() {
        let place = place.at(step);
        let mut template = |way: &[&str], template: &'a Template| {
            let place = way.iter().fold(place.clone(), |place, segment| place.at(segment));
            expressions_in(&place, template, &mut |place, s| visit(place, Piece::Expression(s)));
        };
        match op {
            MockOp::Set(fields) => fields.iter().for_each(|(name, t)| template(&["set", name], t)),
            MockOp::Append(fields) => {
                fields.iter().for_each(|(name, t)| template(&["append", name], t));
            }
            MockOp::Overwrite(fields) => {
                fields.iter().for_each(|(name, t)| template(&[OVERWRITE, name], t));
            }
            MockOp::Concat(fields) => {
                for (name, text) in fields {
                    visit(place.at("concat").at(name), Piece::Text(text));
                }
            }
            MockOp::Send { input, .. } => template(&["send", "input"], input),
            MockOp::Interrupt(prompt) => template(&["interrupt"], prompt),
            MockOp::InterruptEach(prompts) => template(&["interrupt_each"], prompts),
            MockOp::Emit { value, .. } => template(&["emit", "value"], value),
            MockOp::Identity
            | MockOp::ReturnNone
            | MockOp::Goto(_)
            | MockOp::Fail(_)
            | MockOp::Sleep(_)
            | MockOp::Count(_) => {}
        }
    }
}

/// The exits that a script takes, each with its step.
pub(crate) fn exits_of(script: &[MockOp]) -> impl Iterator<Item = (usize, &String)> {
    script.iter().enumerate().filter_map(|(step, op)| match op {
        MockOp::Goto(exit) | MockOp::Send { exit, .. } => Some((step, exit)),
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

/// The fields that a script sets, each with its step.
pub(crate) fn fields_of(script: &[MockOp]) -> Vec<(usize, &str)> {
    let mut fields: Vec<(usize, &str)> = Vec::new();
    for (step, op) in script.iter().enumerate() {
        let mut named = |field| fields.push((step, field));
        match op {
            MockOp::Set(set) | MockOp::Append(set) | MockOp::Overwrite(set) => {
                set.keys().for_each(|field| named(field));
            }
            MockOp::Concat(set) => set.keys().for_each(|field| named(field)),
            MockOp::Count(field) => named(field),
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
