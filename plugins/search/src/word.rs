//! A text that stands on its own: not a part of a longer name.

use std::ops::Range;

use memchr::memmem;
use regex::bytes::Regex;

/// What is looked for, and what makes a longer name of it.
#[derive(Debug)]
pub(crate) struct Word {
    finder: Finder,
    /// Whether `-` belongs to names, as in `--dry-run`.
    has_dash: bool,
    begins_a_name: bool,
    ends_a_name: bool,
}

#[derive(Debug)]
enum Finder {
    Exact(Box<memmem::Finder<'static>>),
    AnyCase(Regex),
}

impl Word {
    pub(crate) fn exact(text: &str) -> Self {
        let finder = memmem::Finder::new(text.as_bytes()).into_owned();
        Self::of(text, Finder::Exact(Box::new(finder)))
    }

    pub(crate) fn in_any_case(text: &str, pattern: Regex) -> Self {
        Self::of(text, Finder::AnyCase(pattern))
    }

    fn of(text: &str, finder: Finder) -> Self {
        let has_dash = text.contains('-');
        let part = |byte: Option<u8>| byte.is_some_and(|byte| is_part(byte, has_dash));
        Self {
            finder,
            has_dash,
            begins_a_name: part(text.bytes().next()),
            ends_a_name: part(text.bytes().next_back()),
        }
    }

    /// Where it stands next, on its own, from `at`.
    pub(crate) fn next(&self, bytes: &[u8], mut at: usize) -> Option<Range<usize>> {
        loop {
            let found = self.find(bytes, at)?;
            if self.stands_alone(bytes, &found) {
                return Some(found);
            }
            at = self.after_refused(bytes, found.start);
        }
    }

    /// Where the next place can begin. Within the same run of letters none can, and a text that is
    /// made of one run must not be looked at again for each of its letters.
    fn after_refused(&self, bytes: &[u8], start: usize) -> usize {
        if !self.begins_a_name {
            return start + 1;
        }
        let rest = bytes.get(start..).unwrap_or_default();
        let run = rest.iter().take_while(|byte| is_part(**byte, self.has_dash)).count();
        start + run.max(1)
    }

    fn find(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        match &self.finder {
            Finder::Exact(finder) => {
                let begin = at + finder.find(bytes.get(at..)?)?;
                Some(begin..begin + finder.needle().len())
            }
            Finder::AnyCase(pattern) => pattern.find_at(bytes, at).map(|found| found.range()),
        }
    }

    fn stands_alone(&self, bytes: &[u8], found: &Range<usize>) -> bool {
        let before = found.start.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(found.end);
        let part = |byte: Option<&u8>| byte.is_some_and(|byte| is_part(*byte, self.has_dash));
        !(self.begins_a_name && part(before) || self.ends_a_name && part(after))
    }
}

/// Whether the byte belongs to names. Letters outside ASCII do.
fn is_part(byte: u8, dashed: bool) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii() || dashed && byte == b'-'
}
