//! Finds secrets, personal data, dates, versions, CVE ids and claims without evidence in a section.
//!
//! Each detector lives in a file of its own and looks at one line; [`scan`] runs them in the order
//! of their trust and keeps the first that claims a piece of text. What is found of secrets and
//! personal data is shown masked. Never here: a network look-up, or a model.

mod claim;
mod fact;
mod kind;
mod personal;
mod scan;
mod secret;
mod span;

use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, Reply, agent};

pub use kind::Kind;
pub use scan::{Finding, deserves_another_look, scan};

/// The exit for a section that deserves a longer digest.
pub const LOOK_AGAIN: &str = "look-again";
/// The most findings that are listed for one section.
pub const FINDINGS_MAX: usize = 500;

/// What the agent gets.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The section.
    pub section: Section,
    /// Whether the exit was taken for this section before.
    #[serde(default)]
    pub looked_again: bool,
}

/// The part of a section that is needed here.
#[derive(Debug, Deserialize)]
pub struct Section {
    /// Its source.
    pub text: String,
    /// The document's line in which the text begins.
    #[serde(default = "first_line")]
    pub line: usize,
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The findings in the document's order.
    pub findings: Vec<Finding>,
    /// Whether there were more.
    pub truncated: bool,
}

fn first_line() -> usize {
    1
}

/// Scans the section.
///
/// # Errors
/// None; the contract asks for the form.
#[agent]
pub fn run(_ctx: &Ctx, input: Input) -> Result<Reply<Output>, Failure> {
    let mut findings = scan(&input.section.text, input.section.line);
    let again = !input.looked_again && deserves_another_look(&input.section.text, &findings);
    let truncated = findings.len() > FINDINGS_MAX;
    findings.truncate(FINDINGS_MAX);
    let reply = Reply::new(Output { findings, truncated });
    Ok(if again { reply.goto(LOOK_AGAIN) } else { reply })
}
