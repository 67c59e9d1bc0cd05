//! Templates: JSON whose string leaves are expressions.

use alloc::format;
use alloc::string::{String, ToString};

use wforge_model::event::Write;
use wforge_model::{Key, Object, Value};

use crate::expressions::{ExprError, Expressions, Scope};

/// The name under which a written value replaces instead of being reduced.
const OVERWRITE: &str = "overwrite";

/// The value of a template.
pub(crate) fn fill(
    template: &Value,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Value, ExprError> {
    match template {
        Value::String(source) => expressions.evaluate(source, scope),
        Value::Array(items) => {
            items.iter().map(|item| fill(item, scope, expressions)).collect::<Result<_, _>>()
        }
        Value::Object(fields) => {
            let mut filled = Object::new();
            for (name, value) in fields {
                let name = fill_name(name, scope, expressions)?;
                filled.insert(name, fill(value, scope, expressions)?);
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
) -> Result<Write, ExprError> {
    let (template, overwrite) = overwritten(template).map_or((template, false), |t| (t, true));
    Ok(Write { key: key.clone(), value: fill(template, scope, expressions)?, overwrite })
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
) -> Result<String, ExprError> {
    let Some(source) = computed_name(name) else {
        return Ok(name.to_string());
    };
    match expressions.evaluate(source, scope)? {
        Value::String(name) => Ok(name),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(ExprError {
            code: "type",
            message: format!("the computed name [{source}] is {other}; it must be text"),
        }),
    }
}

/// Calls `visit` with every expression in a template: its path inside, its source.
pub(crate) fn expressions_in<'a>(template: &'a Value, visit: &mut dyn FnMut(&'a str)) {
    match template {
        Value::String(source) => visit(source),
        Value::Array(items) => items.iter().for_each(|item| expressions_in(item, visit)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(source) = computed_name(name) {
                    visit(source);
                }
                expressions_in(value, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
