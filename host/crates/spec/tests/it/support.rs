//! What the tests share: a scope from JSON, and answers as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use wforge_graph::{ExprError, Expressions, RunFacts, Scope, State};
use wforge_model::{RunId, Timestamp};
use wforge_spec::Cel;

/// The names that an expression sees, owned.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) bindings: BTreeMap<String, Arc<Value>>,
    pub(crate) sent: Value,
    pub(crate) result: Option<Value>,
    pub(crate) context: Value,
}

impl World {
    /// A state and nothing else.
    pub(crate) fn of(state: &Value) -> Self {
        let state = state.as_object().expect("the state is an object");
        let state = state
            .iter()
            .map(|(key, value)| (key.parse().expect("a key"), Arc::new(value.clone())))
            .collect();
        let bindings = BTreeMap::new();
        Self { state, bindings, sent: Value::Null, result: None, context: json!({}) }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope {
            state: &self.state,
            bindings: &self.bindings,
            sent: &self.sent,
            result: self.result.as_ref(),
            context: &self.context,
            run: RunFacts {
                id: RunId::from_bytes([7; 16]),
                thread: None,
                step: 3,
                attempt: 1,
                started_at: Timestamp(1_700_000_000_000),
                degraded: false,
            },
        }
    }
}

/// The world of most tests: a small run of the brief workflow.
pub(crate) fn brief() -> World {
    let state = json!({
        "document": "One two. Three four.",
        "round": 1,
        "score": 0.5,
        "huge": 18_446_744_073_709_551_615_u64,
        "nothing": null,
        "outline": { "sections": [
            { "id": "a", "text": "One two." },
            { "id": "b", "text": "Three four." },
        ] },
        "digests": {
            "a": { "summary": "one", "coverage": 0.5, "keywords": ["x", "y"] },
            "b": { "summary": "three", "coverage": 1, "keywords": ["y"] },
        },
    });
    let mut world = World::of(&state);
    let section = json!({ "id": "a", "text": "One two." });
    world.bindings.insert("section".to_owned(), Arc::new(section));
    world
}

/// The answer as compact JSON, or the failure with its code.
pub(crate) fn answer(source: &str, world: &World) -> String {
    show(Cel::new().evaluate(source, &world.scope()).map(|value| value.to_string()))
}

pub(crate) fn show(answer: Result<String, ExprError>) -> String {
    match answer {
        Ok(text) => text,
        Err(error) => format!("{}: {}", error.code, error.message),
    }
}

/// `input  =>  output`, one line each.
pub(crate) fn table(inputs: &str, answer: impl Fn(&str) -> String) -> String {
    let lines = inputs.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}  =>  {}\n", answer(line))).collect()
}
