//! Facts that age: CVE ids, days and versions.

use std::ops::Range;

use crate::Kind;
use crate::span::{Span, is_inside_word, runs, trim};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_NAMES: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

pub(crate) fn find(line: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = runs(line, is_id_part).filter_map(cve).collect();
    spans.extend(written_dates(line));
    spans.extend(runs(line, is_number_part).filter_map(|run| date(line, run)));
    spans.extend(runs(line, is_version_part).filter_map(version));
    spans
}

fn is_id_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// `CVE-2024-3094`, in small letters too.
fn cve(run: (Range<usize>, &str)) -> Option<Span> {
    let (bytes, text) = trim(run, &['-']);
    let mut parts = text.split('-');
    let (name, year, number) = (parts.next()?, parts.next()?, parts.next()?);
    let right = parts.next().is_none()
        && name.eq_ignore_ascii_case("cve")
        && is_digits(year, 4..=4)
        && is_digits(number, 4..=19);
    right.then_some(Span { kind: Kind::Cve, bytes })
}

fn is_digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit())
}

fn is_number_part(c: char) -> bool {
    c.is_ascii_digit() || "-./".contains(c)
}

/// `2024-05-01`, `2024/05/01`, `01.05.2024`, `05/01/2024`.
fn date(line: &str, run: (Range<usize>, &str)) -> Option<Span> {
    let (bytes, text) = trim(run, &['-', '.', '/']);
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let day = match (first.len(), separator) {
        (4, '-' | '/') => is_day(first, second, third),
        (1 | 2, '.') => is_day(third, second, first),
        (1 | 2, '/') => is_day(third, first, second) || is_day(third, second, first),
        _ => false,
    };
    // A time may follow directly, as in 2024-05-01T12:00:00Z.
    let timed = line.get(bytes.end..).is_some_and(|rest| rest.starts_with('T'));
    (day && (timed || !is_inside_word(line, &bytes))).then_some(Span { kind: Kind::Date, bytes })
}

fn is_day(year: &str, month: &str, day: &str) -> bool {
    is_digits(year, 4..=4)
        && matches!(year.parse(), Ok(1000..=2999))
        && matches!(month.parse(), Ok(1..=12))
        && matches!(day.parse(), Ok(1..=31))
        && month.len() <= 2
        && day.len() <= 2
}

/// `May 1, 2024`, `1 May 2024`, `May 2024`.
fn written_dates(line: &str) -> Vec<Span> {
    let words: Vec<_> = runs(line, char::is_alphanumeric).collect();
    let mut spans = Vec::new();
    for (at, (month, name)) in words.iter().enumerate().filter(|(_, (_, word))| is_month(word)) {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let (next, after) = (words.get(at + 1), words.get(at + 2));
        let bytes = match (before, next, after) {
            (Some(day), Some(year), _) if is_day_of_month(day.1) && is_year(year.1) => {
                day.0.start..year.0.end
            }
            (_, Some(day), Some(year)) if is_day_of_month(day.1) && is_year(year.1) => {
                month.start..year.0.end
            }
            // "may 2024" may be a verb.
            (_, Some(year), _) if is_year(year.1) && name.starts_with(char::is_uppercase) => {
                month.start..year.0.end
            }
            _ => continue,
        };
        spans.push(Span { kind: Kind::Date, bytes });
    }
    spans
}

fn is_month(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    MONTHS.contains(&&*lower) || MONTH_NAMES.contains(&&*lower) || lower == "sept"
}

fn is_day_of_month(word: &str) -> bool {
    let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = word.get(number.len()..).unwrap_or_default();
    matches!(number.parse(), Ok(1..=31)) && ["", "st", "nd", "rd", "th"].contains(&suffix)
}

fn is_year(word: &str) -> bool {
    is_digits(word, 4..=4) && matches!(word.parse(), Ok(1900..=2199))
}

fn is_version_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-+".contains(c)
}

/// `1.2.3`, `v1.2`, `1.2.3-rc.1+build`.
fn version(run: (Range<usize>, &str)) -> Option<Span> {
    let (bytes, text) = trim(run, &['.', '-', '+']);
    let number = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core = number.split(['-', '+']).next()?;
    let parts = core.split('.').count();
    let right = core.split('.').all(|part| is_digits(part, 1..=5))
        && (parts == 3 || parts == 2 && number.len() < text.len())
        // A range such as 1.2.3-4.5.6 and a day such as 1.2.2024 are no versions.
        && !core.rsplit('.').next().is_some_and(is_year);
    right.then_some(Span { kind: Kind::Version, bytes })
}
