//! What a host may require of a component before it lets it in: each check by its name, passed,
//! failed or skipped, with a reason.

mod behaviour;
mod hostile;
mod sample;
mod world;

use serde::Serialize;
use wforge_ports::plugins::AdmissionError;

use super::sandbox::Sandbox;
use super::stage::Stage;
use super::suite::{CaseFile, Tested};

/// The version of the report's form.
pub(crate) const FORMAT: &str = "wforge.check/1";
/// Places that are shown of one check.
const DETAILS_MAX: usize = 20;

/// Every check, in the order in which they are made. A report has all of them.
const CHECKS: [&str; 8] =
    ["admission", "world", "schemas", "size", "limits", "determinism", "denial", "hostile-inputs"];

/// What came of all checks.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) format: &'static str,
    /// None where it was not let in.
    pub(crate) component: Option<Tested>,
    pub(crate) bytes: u64,
    /// Whether no check failed.
    pub(crate) passed: bool,
    pub(crate) checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub(crate) name: &'static str,
    pub(crate) result: Verdict,
    /// One sentence.
    pub(crate) reason: String,
    /// Each place that is wrong, or worth a look.
    pub(crate) details: Vec<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Check {
    fn passed(name: &'static str, reason: impl Into<String>) -> Self {
        Self { name, result: Verdict::Passed, reason: reason.into(), details: Vec::new() }
    }

    fn skipped(name: &'static str, reason: impl Into<String>) -> Self {
        Self { result: Verdict::Skipped, ..Self::passed(name, reason) }
    }

    /// Passed with that reason, unless there are problems.
    fn of(name: &'static str, reason: impl Into<String>, problems: Vec<String>) -> Self {
        let passed = Self::passed(name, reason);
        if problems.is_empty() {
            return passed;
        }
        let count = problems.len();
        let reason = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
        Self { result: Verdict::Failed, reason, ..passed }.with(problems)
    }

    fn with(mut self, details: Vec<String>) -> Self {
        let more = details.len().saturating_sub(DETAILS_MAX);
        self.details.extend(details.into_iter().take(DETAILS_MAX));
        if more > 0 {
            self.details.push(format!("and {more} more"));
        }
        self
    }
}

/// Makes every check of a component; its cases say how it is called.
pub(crate) async fn run(
    sandbox: Sandbox,
    bytes: Vec<u8>,
    cases: &[CaseFile],
) -> anyhow::Result<CheckReport> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let admitted = match sandbox.admit(bytes).await {
        Ok(admitted) => admitted,
        Err(AdmissionError::Refused { code, message }) => {
            return Ok(report(None, size, not_let_in(code, &message)));
        }
        Err(error @ AdmissionError::Host(_)) => return Err(error.into()),
    };
    let stage = Stage::new(sandbox, admitted);
    let component = Tested::of(&stage.admitted);
    let samples = sample::samples(&stage, cases)?;
    let seen = sample::see(&stage, &samples).await?;
    let mut checks = vec![Check::passed("admission", "a host lets it in")];
    checks.push(world::imports(&stage));
    checks.push(world::schemas(&stage, &samples, &seen).await?);
    checks.push(world::size(size));
    checks.push(behaviour::limits(&stage, &seen));
    checks.push(behaviour::determinism(&stage, &samples, &seen).await?);
    checks.push(behaviour::denial(&stage, &samples, &seen).await?);
    checks.push(hostile::inputs(&stage, &samples).await?);
    Ok(report(Some(component), size, checks))
}

fn report(component: Option<Tested>, bytes: u64, checks: Vec<Check>) -> CheckReport {
    let passed = checks.iter().all(|check| check.result != Verdict::Failed);
    CheckReport { format: FORMAT, component, bytes, passed, checks }
}

/// A component that no host lets in: nothing else can be said of it.
fn not_let_in(code: &str, message: &str) -> Vec<Check> {
    let mut checks = vec![Check::of("admission", "", vec![format!("{code}: {message}")])];
    let others = CHECKS.iter().skip(1);
    checks.extend(others.map(|name| Check::skipped(name, "no host lets the component in")));
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_every_check_also_where_nothing_can_be_checked() {
        let report = report(None, 3, not_let_in("not_wasm", "these bytes are no WebAssembly"));
        let names: Vec<&str> = report.checks.iter().map(|check| check.name).collect();
        assert_eq!(names, CHECKS);
        assert!(!report.passed);
        assert_eq!(report.checks[0].result, Verdict::Failed);
        assert!(report.checks[1..].iter().all(|check| check.result == Verdict::Skipped));
    }
}
