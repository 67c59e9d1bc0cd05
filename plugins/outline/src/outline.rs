//! Cuts a document at its headings and deals out what stands in it.

use serde::Serialize;

use crate::ids::Ids;
use crate::read::{Found, What, read};
use crate::text::Text;

/// The longest title made from a text's first line, in characters.
const TITLE_CHARACTERS_MAX: usize = 80;

/// A document's sections, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// The first heading; without one, the first line.
    pub title: String,
    /// Sums over all sections.
    pub totals: Totals,
    /// The sections in the document's order.
    pub sections: Vec<Section>,
}

/// Sums over all sections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Sections.
    pub sections: usize,
    /// Lines of the document.
    pub lines: usize,
    /// Words of prose.
    pub words: usize,
    /// Links.
    pub links: usize,
    /// Checklist items that are done.
    pub done: usize,
    /// Checklist items that are open.
    pub open: usize,
    /// Code blocks.
    pub code_blocks: usize,
}

/// The text below one heading, or before the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Unique in the document.
    pub id: String,
    /// The heading's text.
    pub title: String,
    /// The heading's level, 1 to 6; 0 for what stands before the first.
    pub level: u8,
    /// The source between this heading and the next, without blank lines around it.
    pub text: String,
    /// The document's line in which the text begins; without text, that of the heading.
    pub line: usize,
    /// Words of prose.
    pub words: usize,
    /// Links.
    pub links: Vec<Link>,
    /// Checklist items.
    pub checklist: Vec<CheckItem>,
    /// Code blocks.
    pub code_blocks: Vec<CodeBlock>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What the reader sees.
    pub text: String,
    /// Where it leads; empty where its reference is not defined.
    pub url: String,
    /// Its line in the document.
    pub line: usize,
}

/// An item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// What is to do.
    pub text: String,
    /// Whether it is done.
    pub done: bool,
    /// Its line in the document.
    pub line: usize,
}

/// A code block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeBlock {
    /// The language that the fence names.
    pub language: Option<String>,
    /// The line of the fence, or of the first line where there is none.
    pub line: usize,
    /// Lines of code.
    pub lines: usize,
}

/// A heading, and where the text below it begins.
struct Heading {
    begin: usize,
    body: usize,
    level: u8,
    title: String,
}

/// Outlines the document. Headings deeper than `level_max` stay in the text of their section.
#[must_use]
pub fn outline(text: &str, level_max: u8) -> Outline {
    let text = Text::new(text);
    let (headings, found) = headings(read(text.as_str()), level_max);
    let first_heading = headings.first().map(|heading| heading.title.clone());
    let title = first_heading.unwrap_or_else(|| first_line(text.as_str()));
    let mut sections = cut(&text, headings, &title);
    deal(&text, &mut sections, found);
    let sections: Vec<Section> = sections.into_iter().map(|(_, section)| section).collect();
    Outline { title, totals: totals(&text, &sections), sections }
}

/// Takes the headings that begin sections out of what was found.
fn headings(found: Vec<Found>, level_max: u8) -> (Vec<Heading>, Vec<Found>) {
    let mut headings = Vec::new();
    let mut rest = Vec::new();
    for Found { place, what } in found {
        match what {
            What::Heading { level, title } if level <= level_max => headings.push(Heading {
                begin: place.start,
                body: place.end,
                level,
                title: title.trim().to_owned(),
            }),
            what => rest.push(Found { place, what }),
        }
    }
    (headings, rest)
}

/// The sections with nothing in them yet, each with the byte where it begins.
fn cut(text: &Text<'_>, headings: Vec<Heading>, title: &str) -> Vec<(usize, Section)> {
    let end = text.as_str().len();
    let mut ids = Ids::default();
    let ends: Vec<usize> =
        headings.iter().map(|heading| heading.begin).skip(1).chain([end]).collect();
    let before_end = headings.first().map_or(end, |heading| heading.begin);
    let (before, _) = text.trimmed(0, before_end);
    let mut sections = Vec::with_capacity(headings.len() + 1);
    if headings.is_empty() || !before.is_empty() {
        let title = if headings.is_empty() { title } else { "Preamble" };
        let heading = Heading { begin: 0, body: 0, level: 0, title: title.to_owned() };
        sections.push((0, section(text, heading, before_end, &mut ids)));
    }
    for (heading, end) in headings.into_iter().zip(ends) {
        sections.push((heading.begin, section(text, heading, end, &mut ids)));
    }
    sections
}

fn section(text: &Text<'_>, heading: Heading, end: usize, ids: &mut Ids) -> Section {
    let (body, start) = text.trimmed(heading.body, end);
    Section {
        id: ids.of(&heading.title),
        line: text.line(if body.is_empty() { heading.begin } else { start }),
        title: heading.title,
        level: heading.level,
        text: body.to_owned(),
        words: 0,
        links: Vec::new(),
        checklist: Vec::new(),
        code_blocks: Vec::new(),
    }
}

/// Puts everything into the section in which it stands.
fn deal(text: &Text<'_>, sections: &mut [(usize, Section)], found: Vec<Found>) {
    for Found { place, what } in found {
        let after = sections.partition_point(|(begin, _)| *begin <= place.start);
        let Some((_, section)) = sections.get_mut(after.saturating_sub(1)) else {
            continue;
        };
        let line = text.line(place.start);
        match what {
            // A heading deeper than what begins a section is words like any other, counted there.
            What::Heading { .. } => {}
            What::Link { text, url } => section.links.push(Link { text, url, line }),
            What::Item { text, done } => {
                let text = text.trim().to_owned();
                section.checklist.push(CheckItem { text, done, line });
            }
            What::Code { language, lines } => {
                section.code_blocks.push(CodeBlock { language, line, lines });
            }
            What::Words(words) => section.words += words,
        }
    }
    for (_, section) in sections {
        section.links.sort_by_key(|link| link.line);
        section.checklist.sort_by_key(|item| item.line);
    }
}

fn totals(text: &Text<'_>, sections: &[Section]) -> Totals {
    let mut totals = Totals { sections: sections.len(), lines: text.lines(), ..Totals::default() };
    for section in sections {
        let done = section.checklist.iter().filter(|item| item.done).count();
        totals.words += section.words;
        totals.links += section.links.len();
        totals.done += done;
        totals.open += section.checklist.len() - done;
        totals.code_blocks += section.code_blocks.len();
    }
    totals
}

/// The first line that says something, cut to a title's length.
fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| line.contains(char::is_alphanumeric));
    line.unwrap_or("Untitled").trim().chars().take(TITLE_CHARACTERS_MAX).collect()
}
