//! What came of all cases, in a form that does not change.

use serde::Serialize;
use wforge_model::{Capability, Digest, PluginName};
use wforge_ports::plugins::Admitted;
use wforge_spec::suite::Case;

use super::CaseFile;
use crate::author::sandbox::Cost;

/// All cases.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SuiteReport {
    pub(crate) component: Tested,
    pub(crate) cases: Vec<CaseReport>,
    /// The manifest's needs, and whether any case used them.
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

/// The component that was called.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tested {
    pub(crate) name: PluginName,
    pub(crate) version: semver::Version,
    pub(crate) digest: Digest,
}

impl Tested {
    pub(crate) fn of(admitted: &Admitted) -> Self {
        Self {
            name: admitted.manifest.name.clone(),
            version: admitted.manifest.version.clone(),
            digest: admitted.component,
        }
    }
}

/// One case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CaseReport {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) agent: String,
    pub(crate) passed: bool,
    /// Why it did not pass.
    pub(crate) problems: Vec<String>,
    /// What is worth a look.
    pub(crate) notes: Vec<String>,
    pub(crate) cost: Cost,
}

impl CaseReport {
    pub(super) fn of(file: &CaseFile, case: &Case) -> Self {
        Self {
            name: case.name.clone(),
            file: file.path.display().to_string(),
            line: case.line,
            agent: case.agent.clone().unwrap_or_default(),
            passed: true,
            problems: Vec::new(),
            notes: Vec::new(),
            cost: Cost::default(),
        }
    }

    /// The same; it passed where there is no problem.
    pub(super) fn failed(self, problems: Vec<String>) -> Self {
        Self { passed: problems.is_empty(), problems, ..self }
    }
}

/// A need of the manifest.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Coverage {
    pub(crate) capability: Capability,
    #[serde(rename = "used")]
    pub(crate) is_used: bool,
}

impl SuiteReport {
    pub(super) fn new(
        admitted: &Admitted,
        cases: Vec<CaseReport>,
        coverage: Vec<Coverage>,
    ) -> Self {
        let passed = cases.iter().filter(|case| case.passed).count();
        let failed = cases.len() - passed;
        Self { component: Tested::of(admitted), cases, coverage, passed, failed }
    }

    /// The needs that no case used.
    pub(crate) fn unused(&self) -> Vec<String> {
        let unused = self.coverage.iter().filter(|need| !need.is_used);
        unused.map(|need| need.capability.to_string()).collect()
    }
}
