//! Agents for the host's own tests and benchmarks: each does one thing that a host must handle.
//!
//! Never here: anything that a workflow of a user would want.

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use workflowforge_sdk::{Ctx, Failure, Question, Value, agents, json};

/// A question to ask.
#[derive(Debug, Deserialize)]
pub struct Asked {
    /// What the person reads.
    #[serde(default = "default_prompt")]
    pub prompt: String,
}

/// How long to wait.
#[derive(Debug, Deserialize)]
pub struct Slept {
    /// In milliseconds.
    pub ms: u64,
}

/// What to say, where.
#[derive(Debug, Deserialize)]
pub struct Said {
    /// The line.
    #[serde(default)]
    pub message: String,
}

/// A question, a wait and another question.
#[derive(Debug, Deserialize)]
pub struct Twice {
    /// The wait between the questions, in milliseconds.
    #[serde(default)]
    pub ms: u64,
}

/// How often to ask.
#[derive(Debug, Deserialize)]
pub struct Calls {
    /// The number of calls.
    pub n: u32,
}

/// Questions to ask at once.
#[derive(Debug, Deserialize)]
pub struct Several {
    /// The questions.
    pub questions: Vec<One>,
}

/// One of several questions.
#[derive(Debug, Deserialize)]
pub struct One {
    /// What the person reads.
    pub prompt: String,
    /// What the answer must fit.
    #[serde(default)]
    pub schema: Option<Value>,
    /// How long to wait, in milliseconds.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// Who should answer.
    #[serde(default)]
    pub assignee: Option<String>,
}

impl One {
    fn question(&self) -> Question {
        let mut question = Question::new(&self.prompt);
        if let Some(schema) = &self.schema {
            question = question.schema(schema);
        }
        if let Some(ms) = self.deadline_ms {
            question = question.deadline(Duration::from_millis(ms));
        }
        match &self.assignee {
            Some(name) => question.assignee(name),
            None => question,
        }
    }
}

fn default_prompt() -> String {
    "go on?".to_owned()
}

/// The agents.
#[agents]
pub mod behaviour {
    use super::*;

    /// Returns its input.
    pub fn echo(_ctx: &Ctx, input: Value) -> Result<Value, Failure> {
        Ok(input)
    }

    /// Asks one question and returns the answer.
    pub fn ask(ctx: &Ctx, input: Asked) -> Result<Value, Failure> {
        let answer: Value = ctx.ask(Question::new(&input.prompt))?;
        Ok(json!({ "answer": answer }))
    }

    /// Asks several questions at once and returns what came of each.
    pub fn asks(ctx: &Ctx, input: Several) -> Result<Value, Failure> {
        let told = ctx.ask_all::<Value>(input.questions.iter().map(One::question))?;
        let told = told.into_iter().map(|answer| match answer {
            Ok(answer) => Ok(json!({ "answer": answer })),
            Err(Failure::Upstream(problem)) => Ok(json!({ "upstream": problem.code })),
            Err(other) => Err(other),
        });
        told.collect::<Result<Vec<Value>, Failure>>().map(Value::Array)
    }

    /// Waits and returns how long.
    pub fn sleep(ctx: &Ctx, input: Slept) -> Result<Value, Failure> {
        ctx.sleep(Duration::from_millis(input.ms))?;
        Ok(json!({ "slept_ms": input.ms }))
    }

    /// Panics with the message.
    #[expect(clippy::panic, reason = "the host must turn it into a failure with file and line")]
    pub fn panic(_ctx: &Ctx, input: Said) -> Result<Value, Failure> {
        panic!("{}", input.message)
    }

    /// Writes the message to the log, to stdout and to stderr.
    pub fn log(ctx: &Ctx, input: Said) -> Result<Value, Failure> {
        ctx.info(&input.message);
        println!("out: {}", input.message);
        eprintln!("err: {}", input.message);
        Ok(json!({}))
    }

    /// Asks for a model that nobody granted and returns the denial as data.
    pub fn denied(ctx: &Ctx, _input: Value) -> Result<Value, Failure> {
        match ctx.prompt("fast", "are you there?") {
            Err(Failure::Denied(denial)) => Ok(json!({
                "capability": denial.capability,
                "resource": denial.resource,
                "hint": denial.hint,
            })),
            Err(other) => Err(other),
            Ok(text) => Ok(json!({ "text": text })),
        }
    }

    /// Asks a model that many times, one after the other.
    pub fn calls(ctx: &Ctx, input: Calls) -> Result<Value, Failure> {
        for n in 0..input.n {
            ctx.prompt("fast", &format!("question {n}"))?;
        }
        Ok(json!({ "n": input.n }))
    }

    /// Never ends.
    pub fn spin(_ctx: &Ctx, _input: Value) -> Result<Value, Failure> {
        let mut turns = 0_u64;
        loop {
            turns = black_box(turns.wrapping_add(1));
        }
    }

    /// Asks, waits and asks again; returns both answers.
    pub fn twice(ctx: &Ctx, input: Twice) -> Result<Value, Failure> {
        let first: Value = ctx.ask(Question::new("first?"))?;
        ctx.sleep(Duration::from_millis(input.ms))?;
        let second: Value = ctx.ask(Question::new("second?"))?;
        Ok(json!({ "first": first, "second": second }))
    }
}
