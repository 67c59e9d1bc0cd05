//! Random workflows: what is accepted can run, a log folds to the run that wrote it, a run that is
//! taken up again at any event goes on to the same end, and a decision is the same twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use wforge_graph::{Library, Run, Workflow, apply, begin, decide, settle, validate, waiting_for};
use wforge_model::command::{Command, Fact};
use wforge_model::effect::Waiting;
use wforge_model::event::{EventKind, RunEvent, RunStarted};
use wforge_model::head::RunStatus;
use wforge_model::{Digest, RunId, Timestamp, Value};
use wforge_spec::Cel;

const BEGIN: Timestamp = Timestamp(1_000_000);

/// Draws numbers from a seed (SplitMix64), so that a failing case is named by one number.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A workflow that is meant to be valid: nodes n0 to nN, edges mostly forwards, loops with an end.
fn workflow_text(draw: &mut Draw) -> String {
    let nodes = 3 + draw.below(8);
    let mut text = String::from(
        "apiVersion: workflowforge/v1\nname: random\nversion: 1.0.0\nstate:\n  \
         log: { reducer: append }\n  total: { reducer: sum }\n  seen: { reducer: union }\n  \
         best: { reducer: max }\n  by: { reducer: merge }\n  talk: { reducer: messages }\n  \
         last: { reducer: any, default: 0 }\n  round: { reducer: sum }\n\
         input: [log]\noutput: [log, total]\nlimits: { steps: 40 }\n",
    );
    if draw.one_in(4) {
        let node = draw.below(nodes);
        let when = if draw.one_in(2) { "before" } else { "after" };
        writeln!(text, "interrupt: {{ {when}: [n{node}] }}").unwrap();
    }
    text.push_str("nodes:\n");
    for node in 0..nodes {
        let defer = if draw.one_in(7) { "defer: true, " } else { "" };
        writeln!(text, "  n{node}: {{ {defer}{} }}", work(draw, node)).unwrap();
    }
    writeln!(text, "  h: {{ set: {{ log: [\"'h:' + sent.node\"] }} }}").unwrap();
    text.push_str("edges:\n  - { from: START, to: n0 }\n");
    for node in 0..nodes {
        edges(draw, node, nodes, &mut text);
    }
    // Whatever is reached only by chance is reached for sure.
    let rest: Vec<String> = (1..nodes).map(|node| format!("n{node}")).collect();
    writeln!(
        text,
        "  - {{ from: n0, branch: [{{ when: \"state.total < 0\", to: [{}, h] }}, {{ to: END }}] }}",
        rest.join(", ")
    )
    .unwrap();
    text
}

fn work(draw: &mut Draw, node: u64) -> String {
    let name = format!("'n{node}'");
    let common = format!("log: [\"{name}\"], total: \"1\", last: \"{node}\"");
    let handled = if draw.one_in(2) { ", on_error: h" } else { "" };
    match draw.below(9) {
        0 => format!("set: {{ {common}, seen: [\"{name}\"], round: \"1\" }}"),
        1 => format!("set: {{ {common}, best: \"{node}\", by: {{ n{node}: state.total }} }}"),
        2 => format!(
            "ask: {{ prompt: \"{node}?\", schema: {{ type: integer }} }}, out: {{ total: result, \
             log: [\"{name}\"] }}"
        ),
        3 => format!(
            "agent: mock, mock: {{ script: [{{ interrupt: \"'a'\" }}, {{ set: {{ {common} }} }}, \
             {{ interrupt: \"'b'\" }}, {{ set: {{ seen: [\"answers[1]\"] }} }}] }}"
        ),
        4 => format!(
            "agent: mock, retry: [{{ on: [failed], max_attempts: 2, initial: 1s }}], mock: {{ \
             script: [{{ fail: {{ times: 1 }} }}, {{ set: {{ {common} }} }}] }}"
        ),
        5 => format!(
            "agent: mock, mock: {{ script: [{{ sleep: 2s }}, {{ set: {{ {common} }} }}, {{ count: \
             best }}] }}"
        ),
        6 => format!(
            "agent: mock, retry: [{{ on: [failed], max_attempts: 2 }}]{handled}, mock: {{ script: \
             [{{ fail: {{ times: 5 }} }}] }}"
        ),
        7 => format!(
            "agent: mock, mock: {{ script: [{{ set: {{ talk: {{ content: \"{name}\" }}, {common} \
             }} }}] }}"
        ),
        _ => format!(
            "agent: mock, goto: {{ h: h }}, mock: {{ script: [{{ set: {{ {common} }} }}, {{ send: \
             {{ exit: h, input: {{ node: \"{name}\" }} }} }}] }}"
        ),
    }
}

