//! Text with `{{ expression }}`. Splitting it knows strings, so that `{{ "}}" }}` is one
//! expression.

use wforge_graph::ExprError;

use super::failure::{limit, syntax};

/// The longest template.
const TEMPLATE_BYTES_MAX: usize = 64 << 10;
/// Expressions of one template.
const EXPRESSIONS_MAX: usize = 64;

/// One piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    Expression(&'t str),
}

/// The pieces in their order.
pub(super) fn split(template: &str) -> Result<Vec<Piece<'_>>, ExprError> {
    if template.len() > TEMPLATE_BYTES_MAX {
        return Err(limit(format!("a text template has at most {TEMPLATE_BYTES_MAX} bytes")));
    }
    let (mut pieces, mut rest, mut expressions) = (Vec::new(), template, 0);
    while let Some((text, after)) = rest.split_once("{{") {
        pieces.push(Piece::Text(text));
        let end = end(after).ok_or_else(|| syntax("\"{{\" without \"}}\""))?;
        let (expression, tail) = after.split_at(end);
        pieces.push(Piece::Expression(expression.trim()));
        expressions += 1;
        if expressions > EXPRESSIONS_MAX {
            let message = format!("a text template has at most {EXPRESSIONS_MAX} expressions");
            return Err(limit(message));
        }
        rest = tail.strip_prefix("}}").unwrap_or(tail);
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// Where the `}}` of an expression is: outside of strings, and after every map's own `}`.
fn end(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (character, quote) {
            ('\\', Some(_)) => drop(characters.next()),
            (_, Some(open)) if character == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(character),
            ('{', None) => depth += 1,
            ('}', None) if depth > 0 => depth -= 1,
            ('}', None) if text.get(at..).is_some_and(|rest| rest.starts_with("}}")) => {
                return Some(at);
            }
            _ => {}
        }
    }
    None
}
