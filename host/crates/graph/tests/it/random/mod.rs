//! Random workflows with parts, and chains of forks of their runs: what is accepted can run, a log
//! folds to the run that wrote it, a run that is taken up again after any decision goes on to the
//! same end, a decision is the same twice, and nothing follows on quiet.
//!
//! `WFORGE_SEED` draws other cases than the usual ones, `WFORGE_CASES` more of them. A case that
//! fails is made smaller before it is shown.

mod generate;
mod ride;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use wforge_graph::{Run, validate};
use wforge_model::Value;
use wforge_model::beginning::Origin;
use wforge_model::event::EventKind;
use wforge_spec::Cel;

use self::generate::{Draw, Texts, texts};
use self::ride::Ride;

const CASES: u64 = 96;

/// How a run may end badly that was accepted: by what its agents and scripts play, by a limit, or
/// by what only shows once it runs.
const DOMAIN: [&str; 10] = [
    "concurrent_subgraph",
    "concurrent_write",
    "drawn",
    "fallback_failed",
    "mock",
    "missing_output",
    "outcome_conflict",
    "state_too_large",
    "step_limit",
    "task_limit",
];

/// Draws tapes of choices, and holds a property for each.
#[expect(clippy::print_stdout, reason = "whoever repeats it needs the seed")]
fn check(property: impl Fn(&[u32])) {
    let (seed, cases) = (number_of("WFORGE_SEED"), number_of("WFORGE_CASES").unwrap_or(CASES));
    let seed = seed.unwrap_or(1);
    println!("seed {seed}, {cases} cases: WFORGE_SEED and WFORGE_CASES draw others");
    let config = ProptestConfig {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let tapes = prop::collection::vec(any::<u32>(), 0..250);
    let ran = TestRunner::new_with_rng(config, rng).run(&tapes, |tape| {
        property(&tape);
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("seed {seed}: {failed}"));
}

#[expect(clippy::disallowed_methods, reason = "a proof takes its seed from whoever runs it")]
fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A run that was ridden to its end, and the forks that followed on it.
fn ridden(texts: &Texts, draw: &mut Draw<'_>) -> Vec<Ride> {
    let mut first = Ride::begin(texts);
    first.ride_to_the_end();
    let mut rides = vec![first];
    for _ in 0..draw.below(4) {
        let Some(mut next) = rides.last().unwrap().forked(draw) else { break };
        next.ride_to_the_end();
        rides.push(next);
    }
    rides
}

/// The files of a case that failed.
fn all(texts: &Texts) -> String {
    let [middle, inner] = &texts.parts;
    [&texts.root, middle, inner].map(String::as_str).join("\n---\n")
}

fn as_json(run: &Run) -> Value {
    serde_json::to_value(run).unwrap()
}

fn state_of(run: &Run) -> BTreeMap<String, Value> {
    run.persisted_state()
        .iter()
        .map(|(key, value)| (key.to_string(), Value::clone(value)))
        .collect()
}

#[test]
fn what_is_accepted_runs_and_its_log_folds_to_it() {
    check(|tape| {
        let mut draw = Draw::from(tape);
        let texts = texts(&mut draw);
        for ride in ridden(&texts, &mut draw) {
            let folded = ride.folded(ride.run.seq);
            assert_eq!(as_json(&folded), as_json(&ride.run.persisted()), "{}", all(&texts));
            if let Some(error) = &ride.run.error {
                let is_known = DOMAIN.contains(&error.code.as_str());
                assert!(is_known, "{}: {}\n{}", error.code, error.message, all(&texts));
            }
        }
    });
}

#[test]
fn a_run_taken_up_again_after_any_decision_ends_the_same() {
    check(|tape| {
        let mut draw = Draw::from(tape);
        let texts = texts(&mut draw);
        let rides = ridden(&texts, &mut draw);
        let ride = rides.last().unwrap();
        let place = draw.below(ride.decisions.len() as u64);
        let cut = ride.decisions[usize::try_from(place).unwrap()];
        let mut again = ride.resumed(cut);
        again.ride_to_the_end();
        let text = all(&texts);
        assert_eq!(state_of(&again.run), state_of(&ride.run), "cut at {cut}\n{text}");
        assert_eq!(again.log.len(), ride.log.len(), "cut at {cut}\n{text}");
    });
}

#[test]
fn the_draws_reach_everything_that_they_are_made_of() {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let count = std::cell::RefCell::new(&mut met);
    check(|tape| {
        let mut draw = Draw::from(tape);
        let texts = texts(&mut draw);
        for ride in ridden(&texts, &mut draw) {
            for event in &ride.log {
                let name = match &event.kind {
                    EventKind::StepPlanned { ns: Some(_), .. } => "step of a subgraph".into(),
                    EventKind::Interrupted { ns: Some(_), .. } => "pause of a subgraph".into(),
                    EventKind::TaskFailed { handler: Some(_), .. } => "handler".into(),
                    EventKind::RunStarted(started) => origin(&started.origin).into(),
                    kind => kind.name().into(),
                };
                *count.borrow_mut().entry(name).or_default() += 1;
            }
        }
    });
    for what in [
        "input",
        "fork",
        "update",
        "copy",
        "migration",
        "step of a subgraph",
        "pause of a subgraph",
        "handler",
        "interrupted",
        "task_retried",
        "question_answered",
        "task_resumed",
    ] {
        assert!(met.get(what).is_some_and(|count| *count >= 3), "{what}: {met:?}");
    }
}

const fn origin(origin: &Origin) -> &'static str {
    match origin {
        Origin::Input => "input",
        Origin::Continue => "fork",
        Origin::Update(_) => "update",
        Origin::Migrate => "migration",
        Origin::Copy => "copy",
    }
}

/// One mistake in a draft that was valid: what it replaces, and with what.
const MISTAKES: [(&str, &str); 15] = [
    ("to: n0 }", "to: nowhere }"),
    ("{ from: START, to: n0 }", "{ from: n0, to: n0 }"),
    ("log: [\"'h:' +", "lost: [\"'h:' +"),
    ("sent.node)\"] }", "item.node)\"] }"),
    ("'h:' + (sent == null ? '' : sent.node)", "'h:' + (sent == null ? '' : "),
    ("limits: { steps: ", "limits: { steps: -"),
    ("reducer: append", "reducer: appendix"),
    ("total: { reducer: sum }", "total: { reducer: sum, default: [] }"),
    ("input: [seed]", "input: [sead]"),
    ("output: [log, total]", "output: [log, gone]"),
    ("version: 1.0.0", "version: one"),
    ("empty: h }", "empty: g }"),
    ("persist: thread", "persist: forever"),
    ("on_error: h", "on_error: START"),
    ("after: [n0]", "after: [nowhere]"),
];

#[test]
fn one_thing_wrong_is_found() {
    let planted = std::cell::RefCell::new([0; MISTAKES.len()]);
    check(|tape| {
        let texts = texts(&mut Draw::from(tape));
        for text in [&texts.root, &texts.parts[0], &texts.parts[1]] {
            for (place, (right, wrong)) in MISTAKES.iter().enumerate() {
                if !text.contains(right) {
                    continue;
                }
                planted.borrow_mut()[place] += 1;
                let wrong = text.replacen(right, wrong, 1);
                let accepted = wforge_spec::parse("random.yaml", &wrong)
                    .is_ok_and(|parsed| validate(parsed.draft, &Cel::default()).is_ok());
                assert!(!accepted, "{wrong}");
            }
        }
    });
    let planted = planted.into_inner();
    assert!(planted.iter().all(|count| *count > 0), "never planted: {planted:?}");
}
