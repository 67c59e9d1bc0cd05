//! An attack in several ways, of which each has to be stopped.

use anyhow::Result;

use crate::fixture::Outcome;
use crate::http::Reply;

/// What came of the ways so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    held: Vec<String>,
    through: Vec<String>,
}

impl Tally {
    /// One more way, and what came of it.
    pub(crate) fn way(&mut self, what: &str, outcome: Outcome) {
        let (list, seen) = match outcome {
            Outcome::Held(seen) => (&mut self.held, seen),
            Outcome::Through(got) => (&mut self.through, got),
        };
        list.push(format!("{what}: {seen}"));
    }

    /// It held where every way did. One that got through tells which ones did.
    pub(crate) fn outcome(self) -> Result<Outcome> {
        if self.through.is_empty() {
            return Outcome::held(self.held.join("; "));
        }
        Outcome::through(self.through.join("; "))
    }
}

/// What is refused with a reason was stopped, what is taken got through.
pub(crate) fn refused(reply: &Reply) -> Result<Outcome> {
    match reply.status {
        200..300 => Outcome::through("it was taken"),
        400 | 409 | 413 | 415 | 422 => Outcome::held(reason(reply)?),
        status => anyhow::bail!("{status}: {}", reply.short()),
    }
}

/// Why it was refused: a code.
pub(crate) fn reason(reply: &Reply) -> Result<String> {
    let problem = reply.json()?;
    let code = problem.get("reason").or_else(|| problem.get("code"));
    Ok(code.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
}

/// The beginning of what it says about that.
pub(crate) fn detail(reply: &Reply) -> Result<String> {
    let problem = reply.json()?;
    let detail = problem.get("detail").and_then(serde_json::Value::as_str).unwrap_or_default();
    Ok(detail.chars().take(110).collect())
}
