//! Unquoted scalars by the core schema of YAML 1.2: `no` is text, `1.0.0` is text, `1.0` a number.

use serde_json::{Number, Value};

/// The value of an unquoted scalar; none for the numbers that JSON lacks.
pub(super) fn resolve(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_unwritable(text) => return None,
        _ => match number(text) {
            Some(number) => Value::Number(number?),
            None => Value::from(text),
        },
    })
}

fn is_unwritable(text: &str) -> bool {
    let name = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    name == ".inf" || name == ".nan"
}

/// Outer none: no number. Inner none: a number that JSON cannot hold.
#[expect(clippy::option_option, reason = "whether it is a number and whether it fits differ")]
fn number(text: &str) -> Option<Option<Number>> {
    let radix = |prefix, radix| {
        let digits: &str = text.strip_prefix(prefix)?;
        u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(Some(number.into()));
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let starts = digits.strip_prefix('.').unwrap_or(digits);
    let looks = starts.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().skip(1).all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if !looks {
        return None;
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    if let Ok(int) = plain.parse::<i64>() {
        return Some(Some(int.into()));
    }
    if let Ok(int) = plain.parse::<u64>() {
        return Some(Some(int.into()));
    }
    plain.parse::<f64>().ok().map(Number::from_f64)
}
