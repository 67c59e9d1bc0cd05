//! An expression, within its budget: the same source gives the same answer from a cache and without
//! one, alone and inside a template, and what cannot be inspected is never evaluated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use wforge_graph::{ExprError, Expressions as _, RunFacts, Scope, State};
use wforge_model::{RunId, Timestamp};
use wforge_spec::Cel;

/// Half a million units of work, each of which makes or reads 64 bytes at most, with what stands
/// around them in JSON.
const ANSWER_BYTES_MAX: usize = 64 << 20;

static STATE: LazyLock<State> = LazyLock::new(|| {
    let state = json!({
        "text": "One two. Three four.", "n": 7, "big": i64::MAX, "huge": u64::MAX, "half": 0.5,
        "nothing": null, "yes": true, "list": [3, 1, 2, "x", null, [1]],
        "many": (0..300).collect::<Vec<_>>(),
        "map": { "a": { "b": [{ "c": "d" }] }, "in": 1, "ä": "ö" },
        "long": "ab".repeat(2_000),
    });
    let fields = state.as_object().expect("an object");
    let entry = |(key, value): (&String, &Value)| (key.parse().unwrap(), Arc::new(value.clone()));
    fields.iter().map(entry).collect()
});

/// Whether it has a value.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let source = String::from_utf8_lossy(bytes);
    let cel = Cel::new();
    let inspected = cel.inspect(&source);
    let first = evaluate(&cel, &source);
    assert_eq!(evaluate(&cel, &source), first, "from the cache");
    if let Err(error) = &inspected {
        assert_eq!(first.as_ref().err(), Some(error), "not what inspecting said");
    }
    if let Ok(value) = &first {
        assert!(value.to_string().len() <= ANSWER_BYTES_MAX, "an answer beyond the budget");
    }
    check_template(&cel, &source, &first);
    first.is_ok()
}

/// A template of the expression alone is its text.
fn check_template(cel: &Cel, source: &str, alone: &Result<Value, ExprError>) {
    // Braces are the template's own.
    if source.contains(['{', '}']) {
        let _ = with_scope(|scope| cel.render(source, scope));
        return;
    }
    let rendered = with_scope(|scope| cel.render(&format!("{{{{{source}}}}}"), scope));
    match (alone, rendered) {
        (Ok(Value::String(text)), Ok(rendered)) => assert_eq!(&rendered, text),
        (Ok(value), Ok(rendered)) => assert_eq!(rendered, value.to_string()),
        (Err(_), Err(_)) => {}
        (alone, rendered) => assert!(is_cut_otherwise(source), "{alone:?}, then {rendered:?}"),
    }
}

/// A template looks for its end in the source and takes the space around it away.
fn is_cut_otherwise(source: &str) -> bool {
    source.trim() != source || source.contains(['\'', '"', '`'])
}

fn evaluate(cel: &Cel, source: &str) -> Result<Value, ExprError> {
    with_scope(|scope| cel.evaluate(source, scope))
}

fn with_scope<T>(act: impl FnOnce(&Scope<'_>) -> T) -> T {
    let item = json!({ "id": "a", "text": "One two." });
    let bindings = BTreeMap::from([("item".to_owned(), Arc::new(item))]);
    let (sent, result, context) = (json!({ "x": 1 }), json!({ "a": [1, 2] }), json!({}));
    act(&Scope {
        state: &STATE,
        bindings: &bindings,
        sent: &sent,
        result: Some(&result),
        context: &context,
        run: RunFacts {
            id: RunId::from_bytes([7; 16]),
            thread: None,
            step: 3,
            attempt: 1,
            started_at: Timestamp(1_700_000_000_000),
            degraded: false,
        },
    })
}
