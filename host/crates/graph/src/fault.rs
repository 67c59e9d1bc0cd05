//! What goes wrong with an expression of a workflow while it runs: each fault names its place in
//! the file and the expression, and the line where the file's lines came with the workflow.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wforge_model::{Failure, Object, Value};

use crate::expressions::ExprError;
use crate::problem::{Place, Problem};
use crate::workflow::Workflow;

/// How much of an expression a message shows, in characters; details have all of it.
const SHOWN_MAX: usize = 80;
/// How much of it details have, in bytes: as much as an expression may have.
const KEPT_MAX: usize = 4_096;

/// An expression, or a rule made of expressions, that gives nothing to go on with.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) expression: Option<String>,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Fault {
    /// An expression that has no value.
    pub(crate) fn of(place: Place, source: &str, error: ExprError) -> Self {
        let source = error.expression.unwrap_or_else(|| source.to_string());
        let message = format!("`{}`: {}", shown(&source), error.message);
        Self { place, expression: Some(source), code: error.code, message }
    }

    /// An expression whose value is of the wrong type.
    pub(crate) fn of_type(place: Place, source: &str, what: &str) -> Self {
        let message = format!("`{}` {what}", shown(source));
        Self { place, expression: Some(source.to_string()), code: "type", message }
    }

    /// A rule that leads nowhere, though each of its expressions has a value.
    pub(crate) fn of_rule(place: Place, code: &'static str, message: String) -> Self {
        Self { place, expression: None, code, message }
    }

    /// The failure of the task that it ends.
    pub(crate) fn failure(self, workflow: &Workflow) -> Failure {
        let Self { place, expression, code, message } = self;
        let place = place.to_string();
        let mut problem = wforge_model::Problem::new(code, format!("{place}: {message}"));
        let mut details = Object::new();
        details.insert("workflow".into(), workflow.title().into());
        if let Some(at) = workflow.locate(&place) {
            details.insert("at".into(), at.into());
        }
        details.insert("place".into(), place.into());
        if let Some(expression) = expression {
            details.insert("expression".into(), prefix(&expression, KEPT_MAX).into());
        }
        problem.details = Value::Object(details);
        Failure::Failed(problem)
    }

    /// The problem with a run that cannot begin.
    pub(crate) fn problem(self) -> Problem {
        Problem::error(self.place, self.code, self.message)
    }
}

/// An expression of a template that has no value, and the way to it inside the template, its end
/// first: a template that has its value never makes one.
#[derive(Debug, Clone)]
pub(crate) struct Unfilled {
    error: ExprError,
    source: String,
    way_back: Vec<String>,
}

impl Unfilled {
    pub(crate) fn new(source: &str, error: ExprError) -> Self {
        Self { error, source: source.to_string(), way_back: Vec::new() }
    }

    /// The same, seen from the value around it.
    pub(crate) fn below(mut self, segment: &impl ToString) -> Self {
        self.way_back.push(segment.to_string());
        self
    }

    /// The fault in a template at that place.
    pub(crate) fn at(self, place: Place) -> Fault {
        let place = self.way_back.iter().rev().fold(place, |place, segment| place.at(segment));
        Fault::of(place, &self.source, self.error)
    }
}

/// An expression as a message shows it.
pub(crate) fn shown(source: &str) -> &str {
    source.char_indices().nth(SHOWN_MAX).map_or(source, |(end, _)| prefix(source, end))
}

/// The longest beginning of a text that has at most so many bytes.
fn prefix(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}