fn edges(draw: &mut Draw, node: u64, nodes: u64, text: &mut String) {
    let after = node + 1 + draw.below(nodes - node);
    let to = |target: u64| if target < nodes { format!("n{target}") } else { "END".into() };
    let edge = match draw.below(6) {
        0 | 1 => format!("{{ from: n{node}, to: {} }}", to(after)),
        2 if node + 1 < nodes => {
            let second = node + 1 + draw.below(nodes - node - 1);
            format!("{{ from: n{node}, to: [{}, n{second}] }}", to(after))
        }
        3 => {
            let back = draw.below(node + 1);
            format!(
                "{{ from: n{node}, branch: [{{ when: \"state.round < 3 && state.total < 20\", to: \
                 n{back} }}, {{ to: {} }}] }}",
                to(after)
            )
        }
        4 if node > 0 => {
            let other = draw.below(node);
            let join = ["", ", join: any", ", join: 2"][draw.below(3) as usize];
            let target = if after < nodes { after } else { node };
            format!("{{ from: [n{other}, n{node}], to: n{target}{join} }}")
        }
        _ => format!("{{ from: n{node}, to: {} }}", to(node + 1)),
    };
    writeln!(text, "  - {edge}").unwrap();
}

fn checked(text: &str) -> Workflow {
    let parsed = wforge_spec::parse("random.yaml", text).unwrap_or_else(|reports| {
        let lines: Vec<String> = reports.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", lines.join("\n"))
    });
    let accepted = validate(parsed.draft, &Cel::default());
    accepted.unwrap_or_else(|problems| panic!("{problems:?}\n{text}")).0
}

fn started() -> RunStarted {
    let value = serde_json::json!({
        "workflow": "random", "version": "1.0.0", "digest": Digest::from_bytes([0; 32]),
        "input": {}, "mock_mode": "node", "routes": [], "by": "test",
    });
    serde_json::from_value(value).unwrap()
}

/// A run under way, driven by answers that depend on nothing but the run.
struct Ride {
    run: Run,
    log: Vec<RunEvent>,
    now: Timestamp,
    cel: Cel,
}

impl Ride {
    fn begin(workflow: &Arc<Workflow>) -> Self {
        let library = Library::of(workflow.clone());
        let (id, cel) = (RunId::from_bytes([7; 16]), Cel::default());
        let first = begin(id, &library, started(), None, BEGIN, &cel).unwrap();
        Self::resumed(workflow, &[first])
    }

    /// The run that a log folds to, loaded as after a crash.
    fn resumed(workflow: &Arc<Workflow>, log: &[RunEvent]) -> Self {
        let mut run = Run::new(RunId::from_bytes([7; 16]), Library::of(workflow.clone()));
        log.iter().for_each(|event| apply(&mut run, &read_back(event)));
        let now = log.last().unwrap().at;
        Self { run, log: log.to_vec(), now, cel: Cel::default() }
    }

    fn tell(&mut self, fact: &Fact) {
        let twice = [0, 1].map(|_| decide(&self.run, Some(fact), self.now, &self.cel));
        assert_eq!(twice[0], twice[1], "a decision is not the same twice");
        let before = self.run.clone();
        let facts = std::slice::from_ref(fact);
        let decision = settle(&mut self.run, facts, self.now, &self.cel);
        let mut again = before;
        assert_eq!(settle(&mut again, facts, self.now, &self.cel), decision);
        assert!(!decision.commands.iter().any(|c| matches!(c, Command::Start { .. })));
        self.log.extend(decision.events);
    }

