//! Templates: JSON whose string leaves are expressions.

use alloc::format;
use alloc::string::{String, ToString};

use wforge_model::event::Write;
use wforge_model::{Key, Object, Value};

use crate::expressions::{ExprError, Expressions, Scope};
use crate::fault::Unfilled;
use crate::problem::Place;
use crate::reduce::kind_of;

/// The name under which a written value replaces instead of being reduced.
pub(crate) const OVERWRITE: &str = "overwrite";

/// The value of a template.
pub(crate) fn fill(
    template: &Value,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Value, Unfilled> {
    match template {
        Value::String(source) => {
            expressions.evaluate(source, scope).map_err(|error| Unfilled::new(source, error))
        }
        Value::Array(items) => {
            let item = |(index, item): (usize, &Value)| {
                fill(item, scope, expressions).map_err(|unfilled| unfilled.below(&index))
            };
            items.iter().enumerate().map(item).collect::<Result<_, _>>()
        }
        Value::Object(fields) => {
            let mut filled = Object::new();
            for (name, template) in fields {
                let below = |unfilled: Unfilled| unfilled.below(name);
                let filled_name = fill_name(name, scope, expressions).map_err(below)?;
                filled.insert(filled_name, fill(template, scope, expressions).map_err(below)?);
            }
            Ok(Value::Object(filled))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(template.clone()),
    }
}

/// The write of a key that a template describes.
pub(crate) fn fill_write(
    key: &Key,
    template: &Value,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Write, Unfilled> {
    let (value, overwrite) = match overwritten(template) {
        Some(template) => {
            (fill(template, scope, expressions).map_err(|u| u.below(&OVERWRITE))?, true)
        }
        None => (fill(template, scope, expressions)?, false),
    };
    Ok(Write { key: key.clone(), value, overwrite })
}

/// What `{ overwrite: X }` holds.
pub(crate) fn overwritten(template: &Value) -> Option<&Value> {
    match template {
        Value::Object(fields) if fields.len() == 1 => fields.get(OVERWRITE),
        _ => None,
    }
}

/// The expression of a computed name, `[CEL]`.
pub(crate) fn computed_name(name: &str) -> Option<&str> {
    name.strip_prefix('[')?.strip_suffix(']')
}

fn fill_name(
    name: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<String, Unfilled> {
    let Some(source) = computed_name(name) else {
        return Ok(name.to_string());
    };
    match expressions.evaluate(source, scope) {
        Ok(Value::String(name)) => Ok(name),
        Ok(Value::Number(number)) => Ok(number.to_string()),
        Ok(other) => {
            let message = format!("the computed name is {}; it must be text", kind_of(&other));
            let error = ExprError { code: "type", message, expression: None };
            Err(Unfilled::new(source, error))
        }
        Err(error) => Err(Unfilled::new(source, error)),
    }
}

/// Calls `visit` with every expression in a template at that place: its own place, its source.
pub(crate) fn expressions_in<'a>(
    place: &Place,
    template: &'a Value,
    visit: &mut dyn FnMut(Place, &'a str),
) {
    match template {
        Value::String(source) => visit(place.clone(), source),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                expressions_in(&place.at(index), item, visit);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = place.at(name);
                if let Some(source) = computed_name(name) {
                    visit(place.clone(), source);
                }
                expressions_in(&place, value, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
