//! What people have said is kept where a migration begins their tasks again.

use expect_test::expect;
use wforge_graph::{VersionOf, fates};
use wforge_model::beginning::Origin;
use wforge_spec::Cel;

use crate::harness::{At, Bench, Start};

/// Two questions of nodes, two of an agent, and one inside.
const ASKS: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { ask: { prompt: 'First?' }, out: { log: [result] } }
  b: { ask: { prompt: 'Second?', schema: { type: integer } }, out: { log: [result] } }
  c: { agent: t/c, in: {}, out: { log: result } }
  d: { workflow: inside, in: {}, out: { log: result.log } }
edges: [{ from: START, to: [a, b, c, d] }]
";

const INSIDE: &str = "
apiVersion: workflowforge/v1
name: inside
version: 1.0.0
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  x: { ask: { prompt: 'Inside?' }, out: { log: [result] } }
  y: { ask: { prompt: 'And then?' }, out: { log: [result] } }
edges: [{ from: START, to: x }, { from: x, to: y }]
";

const START: Start<'static> = Start {
    input: "",
    mode: None,
    answers: "",
    mocks: &[],
    parts: &[INSIDE],
    steps: None,
    seed: None,
    with: None,
    queued: false,
    keeps: false,
};

/// The run with all but one of its questions answered.
fn answered() -> Bench {
    let mut bench = Bench::begin(ASKS, "c: asks Third? | Fourth?", START);
    bench.drain();
    for (prompt, answer) in [("Second?", "2"), ("Third?", "3"), ("Inside?", "5")] {
        bench.say_to(prompt, answer);
    }
    bench
}

#[test]
fn what_was_answered_is_not_asked_again_where_the_same_is_asked() {
    let before = answered();
    let start = Start { keeps: true, ..START };
    let mut bench = Bench::after((&before, At::End), ASKS, start, Origin::Continue);
    bench.script("c: asks Third? | Fourth?");
    bench.drain();
    expect![[r#"
        step 1: a, b, c, d
          asks: First?
          asks: Second?
          answered: 2 by Person("ada")
        step 1 in d: x
          asks in d: Inside?
          answered: 5 by Person("ada")
        step 2 in d: y
          asks in d: And then?
          asks: Third? and Fourth?
          answered: 3 by Person("ada")
    "#]]
    .assert_eq(&bench.story());
    bench.restart();
    for (prompt, answer) in [("First?", "1"), ("Fourth?", "4"), ("And then?", "6")] {
        bench.say_to(prompt, answer);
    }
    assert_eq!(bench.state(), r#"{"log":[1,2,3,4,5,6]}"#);
}

#[test]
fn another_question_or_an_answer_that_does_not_fit_any_more_is_asked() {
    let before = answered();
    let newer = ASKS
        .replace("Second?', schema: { type: integer }", "Second?', schema: { type: boolean }")
        .replace("First?", "Really first?");
    let start = Start { keeps: true, ..START };
    let mut bench = Bench::after((&before, At::End), &newer, start, Origin::Continue);
    bench.script("c: asks Other? | Fourth?");
    bench.drain();
    expect![[r#"
        step 1: a, b, c, d
          asks: Really first?
          asks: Second?
        step 1 in d: x
          asks in d: Inside?
          answered: 5 by Person("ada")
        step 2 in d: y
          asks in d: And then?
          asks: Other? and Fourth?
    "#]]
    .assert_eq(&bench.story());
}

/// A replay and a fork ask again.
#[test]
fn a_run_that_is_not_handed_the_answers_asks_everything() {
    let before = answered();
    let mut bench = Bench::after((&before, At::End), ASKS, START, Origin::Continue);
    bench.drain();
    assert!(!bench.story().contains("answered"));
}

#[test]
fn answers_last_for_the_first_super_step_only() {
    let mut before = Bench::begin(ASKS, "c: ok []", START);
    before.drain();
    before.say_to("First?", "1");
    let looped = ASKS.replace("d] }]", "d] }, { from: a, to: a }]");
    let start = Start { keeps: true, ..START };
    let mut bench = Bench::after((&before, At::End), &looped, start, Origin::Continue);
    bench.script("c: ok []");
    bench.drain();
    for (prompt, answer) in [("Second?", "2"), ("Inside?", "5"), ("And then?", "6")] {
        bench.say_to(prompt, answer);
    }
    let told = bench.story();
    let (first, second) = told.split_once("step 2: a").unwrap();
    assert!(first.contains("answered: 1 by"), "{first}");
    assert!(second.contains("asks: First?") && !second.contains("answered"), "{second}");
    assert_eq!(bench.run.answers_given(), [], "the first super-step is over");
}

#[test]
fn what_becomes_of_answers_is_told_ahead() {
    let before = answered();
    let told = |newer: &str, inside: &'static str| {
        let parts: &'static [&'static str] = Box::leak(Box::new([inside]));
        let after = Bench::begin(newer, "", Start { parts, ..START });
        let version = |bench: &Bench| (bench.library().clone(), bench.run.started.clone().unwrap());
        let ((old, was), (new, is)) = (version(&before), version(&after));
        let old = VersionOf { library: &old, started: &was };
        let new = VersionOf { library: &new, started: &is };
        let fates = fates(&before.run.answers_given(), old, new, &Cel::default());
        let line = |fate: &wforge_graph::AnswerFate| {
            format!("{} {:?} {}", fate.node, fate.prompt, fate.why.as_deref().unwrap_or("kept"))
        };
        fates.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        b "Second?" kept
        c "Third?" kept
        d/x "Inside?" kept"#]]
    .assert_eq(&told(ASKS, INSIDE));
    let newer = ASKS
        .replace("type: integer", "type: boolean")
        .replace("c: { agent: t/c, in: {}, out: { log: result } }", "c: { set: { log: [] } }");
    expect![[r#"
        b "Second?" the answer does not fit there: the value is not of type "boolean"
        c "Third?" the node asks nothing there
        d/x "Inside?" its question is another there"#]]
    .assert_eq(&told(&newer, Box::leak(INSIDE.replace("Inside?", "Within?").into_boxed_str())));
    let newer = ASKS.replace(
        "b: { ask: { prompt: 'Second?', schema: { type: integer } }",
        "b: { agent: t/b, in: {}",
    );
    let renamed =
        INSIDE.replace("x: {", "z: {").replace("to: x", "to: z").replace("from: x", "from: z");
    expect![[r#"
        b "Second?" another kind of node asks there
        c "Third?" kept
        d/x "Inside?" the other version has no such node"#]]
    .assert_eq(&told(&newer, Box::leak(renamed.into_boxed_str())));
}
