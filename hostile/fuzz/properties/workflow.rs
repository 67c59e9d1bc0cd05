//! A workflow file, in YAML or JSON: whatever stands in it, each report points into the file, and
//! reading it twice says the same.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use wforge_spec::{Cel, Report, digest, parse, validate};

/// As many as a file may have.
const REPORTS_MAX: usize = 100;

/// Whether it can run.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let cel = Cel::new();
    let parsed = parse("fuzz.yaml", &text);
    let valid = validate("fuzz.yaml", &text, &cel);
    if let Err(reports) = &parsed {
        check_reports(&text, reports);
        assert!(valid.is_err(), "it can run and cannot be read");
    }
    let again = validate("fuzz.yaml", &text, &cel);
    match (valid, again) {
        (Ok(first), Ok(second)) => {
            check_reports_place(&text, &first.warnings);
            assert_eq!(first.workflow, second.workflow);
            assert_eq!(first.warnings, second.warnings);
            let draft = parsed.expect("what can run can be read").draft;
            assert!(digest(&draft).is_ok(), "a run cannot pin it");
            true
        }
        (Err(first), Err(second)) => {
            check_reports(&text, &first);
            assert_eq!(first, second);
            false
        }
        (first, second) => panic!("once {:?}, once {:?}", first.is_ok(), second.is_ok()),
    }
}

fn check_reports(text: &str, reports: &[Report]) {
    assert!((1..=REPORTS_MAX).contains(&reports.len()), "{} reports", reports.len());
    check_reports_place(text, reports);
}

fn check_reports_place(text: &str, reports: &[Report]) {
    // A carriage return alone ends a line in YAML.
    let lines = text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
    for report in reports {
        let line = usize::try_from(report.line).expect("a line");
        assert!(line <= lines + 1, "line {line} of {lines}: {report:?}");
        assert!(!report.message.is_empty(), "{report:?}");
    }
}
