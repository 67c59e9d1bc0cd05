//! Rows 58 to 60: workflow files that are small to send and much to read, and schemas that point
//! out of themselves.

use std::io::Write as _;
use std::net::TcpListener;

use anyhow::Result;
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::echo_with;
use crate::http::Reply;
use crate::tally::{Tally, detail, reason, refused};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 58,
        attack: "48 characters of expression, or 20,000 terms",
        defence: "expressions are measured before they are compiled, and again before they count",
        settings: &[],
        make: expressions,
        control: Control::Without("expressions"),
        trace: Trace::Stopped { what: "workflow", code: "expression_limit" },
    },
    Fixture {
        row: 59,
        attack: "aliases of aliases, and a file of 150,000 values",
        defence: "what a file holds is counted while it is read, aliases included",
        // Else the body would be too large already.
        settings: &[("LIMITS__API__WORKFLOW_BYTES_MAX", "16777216")],
        make: large_files,
        control: Control::Without("workflows"),
        trace: Trace::Stopped { what: "workflow", code: "alias" },
    },
    Fixture {
        row: 60,
        attack: "a schema that refers to a file, or to a server",
        defence: "a schema refers to nothing outside of itself",
        settings: &[],
        make: references,
        control: Control::Without("references"),
        trace: Trace::Stopped { what: "workflow", code: "schema" },
    },
];

fn register(arena: &Arena, file: &str) -> Result<Reply> {
    arena.mallory.send("/v1/workflows", "application/yaml", &[], file.as_bytes())
}

/// Refused with that code at one place of the file; or taken, or refused for another reason.
fn refused_as(reply: &Reply, code: &str) -> Result<Outcome> {
    if reply.status == 422 && codes(&reply.json()?).contains(&code) {
        return Outcome::held(code);
    }
    anyhow::ensure!(reply.status == 201 || reply.status == 422, "{}", reply.short());
    Outcome::through(if reply.status == 201 { "taken".to_owned() } else { detail(reply)? })
}

fn codes(problem: &Value) -> Vec<&str> {
    let errors = problem.get("errors").and_then(Value::as_array).map(Vec::as_slice);
    errors.unwrap_or_default().iter().filter_map(|error| error.get("code")?.as_str()).collect()
}

