//! The workflows of simulated runs: some that are written to be hard to crash, and random ones, as
//! the pure engine's own tests draw them.

use std::sync::Arc;

use wforge_engine::{StartRun, WorkflowChoice};

use super::draw::Draw;
use super::generate;
use crate::harness::request;

/// Numbers of which a random workflow is made.
const TAPE: usize = 200;

const WRITTEN: [&str; 6] = [
    // A chain of agents, one of which fails at first.
    "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  flaky: { agent: t/b, in: {}, out: { log: [\"'b'\"] }, retry: [{ max_attempts: 3, initial: 1s }] }
  c: { agent: t/c, in: {}, out: { log: [\"'c'\"] } }
edges: [{ from: START, to: a }, { from: a, to: flaky }, { from: flaky, to: c }]
",
    // A fan-out and its join.
    "
state: { log: { reducer: append }, n: { reducer: sum } }
input: []
output: [log, n]
nodes:
  a: { agent: t/a, in: { n: item }, out: { log: [item], n: '1' } }
  b: { agent: t/b, in: { n: item }, out: { n: '10' } }
  c: { set: { log: [state.n] } }
edges:
  - { from: START, each: '[1,2,3,4]', as: item, to: [a, b], empty: c }
  - { from: [a, b], to: c }
",
    // A question in the middle, and a loop.
    "
state: { log: { reducer: append }, round: { reducer: sum }, answer: {} }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"], round: '1' } }
  ask: { ask: { prompt: 'Once more?', schema: { type: boolean }, deadline: 1h, on_deadline: { answer: false } }, out: { answer: result } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges:
  - { from: START, to: a }
  - { from: a, to: ask }
  - { from: ask, branch: [{ when: state.answer && state.round < 3, to: a }, { to: b }] }
",
    // Scripts that ask and sleep beside an agent.
    "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  s: { agent: mock, mock: { script: [{ sleep: 5s }, { interrupt: \"'first'\" }, { set: { log: [\"'s'\"] } }, { interrupt: \"'second'\" }] } }
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: [s, a] }, { from: [s, a], to: b }]
",
    // A pause at a node, and a handler of a failure.
    "
state: { log: { reducer: append } }
input: []
output: [log]
interrupt: { before: [b] }
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  broken: { agent: t/c, in: {}, out: { log: [\"'c'\"] }, on_error: h }
  h: { set: { log: [\"'h:' + sent.code\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: [a, broken] }, { from: a, to: b }]
",
    // A run that fails, and is taken up again once.
    "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  once: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
  c: { agent: t/c, in: {}, out: { log: [\"'c'\"] } }
edges: [{ from: START, to: [a, once] }, { from: [a, once], to: c }]
",
];

/// A workflow, with its parts and with every agent at hand.
pub(super) fn drawn(draw: &mut Draw) -> StartRun {
    let place = usize::try_from(draw.below(2 * WRITTEN.len() as u64)).unwrap();
    if let Some(text) = WRITTEN.get(place) {
        return request(text);
    }
    let tape: Vec<u32> = (0..TAPE).map(|_| u32::try_from(draw.below(1 << 32)).unwrap()).collect();
    let texts = generate::texts(&mut generate::Draw::from(&tape));
    let parsed = |text: &str| {
        wforge_spec::parse("random.yaml", text).unwrap_or_else(|_| panic!("{text}")).draft
    };
    StartRun {
        workflows: texts.parts.iter().map(|text| parsed(text)).collect(),
        workflow: WorkflowChoice::Draft(Arc::new(parsed(&texts.root))),
        ..request(WRITTEN[0])
    }
}
