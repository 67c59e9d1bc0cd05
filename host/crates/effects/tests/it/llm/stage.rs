//! Models with a server, a clock, a meter and a cassette around them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use wforge_effects::BodyStore;
use wforge_effects::llm::{
    CassetteEntry, CassetteSink, Delta, ModelCall, ModelLimits, Models, ModelsConfig, ModelsError,
    ModelsParts, SecretText,
};
use wforge_model::agent::AgentCall;
use wforge_model::effect::{Operation, RequestHash};
use wforge_model::{Digest, Failure, ModelUsage, Problem, TenantId, Timestamp};
use wforge_ports::{BoxError, Clock, Schemas, TokenMeter};
use wforge_testkit::SimClock;

use super::loopback::Loopback;
use super::provider::Provider;
use crate::world::{NOON, call};

/// The key that the server gets.
pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

pub(crate) struct Stage {
    pub(crate) provider: Provider,
    pub(crate) models: Models,
    pub(crate) clock: Hasty,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) tape: Arc<Tape>,
    pub(crate) files: Arc<Shelf>,
    pub(crate) call: AgentCall,
    deltas: Mutex<Vec<Delta>>,
}

/// A stage with the models of that configuration, in which `{url}` is the server's.
pub(crate) async fn stage(config: &str) -> Stage {
    stage_with(config, "").await.unwrap()
}

/// The same with a cassette that is called `tape`.
pub(crate) async fn stage_with(config: &str, cassette: &str) -> Result<Stage, ModelsError> {
    stage_within(config, cassette, ModelLimits::default()).await
}

/// The same with limits for models that say nothing.
pub(crate) async fn stage_within(
    config: &str,
    cassette: &str,
    limits: ModelLimits,
) -> Result<Stage, ModelsError> {
    let provider = Provider::start().await;
    let config = config.replace("{url}", &format!("http://{}/v1", provider.address));
    let config: ModelsConfig = toml::from_str(&config).unwrap();
    let clock = Hasty { time: SimClock::at(NOON), waits: Arc::default() };
    let (tokens, tape) = (Arc::<Tokens>::default(), Arc::<Tape>::default());
    let files = Arc::<Shelf>::default();
    let entries = CassetteEntry::parse(cassette).unwrap();
    let parts = ModelsParts {
        outbound: Arc::new(Loopback),
        clock: Arc::new(clock.clone()),
        meter: tokens.clone(),
        schemas: Arc::new(Spec(wforge_spec::Schemas::new())),
        files: files.clone(),
        limits: ModelLimits { file_bytes_max: 100, ..limits },
        keys: BTreeMap::from([("KEY".to_owned(), SecretText::new(KEY.to_owned()))]),
        cassettes: BTreeMap::from([("tape".to_owned(), entries)]),
        recorder: Some(tape.clone()),
    };
    let models = Models::new(config, parts)?;
    let deltas = Mutex::default();
    Ok(Stage { provider, models, clock, tokens, tape, files, call: call(&[]), deltas })
}

impl Stage {
    pub(crate) async fn ask(&self, request: &Value) -> Result<Value, Failure> {
        let on_delta = |delta: Delta| self.deltas.lock().unwrap().push(delta);
        self.ask_watching(request, &on_delta).await
    }

    pub(crate) async fn ask_watching(
        &self,
        request: &Value,
        on_delta: &(dyn Fn(Delta) + Send + Sync),
    ) -> Result<Value, Failure> {
        let hash = RequestHash::of(Operation::LlmComplete, request);
        let call = ModelCall { call: &self.call, request, hash, idempotency_key: "key-of-it" };
        self.models.ask(call, on_delta).await
    }

    /// The answer in a line.
    pub(crate) async fn told(&self, request: &Value) -> String {
        tell(&self.ask(request).await)
    }

    /// The deltas so far, one line.
    pub(crate) fn deltas(&self) -> String {
        let deltas = self.deltas.lock().unwrap();
        let told = deltas.iter().map(|delta| format!("{} {:?}", delta.n, delta.text));
        told.collect::<Vec<_>>().join(", ")
    }

    /// The body of the only request that the server saw: a line for each field and message.
    pub(crate) fn only_body(&self) -> String {
        let seen = self.provider.seen();
        assert_eq!(seen.len(), 1);
        let mut told = String::new();
        for (field, value) in seen[0].body.as_object().unwrap() {
            match value.as_array().filter(|_| field == "messages") {
                Some(messages) => messages.iter().for_each(|m| told += &format!("- {m}\n")),
                None => told += &format!("{field}: {value}\n"),
            }
        }
        told
    }
}

/// Parts, finish, usage and model; or the failure.
pub(crate) fn tell(answer: &Result<Value, Failure>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return tell_failure(failure),
    };
    let parts = answer["message"]["parts"].as_array().unwrap().iter();
    let parts: Vec<String> = parts
        .map(|part| match part["type"].as_str().unwrap() {
            "text" => part["text"].to_string(),
            "tool_call" => {
                let (id, name) = (part["id"].as_str().unwrap(), part["name"].as_str().unwrap());
                format!("{id} {name}({})", part["arguments"])
            }
            _ => part.to_string(),
        })
        .collect();
    let usage = &answer["usage"];
    let extra = match usage["extra"].as_object().unwrap().is_empty() {
        true => String::new(),
        false => format!(" {}", usage["extra"]),
    };
    let (read, written) = (&usage["input_tokens"], &usage["output_tokens"]);
    let (finish, model) = (answer["finish"].as_str().unwrap(), answer["model"].as_str().unwrap());
    format!("{model}: {} [{finish}, {read}+{written}{extra}]", parts.join(" | "))
}

