//! Inputs that nobody thought of: of other types, huge, deep, empty, in odd characters. A host
//! refuses what does not fit an agent's schema; whatever does must not break the agent.

use std::collections::BTreeSet;

use serde_json::json;
use wforge_model::Value;

use super::Check;
use super::sample::{Sample, broken};
use crate::author::sandbox::Call;
use crate::author::script::Extras;
use crate::author::stage::{Stage, World};

/// Inputs with which each agent is called.
const CALLS_MAX: usize = 64;
/// After so many that broke an agent no more are tried: one that never ends takes seconds each
/// time.
const BROKEN_MAX: usize = 3;
/// Fields of an input that are changed.
const FIELDS_MAX: usize = 16;
const HUGE_CHARS: usize = 64 << 10;
const DEEP_LEVELS: usize = 48;
const MANY_ITEMS: usize = 1_000;
/// A null, a change of direction, an accent that follows its letter, pictures of several parts.
const ODD: &str = "\u{0}\u{7}\u{202e}e\u{301}\u{feff}\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}\u{10ffff}";

/// Calls each agent with the hostile inputs that its schema lets through.
pub(super) async fn inputs(stage: &Stage, samples: &[Sample]) -> anyhow::Result<Check> {
    let (mut called, mut refused, mut problems) = (0_usize, 0_usize, Vec::new());
    for agent in &stage.admitted.manifest.agents {
        let Some(sample) = samples.iter().find(|sample| sample.agent.name == agent.name) else {
            continue;
        };
        let all = hostile(&sample.call.input);
        let (fitting, others): (Vec<Value>, Vec<Value>) =
            all.into_iter().partition(|input| stage.schemas().check(&agent.input, input).is_ok());
        refused += others.len();
        let before = problems.len();
        for input in fitting.into_iter().take(CALLS_MAX) {
            if problems.len() >= before + BROKEN_MAX {
                break;
            }
            called += 1;
            let shown = short(&input);
            let call = Call { input, ..sample.call.clone() };
            let world = World { extras: Extras::MadeUp, ..sample.world() };
            let played = stage.play(agent, call, &world).await?;
            let how = broken(&played.outcome.result);
            problems.extend(how.map(|how| format!("agent {}, input {shown}: {how}", agent.name)));
        }
    }
    if called == 0 {
        let reason = format!("the schemas let none of {refused} hostile inputs through");
        return Ok(Check::passed("hostile-inputs", reason));
    }
    let reason = format!("none of {called} inputs broke it; its schemas refuse {refused} more");
    Ok(Check::of("hostile-inputs", reason, problems))
}

fn short(input: &Value) -> String {
    let text = input.to_string();
    let shown: String = text.chars().take(80).collect();
    if shown.len() < text.len() { format!("{shown}… ({} bytes)", text.len()) } else { shown }
}

/// Each of them once, those that change one field of a good input first.
fn hostile(good: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    if let Value::Object(fields) = good {
        for (name, value) in fields.iter().take(FIELDS_MAX) {
            let mut set = |value: Value| {
                let mut changed = fields.clone();
                changed.insert(name.clone(), value);
                all.push(Value::Object(changed));
            };
            of_kind(value).into_iter().chain(anything()).for_each(&mut set);
            let mut without = fields.clone();
            without.remove(name);
            all.push(Value::Object(without));
        }
        let mut more = fields.clone();
        more.insert("__proto__".to_owned(), json!({ "constructor": null }));
        more.insert(ODD.to_owned(), json!(ODD));
        all.push(Value::Object(more));
    }
    all.extend(anything());
    let mut seen = BTreeSet::new();
    all.retain(|value| seen.insert(value.to_string()));
    all
}

/// Values of the same kind, which a schema likely lets through.
fn of_kind(value: &Value) -> Vec<Value> {
    match value {
        Value::String(_) => ["", " ", ODD, "\\\"'`${{}}<script>", "-1", "null"]
            .into_iter()
            .map(Value::from)
            .chain([json!("x".repeat(HUGE_CHARS)), json!("\u{1f308}\n".repeat(MANY_ITEMS))])
            .collect(),
        Value::Number(_) => [i64::MIN, -1, 0, i64::MAX]
            .into_iter()
            .map(Value::from)
            .chain([json!(1e308), json!(-0.0), json!(0.1)])
            .collect(),
        Value::Array(items) => {
            let item = items.first().cloned().unwrap_or_default();
            vec![json!([]), json!(vec![item; MANY_ITEMS])]
        }
        Value::Object(_) => vec![json!({}), json!({ ODD: ODD })],
        Value::Bool(value) => vec![json!(!value)],
        Value::Null => Vec::new(),
    }
}

/// A value of each kind.
fn anything() -> Vec<Value> {
    let deep = (0..DEEP_LEVELS).fold(Value::Null, |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e308),
        json!(""),
        json!(ODD),
        json!([]),
        json!({}),
        json!("x".repeat(HUGE_CHARS)),
        json!(vec![0; MANY_ITEMS]),
        deep,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_input_becomes_many_that_are_not_the_same() {
        let all = hostile(&json!({ "text": "a", "lines": [1], "n": 2 }));
        let texts: BTreeSet<String> = all.iter().map(Value::to_string).collect();
        assert_eq!(texts.len(), all.len());
        assert!(all.contains(&json!({ "lines": [1], "n": 2 })));
        assert!(all.contains(&json!({ "text": "", "lines": [1], "n": 2 })));
        assert!(all.iter().any(|input| input.to_string().len() > HUGE_CHARS));
    }

    #[test]
    fn an_input_without_fields_is_replaced_as_a_whole() {
        assert!(hostile(&json!("a")).contains(&Value::Null));
    }
}
