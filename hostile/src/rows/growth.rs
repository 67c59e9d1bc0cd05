//! Rows 47 and 48: runs that grow: in state, in steps, in tasks, and into each other.

use anyhow::Result;
use serde_json::{Value, json};

use crate::arena::{Arena, Ran};
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::tally::Tally;

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 47,
        attack: "state that doubles, steps without an end",
        defence: "limits on the state and the steps of a run",
        settings: &[("LIMITS__RUN__STATE_BYTES_MAX", "65536"), ("LIMITS__RUN__STEPS_MAX", "50")],
        make: bloats,
        control: Control::Set(&[
            ("LIMITS__RUN__STATE_BYTES_MAX", "67108864"),
            ("LIMITS__RUN__STEPS_MAX", "1000"),
        ]),
        trace: Trace::Stopped { what: "run", code: "state_too_large" },
    },
    Fixture {
        row: 48,
        attack: "an agent that calls itself, a task for each of 5,000 items",
        defence: "how deep agents call each other, and the tasks of a step",
        settings: &[],
        make: forks,
        control: Control::Set(&[
            ("LIMITS__EFFECTS__TOOL_DEPTH_MAX", "16"),
            ("LIMITS__SANDBOX__WALL_MS_MAX", "20000"),
            ("LIMITS__RUN__TASKS_PER_STEP_MAX", "10000"),
        ]),
        trace: Trace::Stopped { what: "host_call", code: "tool_depth" },
    },
];

/// A loop of so many rounds that sets the key `grown` to that in each.
fn rounds(count: u32, grown: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: grows
version: 1.0.0
state: {{ round: {{ default: 0 }}, grown: {{ default: x }} }}
output: [round]
nodes:
  it: {{ set: {{ round: state.round + 1, grown: \"{grown}\" }} }}
edges:
  - {{ from: START, to: it }}
  - {{ from: it, branch: [{{ when: state.round < {count}, to: it }}, {{ to: END }}] }}
"
    )
}

fn bloats(arena: &Arena) -> Result<Outcome> {
    let mut tally = Tally::default();
    for (what, workflow, code) in [
        ("doubled 18 times", rounds(18, "state.grown + state.grown"), "state_too_large"),
        ("100 rounds", rounds(100, "state.grown"), "step_limit"),
    ] {
        tally.way(what, stopped(&arena.run(&arena.mallory, &workflow, &json!({}))?, code)?);
    }
    tally.outcome()
}

/// Stopped with that code, or gone through to its end; anything else says nothing.
fn stopped(ran: &Ran, code: &str) -> Result<Outcome> {
    if ran.code == code {
        return Outcome::held(code);
    }
    anyhow::ensure!(ran.completed, "{}: {}", ran.code, ran.run);
    Outcome::through("it completed")
}

/// The agent as a tool of itself.
const ITSELF: &str = "wforge__hostile__act";
/// How deep it calls itself, if it may.
const DEEP: usize = 10;

fn forks(arena: &Arena) -> Result<Outcome> {
    let mut tally = Tally::default();
    let ran = arena.act(&calls_itself(DEEP))?;
    let said = ran.run.to_string();
    let depth = if said.contains("at the bottom") {
        Outcome::Through(format!("{DEEP} sandboxes at once"))
    } else {
        anyhow::ensure!(said.contains("tool_depth"), "{said}");
        Outcome::Held("tool_depth".to_owned())
    };
    tally.way("calls itself", depth);
    let each = arena.run(&arena.mallory, EACH, &json!({ "items": vec![0; 5_000] }))?;
    tally.way("a task for each of 5,000", stopped(&each, "task_limit")?);
    let inside = arena.run(&arena.mallory, INSIDE_ITSELF, &json!({}))?;
    tally.way("a workflow inside itself", stopped(&inside, "nesting_limit")?);
    tally.outcome()
}

fn calls_itself(deep: usize) -> Value {
    let bottom = json!([{ "do": "say", "value": "at the bottom" }]);
    let inside =
        |deeds: Value, _| json!([{ "do": "tool", "name": ITSELF, "input": { "deeds": deeds } }]);
    (0..deep).fold(bottom, inside)
}

const EACH: &str = "apiVersion: workflowforge/v1
name: each
version: 1.0.0
state: { items: {}, count: { reducer: sum } }
input: [items]
output: [count]
nodes:
  it: { set: { count: '1' } }
edges:
  - { from: START, each: state.items, as: item, to: it, empty: it }
";

const INSIDE_ITSELF: &str = "apiVersion: workflowforge/v1
name: inside
version: 1.0.0
state: { done: { default: false } }
output: [done]
nodes:
  it: { workflow: inside, out: { done: result.done } }
edges: [{ from: START, to: it }]
";
