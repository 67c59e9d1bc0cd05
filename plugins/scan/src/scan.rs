//! Runs the detectors over a section and says where in the document each finding stands.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::span::Span;
use crate::{Kind, claim, fact, personal, secret};

/// Claims from which on a section deserves another look.
const CLAIMS_MANY: usize = 2;
/// Findings that could do harm, from which on it does.
const CONFIDENTIAL_MANY: usize = 3;
/// Words a finding, below which it does where there are at least `FINDINGS_SOME`.
const WORDS_PER_FINDING_MIN: usize = 40;
const FINDINGS_SOME: usize = 4;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// What it says; masked where it must not be copied.
    pub text: String,
    /// Its line in the document.
    pub line: usize,
    /// Its column in that line, in characters, from 1.
    pub column: usize,
}

/// Everything in `text`, which begins in the document's line `first_line`, in order.
#[must_use]
pub fn scan(text: &str, first_line: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut column = Column::of(line);
        for span in spans(line) {
            let found = line.get(span.bytes.clone()).unwrap_or_default();
            findings.push(Finding {
                kind: span.kind,
                text: span.kind.shown(found),
                line: first_line + number,
                column: column.at(span.bytes.start),
            });
        }
    }
    findings.extend(claims(text, first_line));
    findings.sort_by_key(|finding| (finding.line, finding.column, finding.kind));
    findings
}

/// What the detectors find in a line, in order and without overlaps: the first has it.
fn spans(line: &str) -> impl Iterator<Item = Span> {
    let mut kept: BTreeMap<usize, Span> = BTreeMap::new();
    for span in [secret::find(line), personal::find(line), fact::find(line)].concat() {
        // Those kept do not overlap, so only the last that begins before this one's end can.
        let before = kept.range(..span.bytes.end).next_back();
        if before.is_none_or(|(_, other)| other.bytes.end <= span.bytes.start) {
            kept.insert(span.bytes.start, span);
        }
    }
    kept.into_values()
}

/// Columns of one line, asked for in order, so that a line is counted once.
struct Column<'a> {
    line: &'a str,
    byte: usize,
    column: usize,
}

impl<'a> Column<'a> {
    fn of(line: &'a str) -> Self {
        Self { line, byte: 0, column: 1 }
    }

    fn at(&mut self, byte: usize) -> usize {
        self.column += self.line.get(self.byte..byte).map_or(0, |text| text.chars().count());
        self.byte = byte;
        self.column
    }
}

/// Whether a longer digest would help: much is asserted, much is confidential, or findings stand
/// close together.
#[must_use]
pub fn deserves_another_look(text: &str, findings: &[Finding]) -> bool {
    let claims = findings.iter().filter(|finding| finding.kind == Kind::Claim).count();
    let confidential = findings.iter().filter(|finding| finding.kind.is_confidential()).count();
    let words = text.split_whitespace().count();
    claims >= CLAIMS_MANY
        || confidential >= CONFIDENTIAL_MANY
        || findings.len() >= FINDINGS_SOME && words < findings.len() * WORDS_PER_FINDING_MIN
}

fn claims(text: &str, first_line: usize) -> Vec<Finding> {
    let mut lines = text.split_inclusive('\n');
    let (mut number, mut begin, mut end) = (first_line, 0, lines.next().map_or(0, str::len));
    let mut column = Column::of(text);
    let mut findings = Vec::new();
    for bytes in claim::find(text) {
        while bytes.start >= end {
            let Some(line) = lines.next() else { break };
            (number, begin, end) = (number + 1, end, end + line.len());
        }
        if column.byte < begin {
            column = Column { line: text, byte: begin, column: 1 };
        }
        let sentence: Vec<&str> =
            text.get(bytes.clone()).unwrap_or_default().split_whitespace().collect();
        findings.push(Finding {
            kind: Kind::Claim,
            text: Kind::Claim.shown(&sentence.join(" ")),
            line: number,
            column: column.at(bytes.start),
        });
    }
    findings
}
