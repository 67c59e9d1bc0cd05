//! Where two JSON values differ, in words.

use wforge_model::Value;

/// Differences that are shown.
const SHOWN_MAX: usize = 8;
/// The longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 200;

/// Each place where what was found is not what was expected.
pub(super) fn between(place: &str, expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    walk(place, expected, found, &mut differences);
    let more = differences.len().saturating_sub(SHOWN_MAX);
    differences.truncate(SHOWN_MAX);
    if more > 0 {
        differences.push(format!("{place}: {more} more differences"));
    }
    differences
}

fn walk(place: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    if expected == found {
        return;
    }
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                match found.get(key) {
                    Some(found) => walk(&format!("{place}.{key}"), value, found, differences),
                    None => differences.push(format!(
                        "{place}.{key}: expected {}, and there is nothing",
                        short(value)
                    )),
                }
            }
            let unexpected = found.iter().filter(|(key, _)| !expected.contains_key(*key));
            differences.extend(
                unexpected
                    .map(|(key, value)| format!("{place}.{key}: unexpected {}", short(value))),
            );
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                walk(&format!("{place}[{at}]"), expected, found, differences);
            }
        }
        _ => differences.push(format!(
            "{place}: expected {}, found {}",
            short(expected),
            short(found)
        )),
    }
}

/// A value in a line.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_is_named() {
        let expected = json!({ "words": 3, "lines": [1, 2], "gone": true });
        let found = json!({ "words": 4, "lines": [1, 5], "new": null });
        assert_eq!(
            between("output", &expected, &found),
            [
                "output.gone: expected true, and there is nothing",
                "output.lines[1]: expected 2, found 5",
                "output.words: expected 3, found 4",
                "output.new: unexpected null",
            ]
        );
    }

    #[test]
    fn equal_values_do_not_differ() {
        assert_eq!(between("output", &json!([1]), &json!([1])), Vec::<String>::new());
    }
}
