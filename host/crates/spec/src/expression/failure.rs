//! The failures of expressions, each with the code that [`ExprError`] documents.

use wforge_graph::ExprError;

pub(super) const SYNTAX: &str = "syntax";
pub(super) const UNKNOWN_NAME: &str = "unknown_name";
pub(super) const UNWRITTEN_KEY: &str = "unwritten_key";
pub(super) const TYPE: &str = "type";
pub(super) const LIMIT: &str = "expression_limit";

pub(super) fn failure(code: &'static str, message: impl Into<String>) -> ExprError {
    ExprError { code, message: message.into(), expression: None }
}

/// The failure of one of the expressions of a text.
pub(super) fn of_one(source: &str) -> impl FnOnce(ExprError) -> ExprError {
    |error| ExprError { expression: Some(source.to_owned()), ..error }
}

pub(super) fn syntax(message: impl Into<String>) -> ExprError {
    failure(SYNTAX, message)
}

pub(super) fn type_error(message: impl Into<String>) -> ExprError {
    failure(TYPE, message)
}

pub(super) fn limit(message: impl Into<String>) -> ExprError {
    failure(LIMIT, message)
}

/// Whether something is not there, which `default` makes up for.
pub(super) fn is_missing(error: &ExprError) -> bool {
    error.code == UNWRITTEN_KEY || error.code == UNKNOWN_NAME
}

/// `; did you mean "x"?`, or what there is.
pub(super) fn suggestion<'n>(wrong: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    const SHOWN_MAX: usize = 8;
    if let Some(near) = wforge_graph::nearest(wrong, known.clone()) {
        return format!("; did you mean \"{near}\"?");
    }
    let mut shown: Vec<&str> = known.clone().take(SHOWN_MAX).collect();
    if shown.is_empty() {
        return "; there is none".to_owned();
    }
    if known.count() > SHOWN_MAX {
        shown.push("…");
    }
    format!("; there is {}", shown.join(", "))
}
