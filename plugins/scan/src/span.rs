//! Pieces of a line, as detectors hand them on.

use std::ops::Range;

use crate::Kind;

/// A piece of a line that a detector claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) kind: Kind,
    pub(crate) bytes: Range<usize>,
}

/// The runs of characters that `is_part` accepts, and where they stand.
pub(crate) fn runs(
    line: &str,
    is_part: impl Fn(char) -> bool,
) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = line.get(at..)?;
        let begin = at + rest.find(&is_part)?;
        let tail = line.get(begin..)?;
        let end = begin + tail.find(|c| !is_part(c)).unwrap_or(tail.len());
        at = end;
        Some((begin..end, line.get(begin..end)?))
    })
}

/// The run without the characters of `edge` around it.
pub(crate) fn trim<'a>(
    (bytes, text): (Range<usize>, &'a str),
    edge: &[char],
) -> (Range<usize>, &'a str) {
    let from_left = text.trim_start_matches(edge);
    let begin = bytes.start + text.len() - from_left.len();
    let both = from_left.trim_end_matches(edge);
    (begin..begin + both.len(), both)
}

/// Whether a letter or digit stands directly before or after the piece.
pub(crate) fn is_inside_word(line: &str, bytes: &Range<usize>) -> bool {
    let before = line.get(..bytes.start).and_then(|text| text.chars().next_back());
    let after = line.get(bytes.end..).and_then(|text| text.chars().next());
    before.is_some_and(char::is_alphanumeric) || after.is_some_and(char::is_alphanumeric)
}

pub(crate) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}
