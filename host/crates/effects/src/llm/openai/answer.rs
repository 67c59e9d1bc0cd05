//! An answer of chat completions, in one piece or in many.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::json;
use wforge_model::{Failure, Problem, Value};

use super::super::answer::{Answer, PARTS_MAX, Usage, bad_answer, broken};
use super::super::deltas::Deltas;
use super::super::remote;
use super::super::request::Part;
use super::REFUSAL;

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Said>,
    #[serde(default)]
    error: Option<Value>,
}

/// `message` in an answer of one piece, `delta` in a stream.
#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "delta")]
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

/// What has come of an answer.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    text: String,
    refusal: String,
    calls: BTreeMap<usize, GatheredCall>,
    finish: Option<String>,
    usage: Option<Usage>,
    is_done: bool,
}

#[derive(Debug, Default)]
struct GatheredCall {
    id: String,
    name: String,
    arguments: String,
}

/// An answer in one piece.
pub(super) fn whole(body: Value) -> Result<Answer, Failure> {
    let completion = completion(body)?;
    if completion.choices.is_empty() {
        return Err(bad_answer("the answer has no choices"));
    }
    let mut gathered = Gathered { is_done: true, ..Gathered::default() };
    gathered.add(completion, &Deltas::new(None))?;
    remote::Gathered::finish(gathered)
}

fn completion(body: Value) -> Result<Completion, Failure> {
    let completion: Completion = serde_json::from_value(body)
        .map_err(|error| bad_answer(format!("it is no chat completion: {error}")))?;
    match &completion.error {
        None => Ok(completion),
        Some(error) => {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
            let message = format!("the provider failed while it answered: {message}");
            Err(Failure::Upstream(Problem::new("provider_failed", message).retryable()))
        }
    }
}

impl Gathered {
    fn add(&mut self, completion: Completion, deltas: &Deltas<'_>) -> Result<(), Failure> {
        if let Some(Said { prompt_tokens: Some(input_tokens), completion_tokens }) =
            completion.usage
        {
            let output_tokens = completion_tokens.unwrap_or_default();
            self.usage = Some(Usage { input_tokens, output_tokens });
        }
        // Only one answer was asked for.
        let Some(choice) = completion.choices.into_iter().next() else { return Ok(()) };
        let text = choice.message.content.unwrap_or_default();
        deltas.push(&text);
        self.text.push_str(&text);
        self.refusal.extend(choice.message.refusal);
        let calls = choice.message.tool_calls.unwrap_or_default();
        for (place, call) in calls.into_iter().enumerate() {
            self.add_call(place, call)?;
        }
        self.finish = choice.finish_reason.or(self.finish.take());
        Ok(())
    }

    fn add_call(&mut self, place: usize, call: Call) -> Result<(), Failure> {
        let index = call.index.unwrap_or(place);
        if self.calls.len() >= PARTS_MAX && !self.calls.contains_key(&index) {
            return Err(bad_answer(format!("the answer has more than {PARTS_MAX} tool calls")));
        }
        let known = self.calls.entry(index).or_default();
        if let Some(id) = call.id.filter(|id| !id.is_empty()) {
            known.id = id;
        }
        known.name.extend(call.function.name);
        known.arguments.extend(call.function.arguments);
        Ok(())
    }
}

impl remote::Gathered for Gathered {
    fn take(&mut self, data: &str, deltas: &Deltas<'_>) -> Result<ControlFlow<()>, Failure> {
        if data.trim() == "[DONE]" {
            self.is_done = true;
            return Ok(ControlFlow::Break(()));
        }
        let body = serde_json::from_str(data);
        let body = body.map_err(|_| bad_answer("a piece of the stream is no JSON"))?;
        self.add(completion(body)?, deltas)?;
        Ok(ControlFlow::Continue(()))
    }

    /// A stream is whole with its last word or with the reason why it ended; some servers do not
    /// say the one, some not the other.
    fn finish(self) -> Result<Answer, Failure> {
        if !self.is_done && self.finish.is_none() {
            return Err(broken("the stream ended before the answer did"));
        }
        let mut answer = Answer { usage: self.usage, ..Answer::default() };
        answer.push_text(self.text);
        if !self.refusal.is_empty() {
            let value = json!({ "type": REFUSAL, REFUSAL: self.refusal });
            answer.parts.push(Part::Other { value });
        }
        for (index, call) in self.calls {
            let id = if call.id.is_empty() { format!("call_{index}") } else { call.id };
            answer.push_call(id, call.name, &call.arguments)?;
        }
        // Some servers say `stop` although they call tools.
        let finish = self.finish.unwrap_or_else(|| "stop".to_owned());
        let calls = answer.has_calls() && finish == "stop";
        answer.finish = if calls { "tool_calls".to_owned() } else { finish };
        Ok(answer)
    }
}
