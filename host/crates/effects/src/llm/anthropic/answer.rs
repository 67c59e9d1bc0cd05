//! An answer of the messages interface, in one piece or in many.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Deserialize;
use wforge_model::{Failure, Object, Problem, Value};

use super::super::answer::{Answer, PARTS_MAX, Usage, bad_answer, broken};
use super::super::deltas::Deltas;
use super::super::remote;
use super::super::request::Part;

/// Where the pieces of a tool's arguments are gathered.
const PARTIAL_JSON: &str = "partial_json";

#[derive(Deserialize)]
struct Whole {
    content: Vec<Object>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Said>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: usize,
        content_block: Object,
    },
    ContentBlockDelta {
        index: usize,
        delta: Object,
    },
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Option<Said>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// `ping`, `content_block_stop`, and what is invented later.
    #[serde(other)]
    Unimportant,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    usage: Option<Said>,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// What was read from a cache or put into one is not among `input_tokens`.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
}

/// What has come of an answer.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    blocks: BTreeMap<usize, Object>,
    stop_reason: Option<String>,
    usage: Option<Said>,
    is_done: bool,
}

/// An answer in one piece.
pub(super) fn whole(body: Value) -> Result<Answer, Failure> {
    let whole: Whole = serde_json::from_value(body)
        .map_err(|error| bad_answer(format!("it is no message: {error}")))?;
    let blocks = whole.content.into_iter().enumerate().collect();
    let (stop_reason, usage) = (whole.stop_reason, whole.usage);
    remote::Gathered::finish(Gathered { blocks, stop_reason, usage, is_done: true })
}

impl remote::Gathered for Gathered {
    fn take(&mut self, data: &str, deltas: &Deltas<'_>) -> Result<ControlFlow<()>, Failure> {
        let event: Event = serde_json::from_str(data)
            .map_err(|error| bad_answer(format!("a piece of the stream is no event: {error}")))?;
        match event {
            Event::MessageStart { message } => self.add_usage(message.usage),
            Event::ContentBlockStart { index, content_block } => {
                deltas.push(text_in(&content_block));
                self.start(index, content_block)?;
            }
            Event::ContentBlockDelta { index, delta } => {
                deltas.push(text_in(&delta));
                self.extend(index, delta)?;
            }
            Event::MessageDelta { delta, usage } => {
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                self.add_usage(usage);
            }
            Event::MessageStop => {
                self.is_done = true;
                return Ok(ControlFlow::Break(()));
            }
            Event::Error { error } => return Err(failed(&error)),
            Event::Unimportant => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(self) -> Result<Answer, Failure> {
        if !self.is_done {
            return Err(broken("the stream ended before the answer did"));
        }
        let mut answer = Answer::default();
        for block in self.blocks.into_values() {
            add(&mut answer, block)?;
        }
        answer.finish = match self.stop_reason.as_deref() {
            None | Some("end_turn" | "stop_sequence") => "stop".to_owned(),
            Some("max_tokens") => "length".to_owned(),
            Some("tool_use") => "tool_calls".to_owned(),
            Some(other) => other.to_owned(),
        };
        if let Some(said) = self.usage {
            said.tell(&mut answer);
        }
        Ok(answer)
    }
}

impl Gathered {
    fn start(&mut self, index: usize, block: Object) -> Result<(), Failure> {
        if self.blocks.len() >= PARTS_MAX {
            return Err(bad_answer(format!("the answer has more than {PARTS_MAX} blocks")));
        }
        self.blocks.insert(index, block);
        Ok(())
    }

    /// The texts of a delta are pieces of the block's fields of the same names.
    fn extend(&mut self, index: usize, delta: Object) -> Result<(), Failure> {
        let block = self.blocks.get_mut(&index);
        let block = block.ok_or_else(|| bad_answer("a piece belongs to no block"))?;
        for (field, piece) in delta.into_iter().filter(|(field, _)| field != "type") {
            let Value::String(piece) = piece else { continue };
            match block.get_mut(&field) {
                Some(Value::String(known)) => known.push_str(&piece),
                _ => {
                    block.insert(field, Value::String(piece));
                }
            }
        }
        Ok(())
    }

    /// The end says again what the beginning said, or more.
    fn add_usage(&mut self, usage: Option<Said>) {
        let Some(more) = usage else { return };
        let known = self.usage.take().unwrap_or_default();
        self.usage = Some(Said {
            input_tokens: more.input_tokens.or(known.input_tokens),
            output_tokens: more.output_tokens.or(known.output_tokens),
            cache_creation_input_tokens: more
                .cache_creation_input_tokens
                .or(known.cache_creation_input_tokens),
            cache_read_input_tokens: more.cache_read_input_tokens.or(known.cache_read_input_tokens),
        });
    }
}

impl Said {
    fn tell(self, answer: &mut Answer) {
        let cached = [
            ("cache_creation_input_tokens", self.cache_creation_input_tokens),
            ("cache_read_input_tokens", self.cache_read_input_tokens),
        ];
        let mut input_tokens = self.input_tokens.unwrap_or_default();
        for (name, tokens) in cached {
            let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else { continue };
            input_tokens = input_tokens.saturating_add(tokens);
            answer.usage_extra.insert(name.to_owned(), Value::from(tokens));
        }
        let output_tokens = self.output_tokens.unwrap_or_default();
        answer.usage = Some(Usage { input_tokens, output_tokens });
    }
}

/// The text in a block or a piece of one. What the model thinks is no text of its answer.
fn text_in(fields: &Object) -> &str {
    fields.get("text").and_then(Value::as_str).unwrap_or_default()
}

fn add(answer: &mut Answer, mut block: Object) -> Result<(), Failure> {
    let field = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match field("type").as_str() {
        "text" => answer.push_text(field("text")),
        "tool_use" => {
            let given = block.get("input").map(Value::to_string);
            let arguments = block.get(PARTIAL_JSON).map(|_| field(PARTIAL_JSON)).or(given);
            answer.push_call(field("id"), field("name"), &arguments.unwrap_or_default())?;
        }
        "" => return Err(bad_answer("a block has no type")),
        _ => {
            block.remove(PARTIAL_JSON);
            answer.parts.push(Part::Other { value: Value::Object(block) });
        }
    }
    Ok(())
}

fn failed(error: &Value) -> Failure {
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    let message = format!("the provider failed while it answered: {message}");
    Failure::Upstream(Problem::new("provider_failed", message).retryable())
}
