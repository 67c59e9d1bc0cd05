//! What stands in for the host in a native test: a script of answers, and what the agent did.
//!
//! `answer` is what can be scripted, `script` keeps it, `host` answers the agent from it, `memory`
//! is what `kv` remembers.

mod answer;
mod host;
mod memory;
mod script;

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use answer::Answer;
pub(crate) use host::Host;
pub use host::Secret;

use script::Script;

use crate::bindings::exports::workflowforge::plugin::agent::Call;
use crate::json::{read, write};
use crate::{Agent, Blob, Ctx, Failure, http, kv, llm};

/// A host for native tests: answers an agent as it was scripted, and remembers what it did.
///
/// Answers to models and people are given in the order in which they are asked, those of servers
/// and tools in that order for each URL and name. Each serves once, and may be a [`Failure`].
/// What is not scripted is denied, with a hint that names the method to call. What needs no
/// script is there: log lines, events, sleep, blobs, and memory, which is empty at first.
///
/// ```
/// use workflowforge_sdk::{Ctx, Failure, MockHost};
///
/// fn greet(ctx: &Ctx, name: String) -> Result<String, Failure> {
///     ctx.prompt("fast", &format!("Greet {name}."))
/// }
///
/// let host = MockHost::new().llm("Good day, Ann!");
/// assert_eq!(host.run(greet, "Ann").unwrap(), "Good day, Ann!");
/// assert_eq!(host.done(), ["llm fast Greet Ann."]);
/// assert_eq!(host.run(greet, "Bob").unwrap_err().kind(), "denied");
/// ```
#[derive(Debug, Clone, Default)]
pub struct MockHost {
    config: Option<Value>,
    context: Option<Value>,
    script: Rc<RefCell<Script>>,
}

impl MockHost {
    /// A host with nothing scripted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The node's configuration; `{}` where none is given.
    #[must_use]
    pub fn config(self, config: impl Into<Value>) -> Self {
        Self { config: Some(config.into()), ..self }
    }

    /// What whoever started the run handed in; `{}` where nothing is given.
    #[must_use]
    pub fn context(self, context: impl Into<Value>) -> Self {
        Self { context: Some(context.into()), ..self }
    }

    /// What a model answers next: a text, JSON as its text, a message, a response or a failure.
    #[must_use]
    pub fn llm(self, answer: impl Into<Answer<llm::Response>>) -> Self {
        self.script.borrow_mut().llm.push_back(answer.into().0);
        self
    }

    /// What comes back from that URL next, which may end in `*`: JSON as `{ "status", "headers",
    /// "body" }`, each of which may be left out, a text as the body of a 200, a response or a
    /// failure.
    #[must_use]
    pub fn http(self, url: &str, response: impl Into<Answer<http::Response>>) -> Self {
        self.script.borrow_mut().http.push_back((url.to_owned(), response.into().0));
        self
    }

    /// What that tool answers next.
    #[must_use]
    pub fn tool(self, name: &str, answer: impl Into<Answer<Value>>) -> Self {
        self.script.borrow_mut().tools.push_back((name.to_owned(), answer.into().0));
        self
    }

    /// What a person answers next.
    #[must_use]
    pub fn ask(self, answer: impl Into<Answer<Value>>) -> Self {
        self.script.borrow_mut().asks.push_back(answer.into().0);
        self
    }

    /// What is in memory already.
    #[must_use]
    pub fn kv(self, scope: kv::Scope, key: &str, value: impl Into<Value>) -> Self {
        let text = value.into().to_string();
        self.script.borrow_mut().memory.set(scope, key, &text, None);
        self
    }

    /// What stands in memory now.
    #[must_use]
    pub fn stored(&self, scope: kv::Scope, key: &str) -> Option<Value> {
        let entry = self.script.borrow_mut().memory_now().get(scope, key)?;
        serde_json::from_str(&entry.value).ok()
    }

    /// A secret, to hold and to reveal.
    #[must_use]
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.script.borrow_mut().secrets.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Denies a capability whatever is scripted: a kind of it, such as `kv` or `blobs`, or one as a
    /// manifest names it, such as `llm:fast`, `kv:run`, `http:api.example.com` or
    /// `secret:token:reveal`. `kv:run:rw` is writing alone.
    #[must_use]
    pub fn deny(self, capability: &str) -> Self {
        self.script.borrow_mut().denied.push(capability.to_owned());
        self
    }

    /// The time, in milliseconds since 1970; at first that of 2026-01-01. It moves when the agent
    /// sleeps.
    #[must_use]
    pub fn clock_ms(self, ms: u64) -> Self {
        self.script.borrow_mut().clock_ms = ms;
        self
    }

    /// Stores a blob, for an input that refers to it.
    #[must_use]
    pub fn blob(&self, media_type: &str, bytes: &[u8]) -> Blob {
        self.script.borrow_mut().store(media_type, bytes)
    }

    /// Calls the agent as a host does, with an input that goes through JSON. Memory, clock and what
    /// is left of the script stay for the next call.
    ///
    /// # Errors
    /// The agent's failure, or an input or a configuration that does not fit its type.
    pub fn run<A, Form>(&self, agent: A, input: impl Serialize) -> Result<A::Output, Failure>
    where
        A: Agent<Form>,
        A::Input: DeserializeOwned,
    {
        let input = read("input", &write("input", &input)?)?;
        agent.call(&self.ctx(), input)
    }

    /// A context for calling a function by hand.
    #[must_use]
    pub fn ctx(&self) -> Ctx {
        Ctx::new(self.call(), Host::new(Rc::clone(&self.script)))
    }

    /// What the agent did so far, one line each, such as `ask Publish?` or `sleep 250`.
    #[must_use]
    pub fn done(&self) -> Vec<String> {
        self.script.borrow().done.clone()
    }

    /// What the agent logged so far, one line each, such as `info counted words=3`.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.script.borrow().logs.clone()
    }

    /// What the agent published so far, each a topic and what was published under it.
    #[must_use]
    pub fn events(&self) -> Vec<(String, Value)> {
        self.script.borrow().events.clone()
    }

    fn call(&self) -> Call {
        let text = |value: &Option<Value>| value.clone().unwrap_or_else(|| json!({})).to_string();
        Call {
            agent: "main".to_owned(),
            task: "task_mock".to_owned(),
            run: "run_mock".to_owned(),
            thread: Some("thread_mock".to_owned()),
            workflow: "mock@0.0.0".to_owned(),
            node: "mock".to_owned(),
            step: 1,
            attempt: 1,
            timeout_ms: 0,
            input: String::new(),
            config: text(&self.config),
            context: text(&self.context),
            extra: "{}".to_owned(),
        }
    }
}
