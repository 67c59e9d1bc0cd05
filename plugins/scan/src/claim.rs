//! Claims without evidence: sentences that assert a lot, and neither point anywhere nor reason.

use std::ops::Range;

/// Words that assert more than one can know without looking.
const STRONG: [&str; 26] = [
    "always",
    "never",
    "guaranteed",
    "guarantees",
    "best",
    "fastest",
    "safest",
    "easiest",
    "proven",
    "undoubtedly",
    "obviously",
    "clearly",
    "certainly",
    "everyone knows",
    "nobody",
    "impossible",
    "perfect",
    "revolutionary",
    "world-class",
    "industry-leading",
    "state-of-the-art",
    "unmatched",
    "studies show",
    "experts agree",
    "significantly",
    "dramatically",
];
/// Words that point to evidence or give a reason.
const EVIDENCE: [&str; 20] = [
    "http://",
    "https://",
    "](",
    "][",
    "[^",
    "doi:",
    "rfc ",
    "because",
    "measured",
    "benchmark",
    "according to",
    "see ",
    "cf.",
    "source:",
    "since ",
    "for example",
    "e.g.",
    "table ",
    "figure ",
    "appendix",
];
/// The shortest and longest sentence that can be a claim, in words.
const WORDS: Range<usize> = 4..80;

/// The sentences of a text that are claims, by their bytes. Code and headings claim nothing.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut claims = Vec::new();
    let mut paragraph: Option<Range<usize>> = None;
    let mut fenced = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bytes = at..at + line.len();
        at = bytes.end;
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        fenced ^= fence;
        let prose = !fence && !fenced && !line.trim().is_empty() && !is_heading(line);
        if !prose || is_item(line) {
            claims.extend(paragraph.take().iter().flat_map(|bytes| in_paragraph(text, bytes)));
        }
        if prose {
            let begin = paragraph.take().map_or(bytes.start, |open| open.start);
            paragraph = Some(begin..bytes.end);
        }
    }
    claims.extend(paragraph.iter().flat_map(|bytes| in_paragraph(text, bytes)));
    claims
}

fn is_heading(line: &str) -> bool {
    line.starts_with('#')
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ ", "> ", "|"].iter().any(|mark| line.starts_with(mark))
        || number.len() < line.len() && number.starts_with(". ")
}

fn in_paragraph(text: &str, bytes: &Range<usize>) -> Vec<Range<usize>> {
    let paragraph = text.get(bytes.clone()).unwrap_or_default();
    let sentences = sentences(paragraph).into_iter();
    let claims = sentences.filter(|sentence| paragraph.get(sentence.clone()).is_some_and(is_claim));
    claims.map(|sentence| bytes.start + sentence.start..bytes.start + sentence.end).collect()
}

/// The sentences of a paragraph, without blanks and list marks around them.
fn sentences(paragraph: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    let mut characters = paragraph.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        if matches!(c, '.' | '!' | '?') && next.is_none_or(char::is_whitespace) {
            sentences.extend(trimmed(paragraph, begin..at + c.len_utf8()));
            begin = at + c.len_utf8();
        }
    }
    sentences.extend(trimmed(paragraph, begin..paragraph.len()));
    sentences
}

fn trimmed(paragraph: &str, bytes: Range<usize>) -> Option<Range<usize>> {
    let text = paragraph.get(bytes.clone())?;
    let body = text.trim_start_matches(|c: char| c.is_whitespace() || "-*+>|".contains(c));
    let begin = bytes.end - body.len();
    let body = body.trim_end();
    (!body.is_empty()).then(|| begin..begin + body.len())
}

fn is_claim(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    WORDS.contains(&sentence.split_whitespace().count())
        && !sentence.ends_with('?')
        && (STRONG.iter().any(|word| holds_word(&lower, word)) || compares(&lower))
        && !EVIDENCE.iter().any(|word| lower.contains(word))
}

/// `40 % faster`, `ten times smaller`, `3x cheaper`.
fn compares(lower: &str) -> bool {
    let better = ["faster", "cheaper", "smaller", "slower", "better", "more efficient"];
    let by = ["%", "percent", "times", "x "];
    better.iter().any(|word| lower.contains(word)) && by.iter().any(|sign| lower.contains(sign))
}

/// Whether the word stands there on its own.
fn holds_word(lower: &str, word: &str) -> bool {
    lower
        .match_indices(word)
        .any(|(at, found)| !crate::span::is_inside_word(lower, &(at..at + found.len())))
}
