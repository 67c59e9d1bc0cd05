//! What an operator sees of a server: its lines, its traces at a collector of our own, its figures,
//! and that the dashboard and the alerts are about figures that there really are.

mod collector;
mod figures;
mod lines;
mod traces;

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost, component};

/// Calls an agent that asks a model.
const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { result: {} }
input: []
output: [result]
nodes: { it: { agent: wforge/probe.denied, in: {}, out: { result: result } } }
edges: [{ from: START, to: it }]
";

/// A server with the probe installed, which may ask nothing.
fn with_probe(cli: Cli) -> TestHost {
    let host = TestHost::on(cli);
    let probe = fs_err::read(component("wforge/probe")).unwrap();
    host.install(&probe).status(201);
    host
}

/// Starts the run, and waits for its end.
fn ask(host: &TestHost, headers: &[(&str, &str)]) -> Value {
    host.post_with("/v1/runs?wait=30s", &json!({ "workflow": ASKS }), headers).status(200).json()
}
