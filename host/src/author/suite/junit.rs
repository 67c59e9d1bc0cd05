//! The report as JUnit writes it, for what reads that.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{CaseReport, SuiteReport};

/// The XML of a report.
pub(crate) fn xml(report: &SuiteReport) -> anyhow::Result<String> {
    let mut suites: Vec<(&str, TestSuite)> = Vec::new();
    for case in &report.cases {
        match suites.iter_mut().find(|(file, _)| *file == case.file) {
            Some((_, suite)) => {
                suite.add_test_case(test_case(report, case));
            }
            None => {
                let mut suite = TestSuite::new(case.file.as_str());
                suite.add_test_case(test_case(report, case));
                suites.push((case.file.as_str(), suite));
            }
        }
    }
    let mut junit = Report::new(format!("wforge test {}", report.component.name));
    junit.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    Ok(junit.to_string()?)
}

fn test_case(report: &SuiteReport, case: &CaseReport) -> TestCase {
    let status = if case.passed {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let first = case.problems.first().cloned().unwrap_or_default();
        status.set_message(first).set_description(case.problems.join("\n"));
        status
    };
    let mut junit = TestCase::new(case.name.as_str(), status);
    junit
        .set_classname(format!("{}.{}", report.component.name, case.agent))
        .set_time(Duration::from_micros(case.cost.wall_us));
    if !case.notes.is_empty() {
        junit.set_system_out(case.notes.join("\n"));
    }
    junit
}