/// A workflow of one node that sets `out` to that.
fn computes(arena: &Arena, expression: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: computes-{}
version: 1.0.0
state: {{ l: {{ default: [] }}, out: {{}} }}
input: [l]
output: [out]
nodes: {{ it: {{ set: {{ out: \"{expression}\" }} }} }}
edges: [{{ from: START, to: it }}]
",
        arena.number()
    )
}

fn expressions(arena: &Arena) -> Result<Outcome> {
    let mut tally = Tally::default();
    let deep = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
    for (what, expression) in [
        ("a loop in a loop in a loop", "state.l.all(a,state.l.all(b,state.l.all(c,true)))"),
        ("1,000 deep", deep.as_str()),
    ] {
        let reply = register(arena, &computes(arena, expression))?;
        tally.way(what, refused_as(&reply, "expression_limit")?);
    }
    // Two loops are let in; what they would visit is counted once there is a list.
    let twice = computes(arena, "state.l.all(a,state.l.all(b,true))");
    let ran = arena.run(&arena.mallory, &twice, &json!({ "l": vec![0; 1_000] }))?;
    let stopped = ran.run.to_string().contains("expression_limit");
    anyhow::ensure!(stopped || ran.completed, "{}", ran.run);
    let seen = || format!("a million visits in {} ms", ran.took.as_millis());
    let visits =
        if stopped { Outcome::Held("expression_limit".into()) } else { Outcome::Through(seen()) };
    tally.way("a million visits", visits);
    // Last, for a server that takes it does not live through it.
    let terms = computes(arena, &vec!["1"; 20_000].join("+"));
    tally.way("20,000 terms", refused_as(&register(arena, &terms)?, "expression_limit")?);
    tally.outcome()
}

/// A workflow whose state begins as that.
fn begins(arena: &Arena, before: &str, default: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: begins-{}
version: 1.0.0
state:
{before}  it: {{ default: {default} }}
  done: {{ default: false }}
output: [done]
nodes: {{ it: {{ set: {{ done: 'true' }} }} }}
edges: [{{ from: START, to: it }}]
",
        arena.number()
    )
}

fn large_files(arena: &Arena) -> Result<Outcome> {
    let mut tally = Tally::default();
    // Each level is ten of the one before: 100,000 values in the end, of 400 letters.
    let levels: String = (1..5).fold(
        "  x0: { default: &x0 [0,0,0,0,0,0,0,0,0,0] }\n".to_owned(),
        |levels, level| {
            let one = format!("*x{} ", level - 1);
            let ten = [one.as_str(); 10].join(",");
            format!("{levels}  x{level}: {{ default: &x{level} [{ten}] }}\n")
        },
    );
    let aliases = register(arena, &begins(arena, &levels, "*x4 "))?;
    tally.way("aliases of aliases", refused_as(&aliases, "alias")?);
    let wide = begins(arena, "", &format!("[{}]", vec!["0"; 150_000].join(",")));
    tally.way("150,000 values", refused_as(&register(arena, &wide)?, "file_too_large")?);
    let keys: String = (0..1_000_000).map(|key| format!("k{key}: 0\n")).collect();
    tally.way("a million keys", refused(&register(arena, &keys)?)?);
    tally.outcome()
}

/// What only the host can read.
const WORD: &str = "the word in the file";

/// A workflow whose input has to fit the schema of that address.
fn refers(arena: &Arena, to: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: refers-{}
version: 1.0.0
state: {{ given: {{ schema: {{ $ref: '{to}' }} }}, done: {{ default: false }} }}
input: [given]
output: [done]
nodes: {{ it: {{ set: {{ done: 'true' }} }} }}
edges: [{{ from: START, to: it }}]
",
        arena.number()
    )
}

fn references(arena: &Arena) -> Result<Outcome> {
    let mut file = tempfile::NamedTempFile::new()?;
    write!(file, "{}", json!({ "const": WORD }))?;
    let address = format!("file://{}", file.path().display());
    let mut tally = Tally::default();
    let reply = register(arena, &refers(arena, &address))?;
    let outcome = match refused_as(&reply, "schema")? {
        Outcome::Held(seen) => Outcome::Held(seen),
        Outcome::Through(_) => read(|given| {
            let ran =
                arena.run(&arena.mallory, &refers(arena, &address), &json!({ "given": given }))?;
            Ok(ran.completed)
        })?,
    };
    tally.way("a file, from a workflow", outcome);
    tally.way("a file, from a manifest", manifest_refers(arena, &address)?);
    tally.way("a server", server_asked(arena)?);
    tally.outcome()
}

/// Whether what fits tells what the file says.
fn read(fits: impl Fn(&str) -> Result<bool>) -> Result<Outcome> {
    let (right, wrong) = (fits(WORD)?, fits("another word")?);
    if right && !wrong {
        return Outcome::through("what fits tells what the file says");
    }
    anyhow::ensure!(!right, "everything fits");
    Outcome::held("nothing fits, the file is not read")
}

fn manifest_refers(arena: &Arena, address: &str) -> Result<Outcome> {
    let name = format!("mallory/refers-{}", arena.number());
    let manifest = json!({
        "name": name, "version": "1.0.0",
        "agents": [{ "name": "main", "input": { "properties": { "given": { "$ref": address } } } }],
    });
    let reply = arena.install(&echo_with(&manifest.to_string()))?;
    if reply.status == 422 {
        return Outcome::held(reason(&reply)?);
    }
    reply.of(201)?;
    read(|given| Ok(arena.call_main(&arena.mallory, &name, &json!(given))?.completed))
}

/// Somebody listens; nobody asks.
fn server_asked(arena: &Arena) -> Result<Outcome> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = format!("http://{}/schema.json", listener.local_addr()?);
    let outcome = refused_as(&register(arena, &refers(arena, &address))?, "schema")?;
    if listener.accept().is_ok() {
        return Outcome::through("the host asked the server");
    }
    Ok(outcome)
}
