//! Records as text: short values stay on one line, so that a difference can be read.

use serde_json::Value;

/// How long a line may be.
const WIDTH: usize = 100;

/// A value as text that ends with a newline.
#[must_use]
pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text.push('\n');
    text
}

/// `lead` is what stands before the value in its line.
fn write(value: &Value, indent: usize, lead: usize, text: &mut String) {
    let short = value.to_string();
    if indent + lead + short.len() < WIDTH {
        text.push_str(&short);
        return;
    }
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                new_line(place, indent + 2, text);
                write(item, indent + 2, 0, text);
            }
            close(']', indent, text);
        }
        Value::Object(fields) if !fields.is_empty() => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (place, (name, value)) in fields.into_iter().enumerate() {
                new_line(place, indent + 2, text);
                let name = Value::from(name.as_str()).to_string();
                text.push_str(&name);
                text.push_str(": ");
                write(value, indent + 2, name.len() + 2, text);
            }
            close('}', indent, text);
        }
        _ => text.push_str(&short),
    }
}

fn new_line(place: usize, indent: usize, text: &mut String) {
    if place > 0 {
        text.push(',');
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
}

fn close(bracket: char, indent: usize, text: &mut String) {
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(bracket);
}

/// The lines in which two texts differ, with a little of what stands around them.
#[must_use]
pub fn difference(expected: &Value, got: &Value) -> String {
    let (expected, got) = (pretty(expected), pretty(got));
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let same = left.iter().zip(&right).take_while(|(l, r)| l == r).count();
    let tail = left.iter().rev().zip(right.iter().rev()).take_while(|(l, r)| l == r).count();
    let tail = tail.min(left.len() - same).min(right.len() - same);
    let mut lines = Vec::new();
    let around = left.iter().take(same).skip(same.saturating_sub(2));
    lines.extend(around.map(|line| format!("    {line}")));
    let middle = |lines: &[&str]| -> Vec<String> {
        lines.iter().take(lines.len() - tail).skip(same).map(|line| (*line).to_owned()).collect()
    };
    lines.extend(middle(&left).iter().map(|line| format!("  - {line}")));
    lines.extend(middle(&right).iter().map(|line| format!("  + {line}")));
    lines.join("\n")
}
