//! The interfaces that a guest imports, one module each: WIT records become JSON, the effects
//! session answers in JSON, and that becomes WIT records again.
//!
//! Grants are checked behind the effects port and nowhere here. The JSON of each request is written
//! in its module's doc; it is what is hashed and recorded, so a change of it is a change of format.

pub(crate) mod blobs;
mod events;
mod http;
mod human;
mod kv;
mod llm;
mod log;
pub(crate) mod secrets;
mod timer;
mod tools;

use wforge_model::effect::Operation;
use wforge_model::json::{self, JsonMax};
use wforge_model::{Denial, Failure, Problem, Value};

use crate::bindings::workflowforge::plugin::types as wit;
use crate::guest::state::Guest;

impl wit::Host for Guest {}

/// What the effects session gave for a call with a list.
type Answers = Result<Vec<Result<Value, Failure>>, Failure>;
/// What a function of the contract gives.
type Wit<T> = Result<T, wit::Failure>;

/// An answer that is not of the shape that the contract asks for. That is the host's mistake.
pub(crate) fn bad_answer(operation: Operation, why: &str) -> Failure {
    Failure::Failed(Problem::new("bad_answer", format!("the host's answer to {operation}: {why}")))
}

/// Reads one answer with `read`.
fn answer<T>(
    operation: Operation,
    result: Result<Value, Failure>,
    read: impl FnOnce(Value) -> Option<T>,
) -> Wit<T> {
    result
        .and_then(|value| read(value).ok_or_else(|| bad_answer(operation, "of another shape")))
        .map_err(|failure| to_wit(&failure))
}

/// Reads each of the answers with `read`.
fn answers<T>(
    operation: Operation,
    results: Answers,
    read: impl Fn(Value) -> Option<T>,
) -> Wit<Vec<Wit<T>>> {
    let results = results.map_err(|failure| to_wit(&failure))?;
    Ok(results.into_iter().map(|result| answer(operation, result, &read)).collect())
}

/// Reads a typed answer.
fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// A failure as the guest sees it. What only the host can say becomes `failed`.
pub(crate) fn to_wit(failure: &Failure) -> wit::Failure {
    match failure {
        Failure::InvalidInput(problem) => wit::Failure::InvalidInput(problem_to_wit(problem)),
        Failure::Denied(denial) => wit::Failure::Denied(wit::Denial {
            capability: denial.capability.clone(),
            resource: denial.resource.clone(),
            hint: denial.hint.clone(),
        }),
        Failure::Limit(problem) => wit::Failure::Limit(problem_to_wit(problem)),
        Failure::Upstream(problem) => wit::Failure::Upstream(problem_to_wit(problem)),
        Failure::Cancelled(problem) => wit::Failure::Cancelled(problem_to_wit(problem)),
        Failure::Failed(problem)
        | Failure::Trap(problem)
        | Failure::Timeout(problem)
        | Failure::BadOutput(problem)
        | Failure::Missing(problem) => wit::Failure::Failed(problem_to_wit(problem)),
    }
}

fn problem_to_wit(problem: &Problem) -> wit::Problem {
    wit::Problem {
        code: problem.code.clone(),
        message: problem.message.clone(),
        retryable: problem.retryable,
        retry_after_ms: problem.retry_after_ms,
        details: if problem.details.is_null() { "{}".into() } else { problem.details.to_string() },
    }
}

/// A failure that a guest returned. Its text is a stranger's and is made harmless.
pub(crate) fn from_wit(failure: wit::Failure, json_max: JsonMax) -> Failure {
    let problem = |problem: wit::Problem| problem_from_wit(&problem, json_max);
    match failure {
        wit::Failure::InvalidInput(inner) => Failure::InvalidInput(problem(inner)),
        wit::Failure::Denied(denial) => Failure::Denied(Denial {
            capability: short(&denial.capability),
            resource: short(&denial.resource),
            hint: short(&denial.hint),
        }),
        wit::Failure::Limit(inner) => Failure::Limit(problem(inner)),
        wit::Failure::Upstream(inner) => Failure::Upstream(problem(inner)),
        wit::Failure::Cancelled(inner) => Failure::Cancelled(problem(inner)),
        wit::Failure::Failed(inner) => Failure::Failed(problem(inner)),
    }
}

/// The longest code, message or hint that is kept of a guest's failure, in bytes.
const FAILURE_TEXT_BYTES_MAX: usize = 4 << 10;
/// The largest details that are kept of a guest's failure, in bytes.
const FAILURE_DETAILS_BYTES_MAX: usize = 64 << 10;

fn problem_from_wit(problem: &wit::Problem, json_max: JsonMax) -> Problem {
    let details = match json::parse(&problem.details, json_max) {
        Ok(Value::Object(fields)) if fields.is_empty() => Value::Null,
        Ok(value) if problem.details.len() <= FAILURE_DETAILS_BYTES_MAX => value,
        Ok(_) | Err(_) => Value::String(short(&problem.details)),
    };
    Problem {
        code: short(&problem.code),
        message: short(&problem.message),
        retryable: problem.retryable,
        retry_after_ms: problem.retry_after_ms,
        details,
    }
}

fn short(text: &str) -> String {
    wforge_model::text::harmless(crate::guest::voice::cut(text, FAILURE_TEXT_BYTES_MAX))
}

/// A reference as JSON writes it, and back.
mod blob {
    use wforge_model::{Failure, Value};

    use super::wit;
    use crate::guest::state::Guest;

    pub(super) fn to_json(guest: &Guest, blob: &wit::BlobRef) -> Result<Value, Failure> {
        let mut json = serde_json::json!({
            "$blob": blob.digest,
            "size": blob.size,
            "media_type": blob.media_type,
        });
        let extra = guest.argument("extra", &blob.extra)?;
        let is_empty = extra.as_object().is_some_and(serde_json::Map::is_empty);
        if let (Some(fields), false) = (json.as_object_mut(), is_empty) {
            fields.insert("extra".to_owned(), extra);
        }
        Ok(json)
    }

    pub(super) fn from_json(value: &Value) -> Option<wit::BlobRef> {
        Some(wit::BlobRef {
            digest: value.get("$blob")?.as_str()?.to_owned(),
            size: value.get("size")?.as_u64()?,
            media_type: value.get("media_type")?.as_str()?.to_owned(),
            extra: value.get("extra").map_or_else(|| "{}".to_owned(), Value::to_string),
        })
    }
}
