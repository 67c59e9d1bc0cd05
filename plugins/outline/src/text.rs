//! A document's text with its lines: where a byte stands, and what lines hold.

use std::borrow::Cow;

/// A text whose lines all end in `\n`, without a byte order mark. Lines and columns are those of
/// the text as it came.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    text: Cow<'a, str>,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = if text.contains('\r') {
            Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
        } else {
            Cow::Borrowed(text)
        };
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The number of the line that holds this byte, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    /// How many lines there are; an end of line at the end begins no new one.
    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// The text from `from` to `to` without blank lines around it, and where it begins.
    pub(crate) fn trimmed(&self, from: usize, to: usize) -> (&str, usize) {
        let slice = self.text.get(from..to).unwrap_or_default().trim_end();
        let body = slice.trim_start();
        let blank = slice.len() - body.len();
        // The first line keeps its indentation, which may make it code.
        let indent = slice.get(..blank).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
        (slice.get(indent..).unwrap_or_default(), from + indent)
    }
}
