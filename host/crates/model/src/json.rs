//! JSON that crosses between host and guest as text.
//!
//! A guest's text is measured before it is parsed: its nesting and its values are counted byte by
//! byte, so that nothing deep reaches a recursive function, and a few bytes become no heap of
//! values.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::limits::SandboxLimits;
use crate::{Failure, Problem, Value};

/// What one JSON document of a guest may have.
#[derive(Debug, Clone, Copy)]
pub struct JsonMax {
    /// How deep objects and arrays lie in each other.
    pub depth: u32,
    /// Values, those inside of others counted too.
    pub values: u32,
}

impl JsonMax {
    /// What the sandbox lets a guest have.
    #[must_use]
    pub const fn of(limits: &SandboxLimits) -> Self {
        Self { depth: limits.json_depth_max, values: limits.json_values_max }
    }
}

/// Text that is not the JSON that the contract allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nested too deep.
    #[error("the JSON is nested deeper than {max} levels")]
    Depth {
        /// The limit.
        max: u32,
    },
    /// Too many values.
    #[error("the JSON has more than {max} values")]
    Width {
        /// The limit.
        max: u32,
    },
    /// No JSON, or a number that is not finite.
    #[error("no JSON: {0}")]
    Malformed(String),
}

impl JsonError {
    /// The code that a policy can read.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Depth { .. } => "json_depth",
            Self::Width { .. } => "json_width",
            Self::Malformed(_) => "bad_json",
        }
    }
}

/// Parses what a guest wrote.
///
/// # Errors
/// It nests deeper than that, has more values, or is no JSON.
pub fn parse(text: &str, max: JsonMax) -> Result<Value, JsonError> {
    let shape = Shape::of(text);
    if shape.depth > max.depth {
        return Err(JsonError::Depth { max: max.depth });
    }
    if shape.values > max.values {
        return Err(JsonError::Width { max: max.values });
    }
    serde_json::from_str(text).map_err(|error| JsonError::Malformed(error.to_string()))
}

/// Parses an argument of a host call; what is wrong becomes the guest's typed failure.
///
/// # Errors
/// As [`parse`], in words that name the argument.
pub fn argument(name: &str, text: &str, max: JsonMax) -> Result<Value, Failure> {
    parse(text, max).map_err(|error| {
        let code = error.code();
        Failure::InvalidInput(Problem::new(code, format!("argument \"{name}\": {error}")))
    })
}

/// How a document is built, as far as bytes tell.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    /// How deep objects and arrays nest.
    depth: u32,
    /// The whole, and each element and member in it.
    values: u32,
}

impl Shape {
    /// Brackets and commas inside strings do not count.
    fn of(text: &str) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut begins) = (0_u32, true);
        let (mut in_string, mut escaped) = (false, false);
        for byte in text.bytes() {
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                continue;
            }
            let is_close = matches!(byte, b']' | b'}');
            if begins && !is_close && !byte.is_ascii_whitespace() {
                begins = false;
                shape.values = shape.values.saturating_add(1);
            }
            match byte {
                b'"' => in_string = true,
                b',' => begins = true,
                b'[' | b'{' => {
                    begins = true;
                    depth = depth.saturating_add(1);
                    shape.depth = shape.depth.max(depth);
                }
                b']' | b'}' => {
                    begins = false;
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::{JsonMax, Shape, parse};
    use crate::Value;

    const MAX: JsonMax = JsonMax { depth: 64, values: 1_000 };

    fn shape(depth: u32, values: u32) -> Shape {
        Shape { depth, values }
    }

    #[test]
    fn brackets_and_commas_inside_strings_do_not_count() {
        assert_eq!(Shape::of(r#"{"a": "[[[{\"{,", "b": [1, [2]]}"#), shape(3, 6));
        assert_eq!(Shape::of(r#""\\" ["#), shape(1, 1));
    }

    #[test]
    fn elements_and_members_are_values_and_so_is_the_whole() {
        assert_eq!(Shape::of("7"), shape(0, 1));
        assert_eq!(Shape::of(" [ ] "), shape(1, 1));
        assert_eq!(Shape::of("[[],[],{}]"), shape(2, 4));
        assert_eq!(Shape::of(r#"{"a": {"b": 1}, "c": [1, 2]}"#), shape(2, 6));
    }

    #[test]
    fn text_is_refused_by_its_shape_before_it_is_parsed() {
        let (deep, wide) = ("[".repeat(1 << 20), "[],".repeat(1 << 20));
        assert_eq!(parse(&deep, MAX).unwrap_err().code(), "json_depth");
        assert_eq!(parse(&wide, MAX).unwrap_err().code(), "json_width");
        assert_eq!(parse("[1e999]", MAX).unwrap_err().code(), "bad_json");
        assert_eq!(parse("NaN", MAX).unwrap_err().code(), "bad_json");
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_parsed(value in documents()) {
            prop_assert_eq!(Shape::of(&value.to_string()).values, count(&value));
            prop_assert_eq!(Shape::of(&format!("{value:#}")).values, count(&value));
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let scalars = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        scalars.prop_recursive(4, 64, 8, |inner| {
            let members = btree_map(".*", inner.clone(), 0..8);
            prop_oneof![
                vec(inner, 0..8).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn count(value: &Value) -> u32 {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(fields) => fields.values().map(count).sum(),
            _ => 0,
        }
    }
}
