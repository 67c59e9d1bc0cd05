//! Which claims of a document hold, what shows it, and what a person decided of the others.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use workflowforge_sdk::Value;

use crate::escape::{code, text};
use crate::input::{or_empty, words};

/// The most claims in one list; the rest is counted.
const LIST_CLAIMS_MAX: usize = 200;
/// The longest text of evidence that is shown, in characters.
const EVIDENCE_CHARACTERS_MAX: usize = 120;

/// The claims of a document and what became of them. A mock agent may have written any part of it.
#[derive(Debug, Deserialize)]
pub struct Review {
    /// What the report is called.
    #[serde(default)]
    title: Value,
    claims: Vec<Claim>,
    /// By the claim's id.
    #[serde(default, deserialize_with = "or_empty")]
    verdicts: BTreeMap<String, Verdict>,
    /// By the claim's id.
    #[serde(default, deserialize_with = "or_empty")]
    decisions: BTreeMap<String, Decision>,
    #[serde(default, deserialize_with = "or_empty")]
    left_out: Vec<LeftOut>,
}

#[derive(Debug, Deserialize)]
struct Claim {
    id: String,
    #[serde(default)]
    line: Value,
    #[serde(default)]
    text: Value,
    #[serde(default)]
    question: Value,
}

#[derive(Debug, Default, Deserialize)]
struct Verdict {
    #[serde(default)]
    verdict: Value,
    #[serde(default)]
    why: Value,
    #[serde(default)]
    evidence: Vec<Evidence>,
}

#[derive(Debug, Deserialize)]
struct Evidence {
    #[serde(default)]
    file: Value,
    #[serde(default)]
    line: Value,
    #[serde(default)]
    text: Value,
}

#[derive(Debug, Deserialize)]
struct Decision {
    #[serde(default)]
    decision: Value,
    #[serde(default)]
    note: Value,
}

#[derive(Debug, Deserialize)]
struct LeftOut {
    #[serde(default)]
    kind: Value,
    #[serde(default)]
    count: Value,
    #[serde(default)]
    from_line: Value,
}

/// What became of a claim, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Rejected,
    Contradicted,
    Unknown,
    Waived,
    Proven,
}

const FATES: [(Fate, &str); 5] = [
    (Fate::Rejected, "Rejected"),
    (Fate::Contradicted, "Contradicted, not decided"),
    (Fate::Unknown, "Unknown, not decided"),
    (Fate::Waived, "Waived"),
    (Fate::Proven, "Proven"),
];

impl Review {
    /// The report as Markdown.
    #[must_use]
    pub fn render(&self) -> String {
        let title = words(&self.title);
        let title = if title.is_empty() { "the document" } else { &title };
        let mut parts = vec![format!("# Review: {}\n", text(title)), self.sums()];
        parts.extend(FATES.iter().filter_map(|(fate, heading)| self.list(*fate, heading)));
        parts.extend(self.left_out());
        parts.join("\n")
    }

    fn fate(&self, claim: &Claim) -> Fate {
        let verdict = self.verdicts.get(&claim.id).and_then(|verdict| verdict.verdict.as_str());
        if verdict == Some("proven") {
            return Fate::Proven;
        }
        let decision = self.decisions.get(&claim.id).and_then(|made| made.decision.as_str());
        match (decision, verdict) {
            (Some("waive"), _) => Fate::Waived,
            (Some("reject"), _) => Fate::Rejected,
            (_, Some("contradicted")) => Fate::Contradicted,
            _ => Fate::Unknown,
        }
    }

    fn of(&self, fate: Fate) -> Vec<&Claim> {
        self.claims.iter().filter(|claim| self.fate(claim) == fate).collect()
    }

    fn sums(&self) -> String {
        let rows = FATES.iter().map(|(fate, heading)| (*heading, self.of(*fate).len()));
        let rows: String = rows
            .filter(|(heading, count)| *count > 0 || *heading == "Proven")
            .map(|(heading, count)| format!("| {heading} | {count} |\n"))
            .collect();
        let all = self.claims.len();
        format!("| Claims | Count |\n| --- | ---: |\n{rows}| All | {all} |\n")
    }

    fn list(&self, fate: Fate, heading: &str) -> Option<String> {
        let claims = self.of(fate);
        if claims.is_empty() {
            return None;
        }
        let mut out = format!("## {heading}\n\n");
        claims.iter().take(LIST_CLAIMS_MAX).for_each(|claim| self.item(claim, fate, &mut out));
        let rest = claims.len().saturating_sub(LIST_CLAIMS_MAX);
        if rest > 0 {
            let _ = writeln!(out, "- … and {rest} more");
        }
        Some(out)
    }

    fn item(&self, claim: &Claim, fate: Fate, out: &mut String) {
        let (line, question) = (words(&claim.line), text(&words(&claim.question)));
        let nothing = Verdict::default();
        let verdict = self.verdicts.get(&claim.id).unwrap_or(&nothing);
        let judged = match verdict.verdict.as_str() {
            Some(word) => format!("{}: {}.", text(word), text(&words(&verdict.why))),
            None => "nobody looked.".to_owned(),
        };
        let _ = writeln!(out, "- Line {}: {question} *{judged}*", text(&line));
        if fate != Fate::Proven {
            let _ = writeln!(out, "  > {}", text(&words(&claim.text)));
        }
        for evidence in &verdict.evidence {
            let _ = writeln!(out, "  - {}", place(evidence));
        }
        let note = self.decisions.get(&claim.id).map(|made| words(&made.note)).unwrap_or_default();
        if !note.is_empty() {
            let _ = writeln!(out, "  - Note: {}", text(&note));
        }
    }

    fn left_out(&self) -> Option<String> {
        if self.left_out.is_empty() {
            return None;
        }
        let rows = self.left_out.iter().map(|left| {
            let (kind, count, line) =
                (words(&left.kind), words(&left.count), words(&left.from_line));
            format!(
                "- {} of the kind {}, from line {} on\n",
                text(&count),
                text(&kind),
                text(&line)
            )
        });
        Some(format!("## Left out, being too many\n\n{}", rows.collect::<String>()))
    }
}

/// `file:line` and its text; a file alone where the line is 0.
fn place(evidence: &Evidence) -> String {
    let (file, line) = (words(&evidence.file), words(&evidence.line));
    let place = if matches!(&*line, "" | "0") { file } else { format!("{file}:{line}") };
    let whole = words(&evidence.text);
    let short: String = whole.chars().take(EVIDENCE_CHARACTERS_MAX).collect();
    let tail = if short.len() < whole.len() { "…" } else { "" };
    format!("{} {}{tail}", code(&place), code(&short))
}
