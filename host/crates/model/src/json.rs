//! JSON that crosses between host and guest as text.
//!
//! A guest's text is measured before it is parsed: its nesting is counted byte by byte, so that
//! nothing deep reaches a recursive function.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::{Failure, Problem, Value};

/// Text that is not the JSON that the contract allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nested too deep.
    #[error("the JSON is nested deeper than {max} levels")]
    Depth {
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
            Self::Malformed(_) => "bad_json",
        }
    }
}

/// Parses what a guest wrote.
///
/// # Errors
/// It nests deeper than that, or is no JSON.
pub fn parse(text: &str, depth_max: u32) -> Result<Value, JsonError> {
    if depth(text) > depth_max {
        return Err(JsonError::Depth { max: depth_max });
    }
    serde_json::from_str(text).map_err(|error| JsonError::Malformed(error.to_string()))
}

/// Parses an argument of a host call; what is wrong becomes the guest's typed failure.
///
/// # Errors
/// As [`parse`], in words that name the argument.
pub fn argument(name: &str, text: &str, depth_max: u32) -> Result<Value, Failure> {
    parse(text, depth_max).map_err(|error| {
        let code = error.code();
        Failure::InvalidInput(Problem::new(code, format!("argument \"{name}\": {error}")))
    })
}

/// How deep objects and arrays nest. Brackets inside strings do not count.
fn depth(text: &str) -> u32 {
    let (mut depth, mut deepest) = (0_u32, 0_u32);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{depth, parse};

    #[test]
    fn brackets_inside_strings_do_not_nest() {
        assert_eq!(depth(r#"{"a": "[[[{\"{", "b": [1, [2]]}"#), 3);
        assert_eq!(depth("7"), 0);
        assert_eq!(depth(r#""\\" ["#), 1);
    }

    #[test]
    fn text_is_refused_by_depth_before_it_is_parsed() {
        let deep = "[".repeat(1 << 20);
        assert_eq!(parse(&deep, 64).unwrap_err().code(), "json_depth");
        assert_eq!(parse("[1e999]", 64).unwrap_err().code(), "bad_json");
        assert_eq!(parse("NaN", 64).unwrap_err().code(), "bad_json");
    }
}
