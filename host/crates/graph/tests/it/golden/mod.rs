//! Logs that this and earlier versions wrote: every later `apply` must read them, and fold them to
//! the run that was recorded with them. They are never written over; `tests/golden/README.md` says
//! how one is added.

mod files;
mod stories;
mod traced;

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;
use wforge_graph::Run;
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::{Denial, Failure, FailureKind, Problem};

use self::files::Family;
use self::traced::Parts;

/// What types know and no log has, since nothing writes it.
const NEVER_WRITTEN: [&str; 5] = [
    // Without `mock.answer` a mock answers nothing; with it there is no question.
    "AnsweredBy.mock",
    // A question is asked before it is put to anybody, and before it escalates.
    "Escalation.done",
    // It is what is read where nothing is written.
    "Origin.input",
    "Question.note",
    "TaskSource.replay",
];

fn as_json(run: &Run) -> Value {
    serde_json::to_value(run).unwrap()
}

fn events() -> Vec<Value> {
    let lines = Family::all().into_iter().flat_map(|family| {
        let runs = family.runs();
        runs.into_iter().flat_map(move |run| family.lines(run)).collect::<Vec<_>>()
    });
    lines.map(|line| serde_json::from_str(&line).unwrap()).collect()
}

#[test]
fn every_golden_log_folds_to_the_run_that_was_recorded() {
    for family in Family::all() {
        for id in family.runs() {
            // A snapshot of this form reads back; an older one is refused, and its log folded.
            let expected: Run = serde_json::from_value(family.expected(id)).unwrap();
            let folded = family.folded(id).persisted();
            assert_eq!(as_json(&folded), as_json(&expected), "{} {id}", family.name());
        }
    }
}

#[test]
fn every_variant_and_field_of_events_occurs_in_a_golden_log() {
    let parts = Parts::default();
    let mut kinds = BTreeSet::new();
    for event in events() {
        let event: RunEvent = parts.read(event);
        for failure in failures(&event.kind) {
            kinds.insert(failure.kind());
            trace_failure(&parts, failure);
        }
    }
    let known = FailureKind::ALL.map(|(kind, _)| kind);
    let absent: Vec<_> = known.iter().filter(|kind| !kinds.contains(*kind)).collect();
    assert!(absent.is_empty(), "no log has failures of the kinds {absent:?}");
    let never: Vec<String> = parts.never_met();
    assert_eq!(never, NEVER_WRITTEN, "record a log that has the others");
    // A field that was renamed or taken away would be passed over in silence.
    expect!["[]"].assert_eq(&format!("{:?}", parts.passed_over()));
}

/// The tag of a failure stands among its fields, so serde names no type where it reads one.
fn trace_failure(parts: &Parts, failure: &Failure) {
    let mut value = serde_json::to_value(failure).unwrap();
    value.as_object_mut().unwrap().remove("kind");
    match failure {
        Failure::Denied(_) => drop(parts.read::<Denial>(value)),
        _ => drop(parts.read::<Problem>(value)),
    }
}

fn failures(kind: &EventKind) -> Vec<&Failure> {
    match kind {
        EventKind::TaskRetried { failure, .. } | EventKind::TaskFailed { failure, .. } => {
            vec![failure]
        }
        EventKind::TaskFinished(finished) => finished.instead_of.iter().collect(),
        EventKind::RunFailed { error } => error.failure.iter().collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_story_has_its_golden_logs() {
    let told: BTreeSet<&str> = stories::ALL.iter().map(|(name, _)| *name).collect();
    let names: Vec<String> = Family::all().iter().map(Family::name).collect();
    assert_eq!(names, told.into_iter().collect::<Vec<_>>());
}

/// Writes the logs of stories that have none, and the runs that logs without one fold to.
#[test]
#[ignore = "records: tests/golden/README.md"]
fn record_what_is_missing() {
    for (name, tell) in stories::ALL {
        let family = Family::open(files::root().join(name));
        for bench in tell() {
            let lines = bench.log.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
            files::write_new(&family.log_file(bench.run.id), &lines.collect::<String>());
        }
        for id in family.runs() {
            let run = serde_json::to_string_pretty(&family.folded(id).persisted()).unwrap();
            if files::write_new(&family.run_file(id), &(run + "\n")) {
                println!("recorded {name} {id}");
            }
        }
    }
}
