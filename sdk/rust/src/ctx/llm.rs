//! Language models. Needs `llm:<model>`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Ctx;
use crate::Failure;
use crate::host::{Answers, only};
use crate::json::{read, write};
use crate::llm::{Message, Part, Request, Response, Tool, ToolCall, ToolResult};

impl Ctx {
    /// Asks a language model.
    ///
    /// # Errors
    /// Denied, over budget, or failed.
    pub fn complete(&self, request: Request) -> Result<Response, Failure> {
        only(self.complete_all([request]))
    }

    /// Asks several questions at once.
    ///
    /// # Errors
    /// None of them could be asked.
    pub fn complete_all(&self, requests: impl IntoIterator<Item = Request>) -> Answers<Response> {
        self.host.complete(&requests.into_iter().collect::<Vec<_>>())
    }

    /// Asks a language model with one text and gives back the text of its answer.
    ///
    /// # Errors
    /// As [`Ctx::complete`].
    pub fn prompt(&self, model: &str, text: &str) -> Result<String, Failure> {
        Ok(self.complete(Request::new(model).user(text))?.message.text())
    }
}

impl Request {
    /// A request to that model, without messages yet.
    #[must_use]
    pub fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            messages: Vec::new(),
            tools: Vec::new(),
            response_schema: None,
            max_tokens: None,
            temperature: None,
            stream_to: None,
            options: "{}".to_owned(),
        }
    }

    /// The same with one more message.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// The same with a text of the system.
    #[must_use]
    pub fn system(self, text: &str) -> Self {
        self.message(Message::text_of("system", text))
    }

    /// The same with a text of the user.
    #[must_use]
    pub fn user(self, text: &str) -> Self {
        self.message(Message::text_of("user", text))
    }

    /// The same with a tool that the model may ask for.
    #[must_use]
    pub fn tool(mut self, name: &str, description: &str, parameters: &Value) -> Self {
        self.tools.push(Tool {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: parameters.to_string(),
        });
        self
    }

    /// The same with a JSON Schema that the answer must fit.
    #[must_use]
    pub fn response_schema(mut self, schema: &Value) -> Self {
        self.response_schema = Some(schema.to_string());
        self
    }

    /// The same with a longest answer, in tokens.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// The same with a sampling temperature.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// The same with deltas going to a topic of the run's event stream.
    #[must_use]
    pub fn stream_to(mut self, topic: &str) -> Self {
        self.stream_to = Some(topic.to_owned());
        self
    }
}

impl Message {
    /// A message of one text.
    #[must_use]
    pub fn text_of(role: &str, text: &str) -> Self {
        Self { role: role.to_owned(), parts: vec![Part::Text(text.to_owned())] }
    }

    /// What a tool answered to that call.
    ///
    /// # Errors
    /// The answer is no JSON.
    pub fn tool_result(call: &ToolCall, answer: &impl Serialize) -> Result<Self, Failure> {
        let content = write("tool's answer", answer)?;
        let result = ToolResult { id: call.id.clone(), content, is_error: false };
        Ok(Self { role: "tool".to_owned(), parts: vec![Part::ToolResult(result)] })
    }

    /// That a tool failed at that call, and why.
    #[must_use]
    pub fn tool_failed(call: &ToolCall, why: &str) -> Self {
        let content = Value::from(why).to_string();
        let result = ToolResult { id: call.id.clone(), content, is_error: true };
        Self { role: "tool".to_owned(), parts: vec![Part::ToolResult(result)] }
    }

    /// The same with a tool that it wants called; for what a test lets a model answer.
    #[must_use]
    pub fn calling(mut self, id: &str, name: &str, arguments: &Value) -> Self {
        let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_string());
        self.parts.push(Part::ToolCall(ToolCall { id, name, arguments }));
        self
    }

    /// Its texts, one after another.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(text_in).collect()
    }

    /// The tools that it wants called.
    #[must_use]
    pub fn tool_calls(&self) -> Vec<&ToolCall> {
        self.parts.iter().filter_map(call_in).collect()
    }
}

impl ToolCall {
    /// Its arguments.
    ///
    /// # Errors
    /// They are no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read("tool's arguments", &self.arguments)
    }
}

impl Response {
    /// What the model said, as JSON: for a request with a `response_schema`.
    ///
    /// # Errors
    /// It is no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let text = self.message.text();
        serde_json::from_str(&text).map_err(|error| {
            Failure::upstream("unreadable_answer", format!("the model's answer: {error}"))
        })
    }
}

fn text_in(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

fn call_in(part: &Part) -> Option<&ToolCall> {
    match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    }
}
