//! The recorded request that differs least from one that was not recorded, for whoever must find
//! out why.

use std::fmt;

use wforge_model::Value;

/// Requests that are looked at: those that are nearest in length.
const CANDIDATES_MAX: usize = 64;
/// What is compared of each, in characters, once the common beginning and end are cut off.
const COMPARED_CHARS_MAX: usize = 2_048;
/// Distances beyond this one are all the same.
const DISTANCE_MAX: usize = 256;
/// What is shown of a request, in characters.
const SHOWN_CHARS_MAX: usize = 2_000;
/// What is shown around the first difference, in characters.
const AROUND_CHARS: usize = 60;

/// The request that is nearest, and how far off.
#[derive(Debug)]
pub(super) struct Nearest {
    pub(super) asked: String,
    pub(super) recorded: String,
    distance: usize,
    /// Both from a little before their first difference.
    differ: [String; 2],
}

impl Nearest {
    /// The nearest of those that were recorded; none where nothing was.
    pub(super) fn of<'v>(asked: &Value, recorded: impl Iterator<Item = &'v Value>) -> Option<Self> {
        let asked: Vec<char> = asked.to_string().chars().collect();
        let mut all: Vec<Vec<char>> =
            recorded.map(|request| request.to_string().chars().collect()).collect();
        all.sort_by_key(|request| request.len().abs_diff(asked.len()));
        let near = all.into_iter().take(CANDIDATES_MAX);
        let measured = near.map(|request| (distance(&asked, &request), request));
        let (distance, recorded) = measured.min_by_key(|(distance, _)| *distance)?;
        let same = common(asked.iter(), recorded.iter());
        let from = same.saturating_sub(AROUND_CHARS / 2);
        let around = |text: &[char]| text.iter().skip(from).take(AROUND_CHARS).collect();
        let shown = |text: &[char]| text.iter().take(SHOWN_CHARS_MAX).collect();
        Some(Self {
            differ: [around(&recorded), around(&asked)],
            asked: shown(&asked),
            recorded: shown(&recorded),
            distance,
        })
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [recorded, asked] = &self.differ;
        match self.distance {
            DISTANCE_MAX.. => f.write_str("the nearest request is quite another")?,
            distance => write!(f, "the nearest request is {distance} characters off")?,
        }
        write!(f, ": recorded …{recorded}…, asked …{asked}…")
    }
}

fn common<'c>(one: impl Iterator<Item = &'c char>, other: impl Iterator<Item = &'c char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

/// Insertions, deletions and replacements from one text to the other, at most [`DISTANCE_MAX`].
/// Source: R. Wagner, M. Fischer, "The String-to-String Correction Problem", within a band.
fn distance(one: &[char], other: &[char]) -> usize {
    let same = common(one.iter(), other.iter());
    let (one, other) = (one.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    let same = common(one.iter().rev(), other.iter().rev());
    let middle = |text: &[char]| -> Vec<char> {
        let length = text.len().saturating_sub(same);
        text.iter().take(length.min(COMPARED_CHARS_MAX)).copied().collect()
    };
    let (one, other) = (middle(one), middle(other));
    if one.len().abs_diff(other.len()) >= DISTANCE_MAX {
        return DISTANCE_MAX;
    }
    let mut above: Vec<usize> = (0..=other.len()).map(|at| at.min(DISTANCE_MAX)).collect();
    for (row, from) in one.iter().enumerate() {
        above = next_row(&above, row + 1, *from, &other);
    }
    above.last().copied().unwrap_or(DISTANCE_MAX)
}

/// One row of the table; what is further from the diagonal than the largest distance is not
/// computed.
fn next_row(above: &[usize], row: usize, from: char, other: &[char]) -> Vec<usize> {
    let mut current = vec![DISTANCE_MAX; above.len()];
    let first = row.saturating_sub(DISTANCE_MAX);
    let mut left = if first == 0 { row.min(DISTANCE_MAX) } else { DISTANCE_MAX };
    if let Some(start) = current.first_mut().filter(|_| first == 0) {
        *start = left;
    }
    let cells = current.iter_mut().skip(1).zip(above.windows(2)).zip(other);
    for ((cell, pair), to) in cells.skip(first).take(2 * DISTANCE_MAX) {
        let [diagonal, up] = pair else { continue };
        let replaced = diagonal + usize::from(from != *to);
        left = replaced.min(up + 1).min(left + 1).min(DISTANCE_MAX);
        *cell = left;
    }
    current
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(one: &str, other: &str, expected: usize) {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars(one), &chars(other)), expected, "{one} to {other}");
        assert_eq!(distance(&chars(other), &chars(one)), expected, "{other} to {one}");
    }

    #[test]
    fn distances_count_single_changes() {
        check("", "", 0);
        check("same", "same", 0);
        check("kitten", "sitting", 3);
        check("", "abc", 3);
        check("flaw", "lawn", 2);
        check("über", "uber", 1);
        check(&"a".repeat(1_000), &"b".repeat(1_000), DISTANCE_MAX);
        check("a", &"b".repeat(4_000), DISTANCE_MAX);
    }

    #[test]
    fn a_change_deep_inside_long_texts_is_found() {
        let long = "word ".repeat(3_000);
        check(&format!("{long}one{long}"), &format!("{long}two{long}"), 3);
        let far = format!("x{}y", "z".repeat(600));
        check(&far, &format!("a{}b", "z".repeat(600)), 2);
    }

    #[test]
    fn the_nearest_is_shown_where_it_differs() {
        let recorded = [json!({ "text": "what is the weather" }), json!({ "text": "who are you" })];
        let nearest = Nearest::of(&json!({ "text": "who are they" }), recorded.iter()).unwrap();
        assert_eq!(
            nearest.to_string(),
            "the nearest request is 4 characters off: recorded …{\"text\":\"who are you\"}…, asked \
             …{\"text\":\"who are they\"}…"
        );
    }
}
