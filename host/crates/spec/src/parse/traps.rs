//! Where YAML cuts an unquoted expression apart: `{ when: max(a, 3) > 1 }` is a map of `when:
//! max(a` and a key `3) > 1`.

use serde_json::Value;

use super::scan::{Flaw, QUOTE};
use super::tree::{Entry, Kind, Node};

/// Whether a line that YAML cannot read looks as if it held an expression.
pub(super) fn holds_expression(line: &str) -> bool {
    const SIGNS: [&str; 9] = ["?", "{{", "&&", "||", "==", "!=", "(", "+", "state."];
    SIGNS.iter().any(|sign| line.contains(sign)) || holds_index(line)
}

/// Whether a bracket follows a name, as in `items[0]`.
fn holds_index(line: &str) -> bool {
    let pairs = line.chars().zip(line.chars().skip(1));
    pairs.into_iter().any(|(before, bracket)| bracket == '[' && before.is_alphanumeric())
}

/// An entry without a value, after a value whose brackets are still open.
pub(super) fn in_map(entries: &[Entry]) -> Vec<Flaw> {
    let pairs = entries.iter().zip(entries.iter().skip(1));
    pairs.filter_map(|(before, after)| cut_map(before, after)).collect()
}

fn cut_map(before: &Entry, after: &Entry) -> Option<Flaw> {
    let start = plain(&before.value)?;
    let Kind::Scalar { value: Value::Null, plain: Some(_) } = &after.value.kind else {
        return None;
    };
    let whole = format!("{start}, {}", after.key);
    cut(start, &whole, &before.value, Some(&before.key))
}

/// The same between two items of a list.
pub(super) fn in_list(items: &[Node]) -> Vec<Flaw> {
    let pairs = items.iter().zip(items.iter().skip(1));
    pairs
        .filter_map(|(before, after)| {
            let start = plain(before)?;
            cut(start, &format!("{start}, {}", plain(after)?), before, None)
        })
        .collect()
}

fn cut(start: &str, whole: &str, node: &Node, key: Option<&str>) -> Option<Flaw> {
    if !is_open(start) {
        return None;
    }
    let message = format!("the comma ends \"{start}\" here");
    let key = key.map(|key| format!("{key}: ")).unwrap_or_default();
    let help = format!("{QUOTE}: {key}\"{}\"", whole.replace('"', "'"));
    Some(Flaw::new(node.at, "unquoted_expression", message).help(help))
}

const fn plain(node: &Node) -> Option<&String> {
    match &node.kind {
        Kind::Scalar { plain, .. } => plain.as_ref(),
        _ => None,
    }
}

/// Whether brackets or quotes are still open at the end.
fn is_open(text: &str) -> bool {
    let (mut depth, mut quote) = (0_i32, None);
    for character in text.chars() {
        match (character, quote) {
            (_, Some(open)) if character == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(character),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}