fn tell_failure(failure: &Failure) -> String {
    let problem = failure.problem().unwrap();
    let again = if problem.retryable { ", retryable" } else { "" };
    let after = problem.retry_after_ms.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
    let message = failure.to_string().replacen("): ", ")\n", 1);
    format!("{message}{again}{after}")
}

/// A question of one text.
pub(crate) fn says(text: &str) -> Value {
    question(json!([{ "role": "user", "parts": [{ "type": "text", "text": text }] }]))
}

/// A question as the runtime builds it.
pub(crate) fn question(messages: Value) -> Value {
    let mut request = json!({
        "model": "fast", "tools": [], "response_schema": null, "max_tokens": null,
        "temperature": null, "stream_to": null, "options": {},
    });
    request["messages"] = messages;
    request
}

/// The request with some of its fields set.
pub(crate) fn with(mut request: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("fields must be an object") };
    request.as_object_mut().unwrap().extend(fields);
    request
}

/// A tool that looks things up.
pub(crate) fn search() -> Value {
    json!({
        "name": "search",
        "description": "Finds things.",
        "parameters": {
            "type": "object",
            "properties": { "x": { "type": "integer" } },
            "required": ["x"],
        },
    })
}

/// A conversation in which a tool was called and answered.
pub(crate) fn with_result(content: &Value, is_error: bool) -> Value {
    let call = json!({ "type": "tool_call", "id": "call_1", "name": "search",
        "arguments": { "x": 1 } });
    let result = json!({ "type": "tool_result", "id": "call_1", "content": content,
        "is_error": is_error });
    let messages = json!([
        { "role": "user", "parts": [{ "type": "text", "text": "look it up" }] },
        { "role": "assistant", "parts": [call] },
        { "role": "tool", "parts": [result] },
    ]);
    with(question(messages), json!({ "tools": [search()] }))
}

/// A clock on which every sleep is over at once; it says how long they were.
#[derive(Debug, Clone)]
pub(crate) struct Hasty {
    pub(crate) time: SimClock,
    waits: Arc<Mutex<Vec<u64>>>,
}

impl Hasty {
    pub(crate) fn waits(&self) -> Vec<u64> {
        self.waits.lock().unwrap().clone()
    }
}

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn monotonic_ns(&self) -> u64 {
        self.time.monotonic_ns()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let wait = at.since(self.time.now());
        self.waits.lock().unwrap().push(u64::try_from(wait.as_millis()).unwrap());
        self.time.advance(wait);
        std::future::ready(()).boxed()
    }
}

/// A meter that writes down what it lets pass.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    told: Mutex<Vec<String>>,
    pub(crate) are_spent: AtomicBool,
    pub(crate) counted: Mutex<Vec<String>>,
}

impl Tokens {
    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().join(", ")
    }
}

impl TokenMeter for Tokens {
    fn reserve<'a>(
        &'a self,
        _call: &'a AgentCall,
        tokens: u64,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let held = if self.are_spent.load(Ordering::Relaxed) {
            Err(Failure::Limit(Problem::new("tokens", "nothing left")))
        } else {
            self.told.lock().unwrap().push(format!("held {tokens}"));
            Ok(())
        };
        std::future::ready(held).boxed()
    }

    fn settle(&self, _call: &AgentCall, reserved: u64, used: u64) {
        self.told.lock().unwrap().push(format!("used {used} of {reserved}"));
    }

    fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage) {
        let ModelUsage { input_tokens, output_tokens, .. } = used;
        let counted = format!("{model} {outcome} {input_tokens}+{output_tokens}");
        self.counted.lock().unwrap().push(counted);
    }
}

/// A cassette that is made.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    lines: Mutex<Vec<String>>,
    pub(crate) is_full: AtomicBool,
}

impl Tape {
    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl CassetteSink for Tape {
    fn keep(&self, cassette: &str, entry: &CassetteEntry) -> Result<(), BoxError> {
        assert_eq!(cassette, "tape");
        if self.is_full.load(Ordering::Relaxed) {
            return Err("the disk is full".into());
        }
        self.lines.lock().unwrap().push(entry.to_line());
        Ok(())
    }
}

/// Blobs of the task's tenant, by a digest that is no hash.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<BTreeMap<Digest, Bytes>>);

impl Shelf {
    /// Keeps bytes, and gives the part of a message that names them.
    pub(crate) fn part(&self, number: u8, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::from_bytes([number; 32]);
        self.0.lock().unwrap().insert(digest, Bytes::copy_from_slice(bytes));
        let size = bytes.len();
        let blob = json!({ "$blob": digest, "size": size, "media_type": media_type });
        json!({ "type": "blob", "blob": blob })
    }
}

impl BodyStore for Shelf {
    fn put<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, Failure>> {
        panic!("models keep nothing")
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Failure>> {
        assert_eq!(tenant.as_str(), "acme");
        std::future::ready(Ok(self.0.lock().unwrap().get(&digest).cloned())).boxed()
    }
}

/// The schemas that the host has.
#[derive(Debug)]
pub(crate) struct Spec(pub(crate) wforge_spec::Schemas);

impl Schemas for Spec {
    fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        self.0.check(schema, value)
    }

    fn check_schema(&self, schema: &Value) -> Result<(), String> {
        self.0.check_schema(schema)
    }

    fn build(&self, schema: &Value, seed: u64) -> Value {
        self.0.build(schema, seed)
    }
}
