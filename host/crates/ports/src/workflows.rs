//! Reading workflow files, handed to the engine so that it knows no file format.

use std::fmt::Debug;

use serde::Serialize;
use wforge_model::workflow::WorkflowDraft;

/// Turns the text of a workflow file into a workflow.
pub trait WorkflowReader: Debug + Send + Sync {
    /// Reads and validates; `name` is how messages call the file.
    ///
    /// # Errors
    /// Every problem at once.
    fn read(&self, name: &str, text: &str) -> Result<ReadWorkflow, Vec<Report>>;
}

/// A workflow that can run.
#[derive(Debug, Clone)]
pub struct ReadWorkflow {
    /// The workflow.
    pub draft: WorkflowDraft,
    /// What is likely not meant.
    pub warnings: Vec<Report>,
}

/// Something wrong with a workflow file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = WorkflowReport))]
pub struct Report {
    /// The file, as it was called.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// `error` or `warning`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub severity: &'static str,
    /// A stable code in `snake_case`.
    pub code: String,
    /// What, in one sentence.
    pub message: String,
    /// What to do, where that is known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub help: Option<String>,
}
