//! What is wrong with a workflow file, as a person reads it.

use std::fmt;

use serde::{Serialize, Serializer};
use wforge_graph::{Problem, Severity};

use super::tree::Position;

/// One problem with its place in the file. Shown in one line, as compilers do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How bad it is.
    #[serde(serialize_with = "severity")]
    pub severity: Severity,
    /// A stable code in `snake_case`.
    pub code: &'static str,
    /// What, in one sentence.
    pub message: String,
    /// What to do, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Report {
    /// A problem that the graph found, at its place in the file.
    #[must_use]
    pub fn of(file: &str, position: Position, problem: Problem) -> Self {
        let Problem { place, severity, code, message, help } = problem;
        // The line says where; the path says it again for those who read JSON by machine.
        let message =
            if place.segments().is_empty() { message } else { format!("{place}: {message}") };
        let Position { line, column } = position;
        Self { file: file.to_owned(), line, column, severity, code, message, help }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, code, message, .. } = self;
        let severity = name(self.severity);
        write!(f, "{file}:{line}:{column}: {severity}[{code}]: {message}")?;
        match &self.help {
            Some(help) => write!(f, "; help: {help}"),
            None => Ok(()),
        }
    }
}

const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn severity<S: Serializer>(severity: &Severity, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(name(*severity))
}
