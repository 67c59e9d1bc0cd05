//! Values while an expression is evaluated: views into JSON that copy nothing.
//!
//! A megabyte in the state costs nothing until it is part of the answer. Maps are in the order of
//! their keys, always, so that the same arguments give the same answer.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Number, Value};
use wforge_graph::{ExprError, State};
use wforge_model::Object;

use super::budget::Budget;
use super::failure::type_error;

/// One value.
#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A JSON integer that is too large for int: it can be handed on, compared and converted.
    Large(u64),
    Double(f64),
    Text(Text<'a>),
    List(List<'a>),
    Map(Map<'a>),
}

/// Text, seen or made.
#[derive(Debug, Clone)]
pub(super) enum Text<'a> {
    Seen(&'a str),
    Made(Rc<str>),
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Seen(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// A list, seen or made.
#[derive(Debug, Clone)]
pub(super) enum List<'a> {
    Seen(&'a [Value]),
    Made(Rc<Vec<Val<'a>>>),
}

impl<'a> List<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Seen(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Val<'a>> {
        match self {
            Self::Seen(items) => items.get(index).map(Val::from),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Val<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// A map, seen or made.
#[derive(Debug, Clone)]
pub(super) enum Map<'a> {
    Seen(&'a Object),
    State(&'a State),
    Made(Rc<BTreeMap<String, Val<'a>>>),
}

impl<'a> Map<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Seen(map) => map.len(),
            Self::State(state) => state.len(),
            Self::Made(map) => map.len(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Val<'a>> {
        match self {
            Self::Seen(map) => map.get(key).map(Val::from),
            Self::State(state) => state.get(key).map(|value| Val::from(&**value)),
            Self::Made(map) => map.get(key).cloned(),
        }
    }

    pub(super) fn keys(&self) -> Vec<Text<'a>> {
        match self {
            Self::Seen(map) => map.keys().map(|key| Text::Seen(key)).collect(),
            Self::State(state) => state.keys().map(|key| Text::Seen(key.as_str())).collect(),
            Self::Made(map) => map.keys().map(|key| Text::Made(key.as_str().into())).collect(),
        }
    }
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number_value(number),
            Value::String(text) => Self::Text(Text::Seen(text)),
            Value::Array(items) => Self::List(List::Seen(items)),
            Value::Object(map) => Self::Map(Map::Seen(map)),
        }
    }
}

/// Integers are int, as CEL's own arithmetic wants them.
fn number_value(number: &Number) -> Val<'static> {
    if let Some(int) = number.as_i64() {
        return Val::Int(int);
    }
    number.as_u64().map_or_else(|| Val::Double(number.as_f64().unwrap_or(0.0)), Val::Large)
}

impl<'a> Val<'a> {
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(List::Made(Rc::new(items)))
    }

    pub(super) fn map(entries: BTreeMap<String, Self>) -> Self {
        Self::Map(Map::Made(Rc::new(entries)))
    }

    /// The name of its type.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Large(_) => "int",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// A number as double.
    #[expect(clippy::cast_precision_loss, reason = "CEL compares int and double as doubles")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Large(large) => Some(*large as f64),
            Self::Double(double) => Some(*double),
            _ => None,
        }
    }

    /// The answer of an expression. What was only seen is copied here, once.
    pub(super) fn into_answer(self, budget: &mut Budget) -> Result<Value, ExprError> {
        match &self {
            Self::List(List::Seen(items)) => Ok(Value::Array(items.to_vec())),
            Self::Map(Map::Seen(map)) => Ok(Value::Object((*map).clone())),
            _ => self.json(budget),
        }
    }

    fn json(&self, budget: &mut Budget) -> Result<Value, ExprError> {
        budget.spend(1)?;
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(int) => Value::from(*int),
            Self::Large(large) => Value::from(*large),
            Self::Double(double) => Number::from_f64(*double)
                .map(Value::Number)
                .ok_or_else(|| type_error(format!("{double} is no JSON number")))?,
            Self::Text(text) => {
                budget.spend_made(text.as_str().len())?;
                Value::from(text.as_str())
            }
            Self::List(list) => {
                budget.spend_made(0)?;
                list.iter().map(|item| item.json(budget)).collect::<Result<_, _>>()?
            }
            Self::Map(map) => {
                let mut object = Object::new();
                for key in map.keys() {
                    budget.spend_made(key.as_str().len())?;
                    let value = map.get(key.as_str()).map(|value| value.json(budget));
                    object.insert(key.as_str().to_owned(), value.transpose()?.unwrap_or_default());
                }
                Value::Object(object)
            }
        })
    }
}
