//! Does what its input lists, step by step, so that the host's tests can put any fault and any
//! order of effects before the host.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use serde::Deserialize;
use workflowforge_sdk::{Ctx, Failure, Question, Value, agents, http, json, kv, llm};

/// What to do.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// One after the other.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, Deserialize)]
pub struct Step {
    /// In this attempt only.
    pub attempt: Option<u32>,
    /// Whether a failure of it is seen, and not the agent's own.
    #[serde(default)]
    pub catch: bool,
    /// The thing.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What a step does.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
#[allow(missing_docs, reason = "the README says what each is")]
pub enum Deed {
    Model { model: String, prompt: String, stream_to: Option<String>, schema: Option<Value> },
    Post { url: String, body: Value },
    Tools,
    Tool { name: String, input: Value },
    Ask { prompt: String },
    Sleep { ms: u64 },
    Put { scope: Scope, key: String, value: Value },
    Get { scope: Scope, key: String },
    Emit { topic: String, data: Value },
    Fail { kind: Kind, message: String },
    Trap,
    Say { output: Value },
}

/// Whose memory.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are named as in the contract")]
pub enum Scope {
    Run,
    Thread,
}

/// How the agent fails.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are named as in the contract")]
pub enum Kind {
    Failed,
    Upstream,
    Limit,
}

/// The agents.
#[agents]
pub mod agent {
    use super::*;

    /// Does one step after the other and returns what came of each.
    pub fn steps(ctx: &Ctx, input: Input) -> Result<Value, Failure> {
        let mut seen = Vec::new();
        for step in input.steps {
            if step.attempt.is_some_and(|attempt| attempt != ctx.call().attempt) {
                continue;
            }
            if let Deed::Say { output } = step.deed {
                return Ok(output);
            }
            match step.deed.done(ctx) {
                Ok(value) => seen.push(value),
                Err(failure) if step.catch => seen.push(told(&failure)),
                Err(failure) => return Err(failure),
            }
        }
        Ok(json!({ "seen": seen }))
    }
}

impl Deed {
    fn done(self, ctx: &Ctx) -> Result<Value, Failure> {
        match self {
            Self::Model { model, prompt, stream_to, schema } => {
                let mut request = llm::Request::new(&model).user(&with_chance(&prompt));
                request.stream_to = stream_to;
                request.response_schema = schema.map(|schema| schema.to_string());
                Ok(ctx.complete(request)?.message.text().into())
            }
            Self::Post { url, body } => {
                let response = ctx.fetch(http::Request::post(&url).json(&body)?)?;
                Ok(json!({ "status": response.status, "body": response.text()? }))
            }
            Self::Tools => Ok(ctx.tools()?.into_iter().map(|tool| tool.name).collect()),
            Self::Tool { name, input } => ctx.tool(&name, &input),
            Self::Ask { prompt } => ctx.ask(Question::new(&with_chance(&prompt))),
            Self::Sleep { ms } => ctx.sleep(Duration::from_millis(ms)).map(|()| Value::Null),
            Self::Put { scope, key, value } => Ok(ctx.kv_set(scope.of(), &key, &value)?.into()),
            Self::Get { scope, key } => {
                Ok(ctx.kv_get::<Value>(scope.of(), &key)?.unwrap_or_default())
            }
            Self::Emit { topic, data } => ctx.emit(&topic, &data).map(|()| Value::Null),
            Self::Fail { kind, message } => Err(kind.of(&message)),
            Self::Trap => std::process::abort(),
            Self::Say { output } => Ok(output),
        }
    }
}

impl Scope {
    fn of(self) -> kv::Scope {
        match self {
            Self::Run => kv::Scope::Run,
            Self::Thread => kv::Scope::Thread,
        }
    }
}

impl Kind {
    fn of(self, message: &str) -> Failure {
        match self {
            Self::Failed => Failure::failed("told_to", message),
            Self::Upstream => Failure::upstream("told_to", message),
            Self::Limit => Failure::limit("told_to", message),
        }
    }
}

/// `{chance}` becomes what the host draws for this attempt of this task.
fn with_chance(text: &str) -> String {
    if !text.contains("{chance}") {
        return text.to_owned();
    }
    text.replace("{chance}", &RandomState::new().hash_one(0).to_string())
}

fn told(failure: &Failure) -> Value {
    let (kind, problem) = match failure {
        Failure::Denied(denial) => {
            return json!({ "failure": "denied", "code": denial.capability, "message": denial.hint });
        }
        Failure::InvalidInput(problem) => ("invalid-input", problem),
        Failure::Limit(problem) => ("limit", problem),
        Failure::Upstream(problem) => ("upstream", problem),
        Failure::Cancelled(problem) => ("cancelled", problem),
        Failure::Failed(problem) => ("failed", problem),
    };
    json!({ "failure": kind, "code": problem.code, "message": problem.message })
}
