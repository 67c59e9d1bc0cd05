//! What a guest hands over as JSON: how deep it nests and how many values it has is counted on its
//! bytes, so the oracle parses without a limit and measures the value.

use wforge_model::Value;
use wforge_model::json::{JsonError, JsonMax, argument, parse};

/// Deep as by default, and few enough values to pass them.
const MAX: JsonMax = JsonMax { depth: 64, values: 1_000 };
/// Deeper text is not handed to the oracle, which is recursive.
const ORACLE_BYTES_MAX: usize = 16 << 10;

/// Whether it is taken.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(&text, MAX);
    let as_argument = argument("input", &text, MAX);
    assert_eq!(as_argument.is_ok(), parsed.is_ok(), "an argument is read otherwise");
    let oracle = (text.len() <= ORACLE_BYTES_MAX).then(|| unlimited(&text));
    match parsed {
        Ok(value) => {
            assert!(depth(&value) <= MAX.depth, "{} levels", depth(&value));
            assert!(oracle.is_none_or(|oracle| oracle.as_ref() == Some(&value)));
            assert!(count(&value) <= MAX.values, "{} values", count(&value));
            let written = value.to_string();
            assert_eq!(parse(&written, MAX).as_ref(), Ok(&value), "{written}");
            assert_eq!(as_argument, Ok(value));
            true
        }
        Err(JsonError::Depth { max }) => {
            assert_eq!(max, MAX.depth);
            // Where it is JSON at all, it is as deep as was said.
            assert!(oracle.flatten().is_none_or(|value| depth(&value) > MAX.depth), "{text}");
            false
        }
        Err(JsonError::Width { max }) => {
            assert_eq!(max, MAX.values);
            // A name that comes twice was counted twice, and is one value.
            assert!(oracle.flatten().is_none_or(|value| {
                count(&value) > MAX.values || value.to_string().len() < text.len()
            }));
            false
        }
        Err(JsonError::Malformed(_)) => {
            assert!(oracle.flatten().is_none(), "{text}");
            false
        }
    }
}

fn unlimited(text: &str) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let mut values = reader.into_iter();
    let value = values.next()?.ok()?;
    values.next().is_none().then_some(value)
}

fn depth(value: &Value) -> u32 {
    let below = |inner: &mut dyn Iterator<Item = &Value>| inner.map(depth).max().unwrap_or(0) + 1;
    match value {
        Value::Array(items) => below(&mut items.iter()),
        Value::Object(fields) => below(&mut fields.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn count(value: &Value) -> u32 {
    let inside = match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    1 + inside
}
