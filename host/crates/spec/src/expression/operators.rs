//! The operators of expressions: selection, arithmetic and comparison.
//!
//! Comparisons take int and double together, since JavaScript writes 1.0 as 1; arithmetic does
//! not, since nobody could tell which of the two comes out.

use std::cmp::Ordering;

use wforge_graph::ExprError;

use super::budget::Budget;
use super::convert;
use super::failure::{UNKNOWN_NAME, UNWRITTEN_KEY, failure, suggestion, type_error};
use super::plan::Operator;
use super::value::{List, Map, Text, Val};

/// `value.field`.
pub(super) fn select<'a>(
    value: &Val<'a>,
    field: &str,
    path: impl FnOnce() -> String,
) -> Result<Val<'a>, ExprError> {
    let Val::Map(map) = value else { return Err(no_fields(value, field, &path())) };
    map.get(field).ok_or_else(|| missing(map, field, &path()))
}

fn missing(map: &Map<'_>, field: &str, path: &str) -> ExprError {
    if matches!(map, Map::State(_)) {
        let message = format!("state.{field} is read before it is written");
        return failure(UNWRITTEN_KEY, message);
    }
    let keys = map.keys();
    let hint = suggestion(field, keys.iter().map(Text::as_str));
    failure(UNKNOWN_NAME, format!("{path} has no field \"{field}\"{hint}"))
}

/// The failure of selecting in something that is no map.
pub(super) fn no_fields(value: &Val<'_>, field: &str, path: &str) -> ExprError {
    type_error(format!("{path} is {}, it has no field \"{field}\"", value.kind()))
}

/// `value[index]`.
pub(super) fn index<'a>(
    value: &Val<'a>,
    index: &Val<'_>,
    path: impl FnOnce() -> String,
) -> Result<Val<'a>, ExprError> {
    match (value, index) {
        (Val::Map(map), Val::Text(key)) => {
            map.get(key.as_str()).ok_or_else(|| missing(map, key.as_str(), &path()))
        }
        (Val::List(list), Val::Int(index)) => {
            usize::try_from(*index).ok().and_then(|at| list.get(at)).ok_or_else(|| {
                let length = list.len();
                type_error(format!("{} has {length} items, none at {index}", path()))
            })
        }
        (Val::List(_), Val::Double(double)) if convert::whole_double(*double).is_some() => {
            let whole = convert::whole_double(*double).unwrap_or(-1);
            self::index(value, &Val::Int(whole), path)
        }
        (Val::List(_), other) => {
            Err(type_error(format!("a list is indexed by int, not by {}", other.kind())))
        }
        (Val::Map(_), other) => {
            Err(type_error(format!("a map is indexed by string, not by {}", other.kind())))
        }
        (other, _) => Err(type_error(format!("{} is {}, it has no items", path(), other.kind()))),
    }
}

/// `-value`.
pub(super) fn negate<'a>(value: &Val<'a>) -> Result<Val<'a>, ExprError> {
    match value {
        Val::Int(int) => int.checked_neg().map(Val::Int).ok_or_else(|| overflow("-")),
        Val::Double(double) => Ok(Val::Double(-double)),
        other => Err(type_error(format!("- takes a number, not {}", other.kind()))),
    }
}

/// `left operator right`.
pub(super) fn binary<'a>(
    operator: Operator,
    left: &Val<'a>,
    right: &Val<'a>,
    budget: &mut Budget,
) -> Result<Val<'a>, ExprError> {
    use Operator as O;
    match operator {
        O::Equal => equal(left, right, budget).map(Val::Bool),
        O::Unequal => equal(left, right, budget).map(|equal| Val::Bool(!equal)),
        O::Less => ordered(operator, left, right, budget, Ordering::is_lt),
        O::LessOrEqual => ordered(operator, left, right, budget, Ordering::is_le),
        O::Greater => ordered(operator, left, right, budget, Ordering::is_gt),
        O::GreaterOrEqual => ordered(operator, left, right, budget, Ordering::is_ge),
        O::In => contains(right, left, budget).map(Val::Bool),
        O::Add | O::Subtract | O::Multiply | O::Divide | O::Remainder => {
            arithmetic(operator, left, right, budget)
        }
    }
}

