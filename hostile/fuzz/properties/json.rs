//! What a guest hands over as JSON: how deep it nests is counted on its bytes, so the oracle parses
//! without a limit and measures the value.

use wforge_model::Value;
use wforge_model::json::{JsonError, argument, parse};

/// As the sandbox has it by default.
const DEPTH_MAX: u32 = 64;
/// Deeper text is not handed to the oracle, which is recursive.
const ORACLE_BYTES_MAX: usize = 16 << 10;

/// Whether it is taken.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(&text, DEPTH_MAX);
    let as_argument = argument("input", &text, DEPTH_MAX);
    assert_eq!(as_argument.is_ok(), parsed.is_ok(), "an argument is read otherwise");
    let oracle = (text.len() <= ORACLE_BYTES_MAX).then(|| unlimited(&text));
    match parsed {
        Ok(value) => {
            assert!(depth(&value) <= DEPTH_MAX, "{} levels", depth(&value));
            assert!(oracle.is_none_or(|oracle| oracle.as_ref() == Some(&value)));
            let written = value.to_string();
            assert_eq!(parse(&written, DEPTH_MAX).as_ref(), Ok(&value), "{written}");
            assert_eq!(as_argument, Ok(value));
            true
        }
        Err(JsonError::Depth { max }) => {
            assert_eq!(max, DEPTH_MAX);
            // Where it is JSON at all, it is as deep as was said.
            assert!(oracle.flatten().is_none_or(|value| depth(&value) > DEPTH_MAX), "{text}");
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
