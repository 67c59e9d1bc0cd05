//! Answers the oracle's questions about expressions, templates and schemas, one line each.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wforge_graph::{ExprError, Expressions as _, RunFacts, Scope, State};
use wforge_model::{RunId, Timestamp};
use wforge_spec::Cel;

/// A line: some jobs in one scope.
#[derive(Debug, Deserialize)]
struct Request {
    scope: Option<Names>,
    jobs: Vec<Job>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Job {
    Evaluate(String),
    Render(String),
    Check(Value, Value),
}

/// The names that an expression sees.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names {
    state: Map<String, Value>,
    bindings: BTreeMap<String, Value>,
    sent: Value,
    #[serde(deserialize_with = "present")]
    result: Option<Value>,
    attempt: u32,
}

/// Keeps a null apart from a field that is not there.
fn present<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

/// Answers until there are no more lines.
///
/// # Errors
/// A line that is no request.
pub fn serve(input: impl BufRead, mut output: impl Write) -> Result<()> {
    let cel = Cel::default();
    for line in input.lines() {
        let answers = answer(&line?, &cel)?;
        writeln!(output, "{}", Value::Array(answers))?;
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &str, cel: &Cel) -> Result<Vec<Value>> {
    let mut fields: Map<String, Value> = serde_json::from_str(line).context("no JSON")?;
    // A job is written as a list, its kind first.
    let jobs = fields.remove("jobs").unwrap_or_default();
    let jobs = jobs.as_array().context("no jobs")?.iter().map(job_of);
    let jobs = jobs.collect::<Result<Vec<_>>>()?;
    let scope = serde_json::from_value(fields.remove("scope").unwrap_or_default())?;
    let request = Request { scope, jobs };
    let names = request.scope.unwrap_or_default();
    let state: State = names
        .state
        .into_iter()
        .map(|(key, value)| Ok((key.parse()?, Arc::new(value))))
        .collect::<Result<_>>()?;
    let bindings = names.bindings.into_iter().map(|(name, v)| (name, Arc::new(v))).collect();
    let scope = Scope {
        state: &state,
        bindings: &bindings,
        sent: &names.sent,
        result: names.result.as_ref(),
        context: &Value::Null,
        run: RunFacts {
            id: RunId::from_bytes([0; 16]),
            thread: None,
            step: 0,
            attempt: names.attempt,
            started_at: Timestamp(0),
            degraded: false,
        },
    };
    Ok(request.jobs.iter().map(|job| done(job, &scope, cel)).collect())
}

fn job_of(job: &Value) -> Result<Job> {
    let job = match job.as_array().map(Vec::as_slice) {
        Some([Value::String(kind), rest @ ..]) => {
            let rest = if let [one] = rest { one.clone() } else { Value::from(rest) };
            json!({ kind: rest })
        }
        _ => job.clone(),
    };
    serde_json::from_value(job).context("an unknown job")
}

fn done(job: &Job, scope: &Scope<'_>, cel: &Cel) -> Value {
    let value: Result<Value, ExprError> = match job {
        Job::Evaluate(source) => cel.evaluate(source, scope),
        Job::Render(template) => cel.render(template, scope).map(Value::String),
        Job::Check(schema, value) => {
            Ok(cel.check(schema, value).map_or_else(|misses| json!(misses), |()| json!([])))
        }
    };
    match value {
        Ok(value) => json!({ "value": value }),
        Err(error) => json!({ "error": [error.code, error.message] }),
    }
}