fn arithmetic<'a>(
    operator: Operator,
    left: &Val<'a>,
    right: &Val<'a>,
    budget: &mut Budget,
) -> Result<Val<'a>, ExprError> {
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => ints(operator, *left, *right).map(Val::Int),
        (Val::Double(left), Val::Double(right)) => {
            doubles(operator, *left, *right).map(Val::Double)
        }
        (Val::Text(left), Val::Text(right)) if operator == Operator::Add => {
            let text = format!("{}{}", left.as_str(), right.as_str());
            budget.spend_made(text.len())?;
            Ok(Val::text(text))
        }
        (Val::List(left), Val::List(right)) if operator == Operator::Add => {
            budget.spend_items(left.len().saturating_add(right.len()))?;
            Ok(Val::list(left.iter().chain(right.iter()).collect()))
        }
        (Val::Int(_), Val::Double(_)) | (Val::Double(_), Val::Int(_)) => Err(type_error(format!(
            "{operator} takes two int or two double, here are {} and {}: write 2.0 or double(x)",
            left.kind(),
            right.kind()
        ))),
        _ => Err(mismatch(operator, left, right)),
    }
}

fn mismatch(operator: Operator, left: &Val<'_>, right: &Val<'_>) -> ExprError {
    let (left, right) = (left.kind(), right.kind());
    type_error(format!("{operator} does not go between {left} and {right}"))
}

fn overflow(operator: &str) -> ExprError {
    type_error(format!("the result of {operator} does not fit an int"))
}

fn ints(operator: Operator, left: i64, right: i64) -> Result<i64, ExprError> {
    let divides = matches!(operator, Operator::Divide | Operator::Remainder);
    if divides && right == 0 {
        return Err(type_error(format!("{operator} by zero")));
    }
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    }
    .ok_or_else(|| overflow(&operator.to_string()))
}

fn doubles(operator: Operator, left: f64, right: f64) -> Result<f64, ExprError> {
    match operator {
        Operator::Add => Ok(left + right),
        Operator::Subtract => Ok(left - right),
        Operator::Multiply => Ok(left * right),
        Operator::Divide => Ok(left / right),
        _ => Err(type_error("% takes two int")),
    }
}

fn ordered(
    operator: Operator,
    left: &Val<'_>,
    right: &Val<'_>,
    budget: &mut Budget,
    holds: fn(Ordering) -> bool,
) -> Result<Val<'static>, ExprError> {
    let order = compare(left, right, budget)?.ok_or_else(|| mismatch(operator, left, right))?;
    Ok(Val::Bool(holds(order)))
}

/// Which of two is less; none where they cannot be compared.
pub(super) fn compare(
    left: &Val<'_>,
    right: &Val<'_>,
    budget: &mut Budget,
) -> Result<Option<Ordering>, ExprError> {
    Ok(match (left, right) {
        (Val::Int(left), Val::Int(right)) => Some(left.cmp(right)),
        (Val::Large(left), Val::Large(right)) => Some(left.cmp(right)),
        (Val::Large(_), Val::Int(_)) => Some(Ordering::Greater),
        (Val::Int(_), Val::Large(_)) => Some(Ordering::Less),
        (Val::Bool(left), Val::Bool(right)) => Some(left.cmp(right)),
        (Val::Text(left), Val::Text(right)) => {
            budget.spend_bytes(left.as_str().len().min(right.as_str().len()))?;
            Some(left.as_str().cmp(right.as_str()))
        }
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => None,
        },
    })
}

/// `left == right`: values of different types are unequal, int and double compare as numbers.
pub(super) fn equal(
    left: &Val<'_>,
    right: &Val<'_>,
    budget: &mut Budget,
) -> Result<bool, ExprError> {
    budget.spend(1)?;
    match (left, right) {
        (Val::Null, Val::Null) => Ok(true),
        (Val::List(left), Val::List(right)) => equal_lists(left, right, budget),
        (Val::Map(left), Val::Map(right)) => equal_maps(left, right, budget),
        _ => Ok(compare(left, right, budget)? == Some(Ordering::Equal)),
    }
}

fn equal_lists(left: &List<'_>, right: &List<'_>, budget: &mut Budget) -> Result<bool, ExprError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (left, right) in left.iter().zip(right.iter()) {
        if !equal(&left, &right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(left: &Map<'_>, right: &Map<'_>, budget: &mut Budget) -> Result<bool, ExprError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    budget.spend_items(left.len())?;
    for key in left.keys() {
        let (Some(left), Some(right)) = (left.get(key.as_str()), right.get(key.as_str())) else {
            return Ok(false);
        };
        if !equal(&left, &right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn contains(container: &Val<'_>, value: &Val<'_>, budget: &mut Budget) -> Result<bool, ExprError> {
    match (container, value) {
        (Val::List(list), _) => {
            for item in list.iter() {
                if equal(&item, value, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Val::Map(map), Val::Text(key)) => Ok(map.get(key.as_str()).is_some()),
        (Val::Map(_), _) => Ok(false),
        (Val::Text(_), _) => Err(type_error("for text, write text.contains('part')")),
        (other, _) => Err(type_error(format!("in takes a list or a map, not {}", other.kind()))),
    }
}
