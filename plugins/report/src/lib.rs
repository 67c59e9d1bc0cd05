//! Renders what a workflow collected about a document to a Markdown report.
//!
//! [`input`] reads it, whether agents or their mocks wrote it; [`render`] puts it in order; every
//! word of a stranger goes through [`escape`]. Never here: new findings.

mod escape;
mod input;
mod links;
mod render;

use serde::Serialize;
use workflowforge_sdk::{Ctx, Failure, agent};

pub use input::{Finding, Input};
pub use render::render;

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The report.
    pub markdown: String,
}

/// Renders the report.
///
/// # Errors
/// None; the contract asks for the form.
#[agent]
pub fn run(_ctx: &Ctx, input: Input) -> Result<Output, Failure> {
    Ok(Output { markdown: render(&input) })
}
