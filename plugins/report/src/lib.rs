//! Renders what a workflow collected about a document to a Markdown report.
//!
//! [`input`] reads it, whether agents or their mocks wrote it; [`render`] puts it in order; every
//! word of a stranger goes through [`escape`]. [`review`] does the same for the claims of a
//! document and what a folder says to them. Never here: new findings.

mod escape;
mod input;
mod links;
mod render;
mod review;

use serde::Serialize;
use workflowforge_sdk::{Ctx, Failure, agents};

pub use input::{Finding, Input};
pub use render::render;
pub use review::Review;

/// What the agents answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The report.
    pub markdown: String,
}

/// The agents.
#[agents]
pub mod reports {
    use super::*;

    /// Renders sections, digests and findings.
    pub fn main(_ctx: &Ctx, input: Input) -> Result<Output, Failure> {
        Ok(Output { markdown: render(&input) })
    }

    /// Renders claims, verdicts and decisions.
    pub fn review(_ctx: &Ctx, input: Review) -> Result<Output, Failure> {
        Ok(Output { markdown: input.render() })
    }
}
