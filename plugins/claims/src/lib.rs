//! Turns each claim of a Markdown document that a folder can prove or contradict into a question.
//!
//! [`read`] takes the document apart; [`shell`] and [`command`] read what is to be run, [`inline`]
//! what stands in backticks, [`block`] configuration, [`prose`] numbers and versions; [`collect`]
//! keeps each claim once and bounds their number. Never here: an answer.

mod block;
mod claim;
mod collect;
mod command;
mod inline;
mod known;
mod path;
mod prose;
mod question;
mod read;
mod shape;
mod shell;

use serde::Deserialize;
use workflowforge_sdk::{Ctx, Failure, agent};

pub use claim::{Claim, Claims, Kind, LeftOut};
pub use collect::claims;

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
    /// The most claims that are made.
    pub claims_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { claims_max: 200 }
    }
}

/// Finds the claims.
///
/// # Errors
/// The configuration does not fit.
#[agent]
pub fn run(ctx: &Ctx, input: Input) -> Result<Claims, Failure> {
    let config: Option<Config> = ctx.config()?;
    Ok(claims(&input.text, config.unwrap_or_default().claims_max))
}
