//! What a run may use: what its workflows ask for, within what the host allows.

use wforge_graph::Workflow;
use wforge_model::limits::{OverLimit, RunLimits};

use crate::request::EngineError;

/// The limits of a workflow's runs.
///
/// # Errors
/// `limit_not_allowed` with every limit that is more than the host's, and both numbers.
pub(crate) fn limits_of(
    workflow: &Workflow,
    allowed: &RunLimits,
) -> Result<RunLimits, EngineError> {
    let asked = &workflow.draft().limits;
    let details: Vec<String> = asked.beyond(allowed).map(over_limit).collect();
    if details.is_empty() {
        return Ok(asked.over(allowed));
    }
    Err(EngineError::Invalid {
        code: "limit_not_allowed",
        message: format!("{} asks for more than this host allows", workflow.title()),
        details,
    })
}

fn over_limit(over: OverLimit) -> String {
    let OverLimit { field, limit, asked, allowed } = over;
    let none = if asked == 0 { ", no limit," } else { "" };
    format!(
        "limits.{field}: {asked}{none} is more than {allowed}, which this host allows; lower it, or \
         raise limits.run.{limit} in the host's configuration"
    )
}
