//! Keeps each claim once, in order and bounded, and says what it is called.

use std::collections::{BTreeMap, HashSet};

use crate::claim::{Claim, Claims, Found, Kind, LeftOut};
use crate::command::Commands;
use crate::question::question;
use crate::read::{Document, Part, What, read};
use crate::{block, inline, path, prose, shell};

/// The longest text of a claim, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;
/// The longest line of which one saying is taken for all of it, in bytes.
const SAYING_BYTES_MAX: usize = 300;
/// What a line says of things that are not there, and should not be.
const NOT_NOW: [&str; 16] = [
    " is gone",
    " are gone",
    "no longer",
    "removed",
    "deprecated",
    "renamed",
    "not yet",
    "planned",
    "will be ",
    "obsolete",
    "formerly",
    "used to ",
    "does not exist",
    "do not exist",
    "there is no ",
    "todo",
];

/// The document's claims, at most `claims_max` of them.
#[must_use]
pub fn claims(text: &str, claims_max: usize) -> Claims {
    let document = read(text);
    let commands = Commands::of_document(&document);
    let mut found: Vec<Found> =
        document.parts.iter().flat_map(|part| in_part(part, &commands)).collect();
    // A stable sort: links and code of one line stay in the order in which they were read.
    found.sort_by_key(|found| found.line);
    let mut seen = HashSet::new();
    found.retain(|found| {
        let names_nothing = found.subjects.iter().any(String::is_empty);
        !names_nothing
            && !is_not_now(document.line(found.line))
            && seen.insert((found.kind, found.subjects.clone()))
    });
    bounded(&document, found, claims_max)
}

fn in_part(part: &Part, commands: &Commands) -> Vec<Found> {
    let line = part.line;
    match &part.what {
        What::Prose(lines) => prose::claims(&part.text, lines),
        What::Code => inline::claims(line, &part.text, commands),
        What::Link => path::of_link(&part.text)
            .map(|path| Found::new(line, Kind::Link, &[&path]))
            .into_iter()
            .collect(),
        What::Block(language) if shell::is_shell(language, &part.text) => {
            commands.in_block(line, &part.text)
        }
        What::Block(language) => block::claims(line, language, &part.text),
    }
}

/// A line that is a whole paragraph says too much to be one thing.
fn is_not_now(line: &str) -> bool {
    if line.len() > SAYING_BYTES_MAX {
        return false;
    }
    let lower = line.to_lowercase();
    NOT_NOW.iter().any(|words| lower.contains(words))
}

fn bounded(document: &Document, mut found: Vec<Found>, claims_max: usize) -> Claims {
    let count = found.len();
    let rest = found.split_off(claims_max.min(count));
    let digits = found.len().to_string().len().max(3);
    let claims = found.into_iter().zip(1..).map(|(found, number)| Claim {
        id: format!("c{number:0digits$}"),
        line: found.line,
        text: cut(document.line(found.line)),
        kind: found.kind,
        question: question(found.kind, &found.subjects),
        subjects: found.subjects,
    });
    Claims { claims: claims.collect(), found: count, left_out: left_out(&rest) }
}

fn left_out(rest: &[Found]) -> Vec<LeftOut> {
    let mut kinds: BTreeMap<Kind, LeftOut> = BTreeMap::new();
    for found in rest {
        let first = LeftOut { kind: found.kind, count: 0, from_line: found.line };
        kinds.entry(found.kind).or_insert(first).count += 1;
    }
    kinds.into_values().collect()
}

fn cut(line: &str) -> String {
    // One more than is shown, so that a line that is cut is known to be.
    let words: Vec<&str> = line.split_whitespace().take(TEXT_CHARACTERS_MAX + 1).collect();
    let line = words.join(" ");
    let short: String = line.chars().take(TEXT_CHARACTERS_MAX).collect();
    if short.len() == line.len() { short } else { short + "…" }
}
