//! Measures the costliest expressions that are accepted: `cargo run --example costliest`.
//!
//! No test looks at the time, since a test's machine may be busy; the tests count work. This shows
//! that the bound on work is a bound on time: each line stays under 100 ms.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use wforge_graph::{Expressions, RunFacts, Scope, State};
use wforge_model::{RunId, Timestamp};
use wforge_spec::Cel;

const EXPRESSIONS: [&str; 14] = [
    "state.small.all(a, state.small.all(b, a + b >= 0 && a * b >= 0))",
    "state.small.map(a, state.small.map(b, [a, b]))",
    "state.small.map(a, state.small.filter(b, a == b))",
    "state.large.map(a, {'k': a, 'l': [a, a]})",
    "state.large.map(a, string(a) + '/' + string(a))",
    "state.large.map(a, state.object)",
    "unique(state.large)",
    "state.large.map(a, a in state.few)",
    "state.few.map(a, state.text.contains('zz'))",
    "state.few.map(a, state.text + state.text).size()",
    "state.few.map(a, unique(split(state.line, ',')).size())",
    "state.few.map(a, join(state.words, '-').size())",
    "state.part.matches('(a|ab)(c|bcd)(d*)$|(x+x+)+y')",
    "state.few.map(i, state.line.matches('(a|b)*a(a|b){' + string(10 + i) + '}'))",
];

fn main() {
    let state = state();
    let bindings = BTreeMap::new();
    let scope = Scope {
        state: &state,
        bindings: &bindings,
        sent: &Value::Null,
        result: None,
        context: &Value::Null,
        run: RunFacts {
            id: RunId::from_bytes([0; 16]),
            thread: None,
            step: 1,
            attempt: 1,
            started_at: Timestamp(0),
            degraded: false,
        },
    };
    for expression in EXPRESSIONS {
        let cel = Cel::new();
        let _ = cel.inspect(expression);
        let start = Instant::now();
        let answer = cel.evaluate(expression, &scope);
        let elapsed = start.elapsed();
        let answer = answer.map_or_else(|error| error.code.to_owned(), |_| "ok".to_owned());
        println!("{:>7.1} ms  {answer:<16}  {expression}", elapsed.as_secs_f64() * 1_000.0);
    }
}

fn state() -> State {
    let values = json!({
        "few": (0..20).collect::<Vec<_>>(),
        "small": (0..300).collect::<Vec<_>>(),
        "large": (0..90_000).collect::<Vec<_>>(),
        "object": { "a": 1, "b": [1, 2, 3], "c": { "d": "text" } },
        "text": "ab".repeat(1 << 19),
        "line": "a,b,".repeat(6_000),
        "part": "ab".repeat(100_000),
        "words": vec!["word"; 20_000],
    });
    let values = values.as_object().cloned().unwrap_or_default();
    let entries = values.into_iter().map(|(key, value)| Some((key.parse().ok()?, Arc::new(value))));
    entries.flatten().collect()
}
