//! Words outside code: how many of something there are, versions, flags and variables.

use crate::claim::{Found, Kind};
use crate::known::is_unit;
use crate::read::{CODE_MARK, Lines};
use crate::shape::{is_env, is_flag, is_plain_name};

/// Words before a number that make it the number of something else.
const ORDINALS: [&str; 26] = [
    "step",
    "section",
    "chapter",
    "line",
    "page",
    "issue",
    "rfc",
    "table",
    "figure",
    "level",
    "port",
    "phase",
    "part",
    "version",
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
/// Words between a number and a noun that end the thought.
const BREAKS: [&str; 16] = [
    "of", "and", "or", "in", "to", "the", "for", "more", "is", "by", "from", "with", "at", "on",
    "are", "than",
];
/// Words before a number with a point in it that name nothing.
const NO_NAMES: [&str; 44] = [
    "until", "above", "below", "through", "about", "than", "is", "of", "to", "by", "from", "with",
    "at", "in", "on", "and", "or", "only", "takes", "took", "least", "most", "under", "over",
    "after", "before", "section", "table", "figure", "rfc", "chapter", "score", "the", "a", "for",
    "are", "was", "version", "release", "between", "nearly", "around", "since", "page",
];
/// Words after a number with a point in it that make it a measure.
const MEASURES: [&str; 26] = [
    "s", "ms", "µs", "us", "ns", "min", "h", "%", "percent", "seconds", "minutes", "hours",
    "times", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "bytes", "million", "billion", "points",
    "x", "km",
];
/// Programs of which a whole number is a version.
const WHOLE_VERSIONS: [&str; 9] =
    ["node", "node.js", "go", "java", "php", "ruby", "postgresql", "postgres", "debian"];

/// A word of prose.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    line: usize,
    /// Without punctuation around it.
    text: &'a str,
    /// Whether punctuation follows it.
    ends: bool,
    was_code: bool,
}

/// The claims of a paragraph.
pub(crate) fn claims(text: &str, lines: &Lines) -> Vec<Found> {
    let words: Vec<Word<'_>> = words(text, lines).collect();
    let mut found = Vec::new();
    for at in 0..words.len() {
        let Some(window) = words.get(at..) else { break };
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        found.extend(flag_or_variable(window));
        found.extend(number(before, window));
        found.extend(version(window));
    }
    found
}

fn words<'a>(text: &'a str, lines: &'a Lines) -> impl Iterator<Item = Word<'a>> {
    text.split_whitespace().map(move |word| {
        let place = word.as_ptr().addr() - text.as_ptr().addr();
        let open = word.trim_start_matches(['(', '"', '[', '“', '*']);
        let bare = open.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', ']', '”', '*']);
        Word {
            line: lines.at(place),
            text: bare.trim_matches(CODE_MARK),
            ends: bare.len() < open.len(),
            was_code: bare.contains(CODE_MARK),
        }
    })
}

fn flag_or_variable(words: &[Word<'_>]) -> Option<Found> {
    let word = words.first().filter(|word| !word.was_code)?;
    let flag = word.text.split('=').next().unwrap_or_default();
    if is_flag(flag) {
        return Some(Found::new(word.line, Kind::Flag, &[flag]));
    }
    is_env(word.text).then(|| Found::new(word.line, Kind::Env, &[word.text]))
}

/// `67 routes`, `30 random seeds`.
fn number(before: Option<&Word<'_>>, words: &[Word<'_>]) -> Option<Found> {
    let (number, rest) = words.split_first()?;
    let digits = digits(number.text)?;
    let is_ordinal =
        before.is_some_and(|word| !word.ends && ORDINALS.contains(&&*word.text.to_lowercase()));
    if number.ends || number.was_code || is_ordinal {
        return None;
    }
    let first = rest.first()?;
    if BREAKS.contains(&first.text) {
        return None;
    }
    let noun = if is_noun(first.text) || first.ends { first } else { rest.get(1)? };
    let adjective = first.text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (adjective && is_noun(noun.text))
        .then(|| Found::new(number.line, Kind::Number, &[&digits, noun.text]))
}

/// A count of at least two that is no year, without signs between its digits.
fn digits(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split(',').collect();
    let grouped = groups.iter().skip(1).all(|group| group.len() == 3);
    let digits = groups.concat();
    let is_number =
        grouped && (1..=9).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
    let number: u32 = if is_number { digits.parse().ok()? } else { return None };
    let is_year = groups.len() == 1 && (1900..2100).contains(&number);
    (number > 1 && !is_year).then_some(digits)
}

/// Something that there can be many of.
fn is_noun(text: &str) -> bool {
    text.len() > 3
        && text.ends_with('s')
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && !is_unit(text)
}

/// `Rust 1.95`, `wasmtime 48.0.8`, `Node ≥ 18`.
fn version(words: &[Word<'_>]) -> Option<Found> {
    let (name, rest) = words.split_first().filter(|(name, _)| !name.ends)?;
    let (sign, rest) = rest.split_first()?;
    let skipped = matches!(sign.text, "version" | ">=" | "≥" | "v" | "release");
    let (version, rest) = if skipped { rest.split_first()? } else { (sign, rest) };
    let lower = name.text.to_lowercase();
    if !has_versions(name.text) || version.was_code {
        return None;
    }
    let number = version_of(version.text);
    let whole = || {
        let number = version.text.trim_end_matches('+');
        let is_whole = number.len() < 4 && number.chars().all(|c| c.is_ascii_digit());
        (is_whole && !number.is_empty() && WHOLE_VERSIONS.contains(&&*lower)).then_some(number)
    };
    let number = number.or_else(whole)?;
    let measured = !version.ends
        && rest.first().is_some_and(|next| MEASURES.contains(&&*next.text.to_lowercase()));
    let named = name.was_code
        || number.matches('.').count() > 1
        || name.text.starts_with(|c: char| c.is_ascii_uppercase())
        || WHOLE_VERSIONS.contains(&&*lower);
    (named && !measured).then(|| Found::new(version.line, Kind::Version, &[number, name.text]))
}

/// Whether the word may be the name of something that has versions.
pub(crate) fn has_versions(name: &str) -> bool {
    is_plain_name(name) && !NO_NAMES.contains(&&*name.to_lowercase())
}

/// `1.2`, `v1.2.3-rc.1`, `>=1.2`, `1.2+`: the number in it.
pub(crate) fn version_of(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['^', '~', '=', '>', '≥']);
    let text = text.strip_prefix('v').unwrap_or(text).trim_end_matches('+');
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let is_number =
        |part: &&str| (1..=5).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    ((2..=4).contains(&parts.len()) && parts.iter().all(is_number)).then_some(text)
}
