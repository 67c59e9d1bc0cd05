//! Conversions between the types of values.

use serde_json::Number;
use wforge_graph::ExprError;

use super::failure::type_error;
use super::value::Val;

/// Digits that `round` keeps at most: a double has no more.
const DIGITS_MAX: i64 = 15;
/// From here on, not every whole double is an int of its own.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// `round(number, digits)`: always double, halves away from zero.
pub(super) fn round<'a>(number: &Val<'_>, digits: i64) -> Result<Val<'a>, ExprError> {
    let Some(number) = number.number() else {
        return Err(type_error(format!("round() takes a number, here is {}", number.kind())));
    };
    let digits = i32::try_from(digits)
        .ok()
        .filter(|digits| (0..=DIGITS_MAX).contains(&i64::from(*digits)))
        .ok_or_else(|| type_error(format!("round() keeps 0 to {DIGITS_MAX} digits")))?;
    let scale = 10_f64.powi(digits);
    let scaled = number * scale;
    // A number so large that scaling it loses digits has no digits behind the point to round.
    let rounded = if scaled.abs() < EXACT_MAX { scaled.round() / scale } else { number };
    // Adding zero turns -0.0 into 0.0, which no reader would understand.
    Ok(Val::Double(rounded + 0.0))
}

/// `int(value)`: a double is cut off at the point.
pub(super) fn int<'a>(value: &Val<'_>) -> Result<Val<'a>, ExprError> {
    match value {
        Val::Int(int) => Some(Val::Int(*int)),
        Val::Double(double) => cut(*double).map(Val::Int),
        Val::Text(text) => text.as_str().parse().map(Val::Int).ok(),
        _ => None,
    }
    .ok_or_else(|| no_conversion("int", value))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn cut(double: f64) -> Option<i64> {
    // 2^63 is the first double past the largest int; the smallest int is a double itself.
    const PAST_MAX: f64 = 9_223_372_036_854_775_808.0;
    (-PAST_MAX..PAST_MAX).contains(&double).then_some(double as i64)
}

/// The int that this number is, if it is whole and known exactly.
pub(super) fn whole(number: &Number) -> Option<i64> {
    let exact = |double: &f64| double.fract() == 0.0 && double.abs() < EXACT_MAX;
    number.as_i64().or_else(|| number.as_f64().filter(exact).and_then(cut))
}

/// `double(value)`.
pub(super) fn double<'a>(value: &Val<'_>) -> Result<Val<'a>, ExprError> {
    match value {
        Val::Text(text) => text.as_str().parse().ok().filter(|double: &f64| double.is_finite()),
        other => other.number(),
    }
    .map(Val::Double)
    .ok_or_else(|| no_conversion("double", value))
}

/// `string(value)`.
pub(super) fn string<'a>(value: &Val<'a>) -> Result<Val<'a>, ExprError> {
    Ok(match value {
        Val::Text(_) => value.clone(),
        Val::Int(int) => Val::text(int.to_string()),
        Val::Large(large) => Val::text(large.to_string()),
        Val::Double(double) => Val::text(double.to_string()),
        Val::Bool(value) => Val::text(value.to_string()),
        _ => return Err(no_conversion("string", value)),
    })
}

/// `bool(value)`.
pub(super) fn bool<'a>(value: &Val<'_>) -> Result<Val<'a>, ExprError> {
    match value {
        Val::Bool(value) => Some(*value),
        Val::Text(text) => text.as_str().parse().ok(),
        _ => None,
    }
    .map(Val::Bool)
    .ok_or_else(|| no_conversion("bool", value))
}

fn no_conversion(to: &str, value: &Val<'_>) -> ExprError {
    let shown = match value {
        Val::Text(text) if text.as_str().len() <= 32 => format!("\"{}\"", text.as_str()),
        Val::Double(double) => double.to_string(),
        other => other.kind().to_owned(),
    };
    type_error(format!("{shown} cannot be made {to}"))
}

/// The int that this double is, if it is whole and known exactly.
pub(crate) fn whole_double(double: f64) -> Option<i64> {
    Number::from_f64(double).as_ref().and_then(whole)
}
