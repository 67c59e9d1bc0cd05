//! Puts everything in the order in which a person wants it: the sums, what each section says, what
//! was found, what is left to do, and which links to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::escape::{code, text};
use crate::input::{Finding, Input, Section, words};
use crate::links::{oddity, shown};

/// The most lines in one list; the rest is counted.
const LIST_LINES_MAX: usize = 200;
/// Kinds of findings in the order in which they should worry somebody; others follow.
const KINDS: [&str; 14] = [
    "private_key",
    "api_key",
    "credential",
    "jwt",
    "token",
    "credit_card",
    "iban",
    "email",
    "phone",
    "ip_address",
    "cve",
    "claim",
    "version",
    "date",
];

/// The report as Markdown.
#[must_use]
pub fn render(input: &Input) -> String {
    let title = if input.outline.title.is_empty() { "document" } else { &input.outline.title };
    let parts = [
        format!("# Report: {}\n", text(title)),
        totals(input),
        sections(input),
        findings(input),
        open_items(input),
        odd_links(input),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn totals(input: &Input) -> String {
    let sections = &input.outline.sections;
    let items = || sections.iter().flat_map(|section| &section.checklist);
    let rows = [
        ("Sections", sections.len() as u64),
        ("Words", sections.iter().map(|section| section.words).sum()),
        ("Links", sections.iter().map(|section| section.links.len() as u64).sum()),
        ("Code blocks", sections.iter().map(|section| section.code_blocks.len() as u64).sum()),
        ("Checklist items done", items().filter(|item| item.done).count() as u64),
        ("Checklist items open", items().filter(|item| !item.done).count() as u64),
        ("Findings", input.findings.values().map(|list| list.len() as u64).sum()),
    ];
    let rows: String = rows.iter().map(|(name, count)| format!("| {name} | {count} |\n")).collect();
    format!("| What | Count |\n| --- | ---: |\n{rows}{}", coverage(input))
}

fn coverage(input: &Input) -> String {
    let digests = &input.digests;
    if digests.is_empty() {
        return String::new();
    }
    let sum: f64 = digests.values().map(|digest| digest.coverage).sum();
    format!("| Average coverage | {:.0} % |\n", 100.0 * sum / digests.len() as f64)
}

fn sections(input: &Input) -> String {
    let parts: Vec<String> =
        input.outline.sections.iter().map(|section| one_section(input, section)).collect();
    format!("## Sections\n\n{}", parts.join("\n"))
}

fn one_section(input: &Input, section: &Section) -> String {
    let mut out = format!("### {}\n\n", text(section.name()));
    let place = format!("Line {}, {} words", section.line, section.words);
    match input.digests.get(&section.id) {
        Some(digest) => {
            let summary = text(&digest.summary);
            let summary = if summary.is_empty() { "Nothing to summarise." } else { &summary };
            let keywords: Vec<String> = digest.keywords.iter().map(|word| text(word)).collect();
            let keywords =
                if keywords.is_empty() { "none".to_owned() } else { keywords.join(", ") };
            let coverage = 100.0 * digest.coverage;
            let _ = writeln!(
                out,
                "{summary}\n\n{place}, {coverage:.0} % covered. Keywords: {keywords}"
            );
        }
        None => {
            let _ = writeln!(out, "{place}. No digest.");
        }
    }
    out
}

fn findings(input: &Input) -> String {
    let names: BTreeMap<&str, &str> =
        input.outline.sections.iter().map(|section| (&*section.id, section.name())).collect();
    let mut kinds: BTreeMap<(usize, String), Vec<(&Finding, &str)>> = BTreeMap::new();
    for (id, list) in &input.findings {
        let section = names.get(&**id).copied().unwrap_or(id);
        for finding in list {
            let kind = words(&finding.kind);
            let order = KINDS.iter().position(|known| **known == *kind).unwrap_or(KINDS.len());
            kinds.entry((order, kind)).or_default().push((finding, section));
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    let groups: Vec<String> =
        kinds.into_iter().map(|((_, kind), found)| one_kind(&kind, found)).collect();
    format!("## Findings\n\n{}", groups.join("\n"))
}

fn one_kind(kind: &str, mut found: Vec<(&Finding, &str)>) -> String {
    found.sort_by_key(|(finding, _)| (finding.line.as_u64(), finding.column.as_u64()));
    let lines = found.iter().map(|(finding, section)| {
        let (line, column) = (words(&finding.line), words(&finding.column));
        let place = code(&format!("{line}:{column}"));
        format!("- {place} {} ({})", text(&words(&finding.text)), text(section))
    });
    let kind = if kind.is_empty() { "unnamed" } else { kind };
    format!("### {} ({})\n\n{}", text(&kind.replace('_', " ")), found.len(), list(lines))
}

fn open_items(input: &Input) -> String {
    let sections = input.outline.sections.iter();
    let items =
        sections.flat_map(|section| section.checklist.iter().map(move |item| (section, item)));
    let lines: Vec<String> = items
        .filter(|(_, item)| !item.done)
        .map(|(section, item)| {
            format!("- [ ] {} (line {}, {})", text(&item.text), item.line, text(section.name()))
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("## Open checklist items\n\n{}", list(lines))
}

fn odd_links(input: &Input) -> String {
    let anchors: BTreeSet<&str> =
        input.outline.sections.iter().map(|section| &*section.id).collect();
    let links = input.outline.sections.iter().flat_map(|section| &section.links);
    let lines: Vec<String> = links
        .filter_map(|link| oddity(&link.url, &anchors).map(|why| (link, why)))
        .map(|(link, why)| {
            format!("- Line {}: {} {} {why}", link.line, text(&link.text), code(&shown(&link.url)))
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("## Links to look at\n\n{}", list(lines))
}

/// A list that ends somewhere.
fn list(lines: impl IntoIterator<Item = String>) -> String {
    let mut lines = lines.into_iter();
    let mut out: String = lines.by_ref().take(LIST_LINES_MAX).map(|line| line + "\n").collect();
    let rest = lines.count();
    if rest > 0 {
        let _ = writeln!(out, "- … and {rest} more");
    }
    out
}
