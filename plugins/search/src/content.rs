//! Finds a pattern in the contents of files. Each file is read once.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};
use workflowforge_sdk::Failure;

use crate::folder::File;
use crate::query::Pattern;
use crate::read::{Blobs, Content, content};
use crate::{Hit, Output};

/// The most files that one call reads.
const FILES_MAX: usize = 50_000;
/// The most bytes that one call reads.
const BYTES_MAX: u64 = 64 << 20;
/// The most hits in one file, so that it does not hide the others.
const FILE_HITS_MAX: usize = 5;
/// The longest line that is shown, in bytes.
const SHOWN_BYTES_MAX: usize = 240;
/// How much of a long line is shown before the hit, in bytes.
const SHOWN_BYTES_BEFORE: usize = 60;

/// Searches the files in order, until there are enough hits.
pub(crate) fn search<'a>(
    files: impl Iterator<Item = &'a File>,
    pattern: &Pattern,
    hits_max: usize,
    blobs: &dyn Blobs,
) -> Result<Output, Failure> {
    let mut output = Output::default();
    let mut bytes_left = BYTES_MAX;
    for (number, file) in files.enumerate() {
        if number >= FILES_MAX || bytes_left == 0 || output.hits.len() >= hits_max {
            output.truncated = true;
            break;
        }
        match content(&file.blob, bytes_left, blobs)? {
            Content::Binary => output.files_skipped += 1,
            Content::Text { bytes, cut } => {
                output.files_searched += 1;
                output.truncated |= cut;
                bytes_left = bytes_left.saturating_sub(bytes.len() as u64);
                let room = (hits_max - output.hits.len()).min(FILE_HITS_MAX);
                output.truncated |= in_file(&file.path, &bytes, pattern, room, &mut output.hits);
            }
        }
    }
    Ok(output)
}

/// Adds at most `room` hits, one a line; whether there are more.
fn in_file(path: &str, bytes: &[u8], pattern: &Pattern, room: usize, hits: &mut Vec<Hit>) -> bool {
    let (mut at, mut counted, mut line) = (0, 0, 1);
    let mut found = 0;
    while at <= bytes.len() {
        let Some(place) = pattern.next(bytes, at) else { return false };
        // A match at the very end, behind the last line's end, is on no line.
        if place.start == bytes.len() && bytes.last().is_none_or(|last| *last == b'\n') {
            return false;
        }
        if found == room {
            return true;
        }
        found += 1;
        line += memchr_iter(b'\n', bytes.get(counted..place.start).unwrap_or_default()).count();
        counted = place.start;
        let whole = line_around(bytes, place.start);
        hits.push(Hit { file: path.to_owned(), line, text: shown(bytes, &whole, place.start) });
        at = whole.end + 1;
    }
    false
}

/// The bytes of the line that holds `at`, without its end.
fn line_around(bytes: &[u8], at: usize) -> Range<usize> {
    let before = bytes.get(..at).unwrap_or_default();
    let after = bytes.get(at..).unwrap_or_default();
    let start = memrchr(b'\n', before).map_or(0, |end| end + 1);
    let end = memchr(b'\n', after).map_or(bytes.len(), |end| at + end);
    start..end
}

/// The line as a person reads it: of a long one, what is around the hit.
fn shown(bytes: &[u8], line: &Range<usize>, hit: usize) -> String {
    let long = line.len() > SHOWN_BYTES_MAX;
    let begin =
        if long { hit.saturating_sub(SHOWN_BYTES_BEFORE).max(line.start) } else { line.start };
    let end = line.end.min(begin + SHOWN_BYTES_MAX);
    let text = String::from_utf8_lossy(bytes.get(begin..end).unwrap_or_default());
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.trim_matches('\u{fffd}').chars().map(visible).collect();
    let head = if begin > line.start { "…" } else { "" };
    let tail = if end < line.end { "…" } else { "" };
    format!("{head}{}{tail}", text.trim())
}