    /// Answers, waits and continues until the run has ended.
    fn ride_to_the_end(&mut self) {
        self.tell(&Fact::Loaded);
        for _ in 0..2_000 {
            if self.run.status.is_final() {
                return;
            }
            assert!(!waiting_for(&self.run).is_empty(), "a live run waits for nothing");
            if let Some(fact) = self.next_fact() {
                self.tell(&fact);
            }
        }
        panic!("the run never ends");
    }

    fn next_fact(&mut self) -> Option<Fact> {
        let asked = self.run.all_tasks().find_map(|task| match &task.status {
            wforge_graph::TaskStatus::Suspended(Waiting::Question(question)) => {
                Some((question.id, task.answers.len()))
            }
            _ => None,
        });
        if let Some((question, given)) = asked {
            let answer = Value::from(given + 2);
            return Some(Fact::Answer { question, answer, by: "ada".into() });
        }
        if let Some(at) = wforge_graph::next_wake(&self.run, self.now) {
            self.now = at;
            return Some(Fact::Time);
        }
        if self.run.standing() == RunStatus::Paused {
            return Some(Fact::Continue { by: "ada".into(), steps: None });
        }
        Some(Fact::Time)
    }
}

fn read_back(event: &RunEvent) -> RunEvent {
    serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap()
}

fn as_json(run: &Run) -> Value {
    serde_json::to_value(run).unwrap()
}

fn state_of(run: &Run) -> BTreeMap<String, Value> {
    run.state().iter().map(|(key, value)| (key.to_string(), Value::clone(value))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_accepted_runs_and_its_log_folds_to_it(seed: u64) {
        let text = workflow_text(&mut Draw(seed));
        let workflow = Arc::new(checked(&text));
        let mut ride = Ride::begin(&workflow);
        ride.ride_to_the_end();
        let again = Ride::resumed(&workflow, &ride.log);
        prop_assert_eq!(as_json(&again.run), as_json(&ride.run), "another run\n{}", text);
        if let Some(error) = &ride.run.error {
            let known = ["mock", "step_limit", "concurrent_write"];
            prop_assert!(known.contains(&error.code.as_str()), "{}\n{text}", error.message);
        }
    }

    #[test]
    fn a_run_taken_up_again_at_any_event_ends_the_same(seed: u64, place: prop::sample::Index) {
        let text = workflow_text(&mut Draw(seed));
        let workflow = Arc::new(checked(&text));
        let mut ride = Ride::begin(&workflow);
        ride.ride_to_the_end();
        let mut cut = 1 + place.index(ride.log.len());
        // A pause is decided with what comes before it, and so it is in the log or neither is.
        if ride.log.get(cut).is_some_and(|e| matches!(e.kind, EventKind::Interrupted { .. })) {
            cut += 1;
        }
        let mut again = Ride::resumed(&workflow, ride.log.get(..cut).unwrap());
        again.ride_to_the_end();
        prop_assert_eq!(state_of(&again.run), state_of(&ride.run), "cut at {}\n{}", cut, text);
        prop_assert_eq!(again.log.len(), ride.log.len(), "cut at {}\n{}", cut, text);
    }

    #[test]
    fn one_thing_wrong_is_found(seed: u64, which in 0..6_usize) {
        let text = workflow_text(&mut Draw(seed));
        let (from, to) = [
            ("to: n0 }", "to: nowhere }"),
            ("{ from: START, to: n0 }", "{ from: n0, to: n0 }"),
            ("log: [\"'h:' + sent.node\"]", "lost: [\"'h:' + sent.node\"]"),
            ("log: [\"'h:' + sent.node\"]", "log: [\"'h:' + item.node\"]"),
            ("log: [\"'h:' + sent.node\"]", "log: [\"'h:' + \"]"),
            ("limits: { steps: 40 }", "limits: { steps: 0 }"),
        ][which];
        prop_assert!(text.contains(from));
        let wrong = text.replacen(from, to, 1);
        let accepted = wforge_spec::parse("random.yaml", &wrong)
            .is_ok_and(|parsed| validate(parsed.draft, &Cel::default()).is_ok());
        prop_assert!(!accepted, "{}", wrong);
    }
}
