//! Splits a Markdown or plain text into sections, with what stands in each.
//!
//! [`read`] finds headings, links, checklist items and code blocks; [`outline`] cuts the text at
//! the headings and deals out what was found. Never here: a judgement about the text.

mod ids;
mod outline;
mod read;
mod text;

use serde::Deserialize;
use workflowforge_sdk::{Ctx, Failure, agent};

pub use outline::{CheckItem, CodeBlock, Link, Outline, Section, Totals, outline};

/// What the agent gets.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The document.
    pub text: String,
}

/// The node's configuration.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The deepest heading that begins a section, 1 to 6.
    pub level_max: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self { level_max: 6 }
    }
}

/// Outlines the document.
///
/// # Errors
/// The configuration does not fit.
#[agent]
pub fn run(ctx: &Ctx, input: Input) -> Result<Outline, Failure> {
    let config: Option<Config> = ctx.config()?;
    Ok(outline(&input.text, config.unwrap_or_default().level_max))
}
