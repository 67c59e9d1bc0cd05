//! Every recorded effect in a fixed order, for the host's own tests of rerunning.
//!
//! `effects-js` and `effects-python` do the same in the same order; change all three together.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, Question, Value, agents, http, kv};

/// The model and the server to use.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The model that answers the questions.
    pub model: String,
    /// Where the answers are posted.
    pub url: String,
}

/// What was seen.
#[derive(Debug, Default, Serialize)]
pub struct Seen {
    answers: Vec<String>,
    posts: Vec<Posted>,
    kv: Vec<Written>,
    said: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct Posted {
    status: u16,
    body: String,
}

#[derive(Debug, Serialize)]
struct Written {
    key: String,
    version: u64,
}

/// A post's body; its fields go out in this order.
#[derive(Serialize)]
struct Post<'a> {
    n: u32,
    text: &'a str,
}

/// The agents.
#[agents]
pub mod agent {
    use super::*;

    /// Five rounds, two questions and a sleep.
    pub fn exactly_once(ctx: &Ctx, input: Input) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        seen.round(ctx, &input, 1)?;
        seen.round(ctx, &input, 2)?;
        seen.said.push(ctx.ask(Question::new("first?"))?);
        seen.round(ctx, &input, 3)?;
        ctx.sleep(Duration::from_millis(50))?;
        seen.round(ctx, &input, 4)?;
        seen.said.push(ctx.ask(Question::new("second?"))?);
        seen.round(ctx, &input, 5)?;
        Ok(seen)
    }
}

impl Seen {
    /// Asks the model, posts its answer and writes it down.
    fn round(&mut self, ctx: &Ctx, input: &Input, n: u32) -> Result<(), Failure> {
        let question = match self.answers.last() {
            None => format!("question {n}"),
            Some(before) => format!("question {n}: {before}"),
        };
        let text = ctx.prompt(&input.model, &question)?;
        let post = http::Request::post(&input.url).json(&Post { n, text: &text })?;
        let response = ctx.fetch(post)?;
        let body = response.text()?.to_owned();
        self.posts.push(Posted { status: response.status, body });
        let key = format!("k{n}");
        let version = ctx.kv_set(kv::Scope::Run, &key, &text)?;
        self.kv.push(Written { key, version });
        self.answers.push(text);
        Ok(())
    }
}
