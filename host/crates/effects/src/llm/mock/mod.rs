//! A model that the host plays: the same answer to the same question, without a key or a network.
//!
//! With a script it answers from that, and fails where no line matches. Without one it calls the
//! first tool that it is offered, once for each text of the user, and otherwise says something
//! that can be told from anything real; an answer that must fit a schema is built to fit.

mod script;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::json;
use wforge_model::{Failure, Object, Problem, Value};
use wforge_ports::Schemas;

use super::answer::{Answer, Usage, estimated_tokens};
use super::config::ScriptLine;
use super::deltas::Deltas;
use super::files::Files;
use super::models::{Answers, Asking};
use super::request::{Message, Part, Request, Role, Tool, ToolCall, ToolResult};

/// How much of a text is repeated, in characters.
const REPEATED_CHARS_MAX: usize = 400;

/// A model that the host plays.
#[derive(Debug)]
pub(crate) struct Mock {
    pub(crate) seed: u64,
    pub(crate) script: Vec<ScriptLine>,
    pub(crate) schemas: Arc<dyn Schemas>,
}

impl Mock {
    fn answer(&self, request: &Request, files: &Files, question: &str) -> Result<Answer, Failure> {
        let scene = Scene::of(request, files)?;
        if !self.script.is_empty() {
            return script::answer(&self.script, &scene);
        }
        let seed = self.seed_of(question);
        let tool = request.tools.first().filter(|_| scene.result.is_none());
        if let Some(tool) = tool {
            return self.call(tool, seed);
        }
        let text = match &request.response_schema {
            Some(schema) => self.built("response_schema", schema, seed)?.to_string(),
            None => scene.words(seed),
        };
        let mut answer = Answer { finish: "stop".to_owned(), ..Answer::default() };
        answer.push_text(text);
        Ok(answer)
    }

    fn call(&self, tool: &Tool, seed: u64) -> Result<Answer, Failure> {
        let arguments = match self.built("the parameters", &tool.parameters, seed)? {
            // A schema that asks for nothing.
            Value::Null => Value::Object(Object::new()),
            built => built,
        };
        let (id, name) = (format!("call_{seed:016x}"), tool.name.clone());
        let call = Part::ToolCall(ToolCall { id, name, arguments });
        Ok(Answer { parts: vec![call], finish: "tool_calls".to_owned(), ..Answer::default() })
    }

    fn built(&self, what: &str, schema: &Value, seed: u64) -> Result<Value, Failure> {
        let value = self.schemas.build(schema, seed);
        self.schemas.check(schema, &value).map_err(|reasons| {
            let first = reasons.into_iter().next().unwrap_or_default();
            let message = format!("the mock can build nothing that fits {what}: {first}");
            Failure::Failed(Problem::new("mock_schema", message))
        })?;
        Ok(value)
    }

    fn seed_of(&self, question: &str) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(question.as_bytes());
        let mut seed = [0; 8];
        hasher.finalize_xof().fill(&mut seed);
        u64::from_le_bytes(seed)
    }
}

/// All of a request that an answer depends on: neither who is asked nor where deltas go.
fn question(request: &Value) -> String {
    let mut asked = request.as_object().cloned().unwrap_or_default();
    asked.remove("model");
    asked.remove("stream_to");
    Value::Object(asked).to_string()
}

/// Says it word by word.
fn say(answer: &Answer, deltas: &Deltas<'_>) {
    for part in &answer.parts {
        let Part::Text { text } = part else { continue };
        text.split_inclusive(' ').for_each(|word| deltas.push(word));
    }
}

impl Answers for Mock {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Value, Failure>> {
        let question = question(asking.call.request);
        let answer = self.answer(asking.request, asking.files, &question).map(|mut answer| {
            say(&answer, asking.deltas);
            answer.usage = Some(Usage {
                input_tokens: estimated_tokens(
                    question.len() + asking.files.counted_bytes(asking.request),
                ),
                output_tokens: estimated_tokens(json!(answer.parts).to_string().len()),
            });
            answer.into_value(asking.model, asking.request_bytes)
        });
        Box::pin(std::future::ready(answer))
    }
}

/// What a conversation has come to.
struct Scene<'a> {
    /// The last text of the user; empty where there is none.
    asked: String,
    /// The files beside it, by media type and size.
    files: Vec<String>,
    /// How often the model has spoken since.
    turns: usize,
    /// The last thing that a tool answered since.
    result: Option<(&'a str, &'a ToolResult)>,
}

impl<'a> Scene<'a> {
    fn of(request: &'a Request, files: &Files) -> Result<Self, Failure> {
        let messages = request.messages.as_slice();
        let is_said = |part: &Part| matches!(part, Part::Text { .. } | Part::Blob { .. });
        let asks =
            |message: &Message| message.role == Role::User && message.parts.iter().any(is_said);
        let at = messages.iter().rposition(asks);
        let question = at.and_then(|at| messages.get(at));
        let asked = question.map(|message| message.texts().collect());
        let parts = question.map_or(&[][..], |message| message.parts.as_slice());
        let blobs = parts.iter().filter_map(|part| match part {
            Part::Blob { blob } => Some(blob),
            _ => None,
        });
        let told = blobs.map(|blob| Ok(files.get(blob)?.told(blob)));
        let told: Vec<String> = told.collect::<Result<_, Failure>>()?;
        // Results of tools may stand beside that text.
        let since = messages.get(at.unwrap_or(0)..).unwrap_or_default();
        let results = since.iter().rev().flat_map(|message| message.parts.iter().rev());
        let result = results.into_iter().find_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            Part::Text { .. } | Part::Blob { .. } | Part::ToolCall(_) | Part::Other { .. } => None,
        });
        Ok(Self {
            files: told,
            asked: asked.unwrap_or_default(),
            turns: since.iter().filter(|message| message.role == Role::Assistant).count(),
            result: result.map(|result| (name_of(since, &result.id), result)),
        })
    }

    /// Something to say that is made of what was said.
    fn words(&self, seed: u64) -> String {
        let mark = seed & 0xffff;
        match self.result {
            Some((name, result)) => {
                let how = if result.is_error { "failed with" } else { "answered" };
                let content = result
                    .content
                    .as_str()
                    .map_or_else(|| result.content.to_string(), str::to_owned);
                format!("Mock answer {mark:04x}: the tool {name} {how} {}", cut(&content))
            }
            None => {
                let files: String = self.files.iter().map(|file| format!(" [{file}]")).collect();
                format!("Mock answer {mark:04x} to: {}{files}", cut(&self.asked))
            }
        }
    }
}

/// The tool of the call that a result answers.
fn name_of<'a>(messages: &'a [Message], id: &str) -> &'a str {
    let mut parts = messages.iter().flat_map(|message| &message.parts);
    let name = parts.find_map(|part| match part {
        Part::ToolCall(call) if call.id == id => Some(call.name.as_str()),
        Part::ToolCall(_)
        | Part::Text { .. }
        | Part::Blob { .. }
        | Part::ToolResult(_)
        | Part::Other { .. } => None,
    });
    name.unwrap_or("that was called")
}

fn cut(text: &str) -> String {
    text.chars().take(REPEATED_CHARS_MAX).collect()
}
