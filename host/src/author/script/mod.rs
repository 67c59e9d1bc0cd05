//! A host that is played: what a guest asks is answered from a script, and what was not granted is
//! denied as a real host denies it.
//!
//! Memory is real and has versions, time moves only by sleeping, and a script's answers are used up
//! in the order in which they stand.

mod answer;
mod http;
mod kv;

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wforge_effects::llm::CassetteEntry;
use wforge_model::effect::{Operation, RequestHash};
use wforge_model::limits::SandboxLimits;
use wforge_model::{
    Capability, Denial, Digest, Failure, Grants, PluginName, Problem, Timestamp, Value,
};
use wforge_ports::effects::GuestLine;
use wforge_ports::{
    BoxFuture, EffectAnswer, EffectRequest, EffectSession, RawFailure, RawRequest, RawResponse,
};
use wforge_spec::Schemas;
use wforge_spec::suite::{Answer, HttpAnswer, Script, ToolAnswer};

use super::sandbox::Call;
use super::stage::World;
use kv::Memory;

/// Where a script says nothing of the time: 2026-01-01T00:00:00Z.
const CLOCK_MS: u64 = 1_767_225_600_000;
/// The longest sleep, as a real host has it.
const SLEEP_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1_000;

/// What is done where a script has no more answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Extras {
    /// It is denied.
    #[default]
    Denied,
    /// Something that fits is answered, the same to the same question.
    MadeUp,
}

/// One execution's effects.
#[derive(Debug)]
pub(crate) struct Scripted {
    plugin: String,
    grants: Grants,
    now: Timestamp,
    position: u32,
    llm: VecDeque<Answer>,
    ask: VecDeque<Answer>,
    http: Vec<Once<HttpAnswer>>,
    tools: Vec<Once<ToolAnswer>>,
    cassette: BTreeMap<RequestHash, CassetteEntry>,
    secrets: BTreeMap<String, String>,
    memory: Memory,
    blobs: BTreeMap<Digest, Vec<u8>>,
    may_open: String,
    schemas: Schemas,
    extras: Extras,
    /// What the script itself has wrong.
    problems: Vec<String>,
}

/// An answer that can be given once.
#[derive(Debug)]
struct Once<T> {
    answer: T,
    is_used: bool,
}

impl<T> Once<T> {
    const fn new(answer: T) -> Self {
        Self { answer, is_used: false }
    }
}

impl Scripted {
    /// Effects of a call of that plugin, answered from the script and the cassette.
    pub(crate) fn new(plugin: &PluginName, call: &Call, world: &World<'_>) -> Self {
        let Script { llm, http, tools, ask, kv, secrets, clock_ms } = world.script.clone();
        let now = Timestamp(clock_ms.unwrap_or(CLOCK_MS));
        let entries = world.cassette.iter().map(|entry| (entry.hash, entry.clone()));
        Self {
            plugin: plugin.as_str().to_owned(),
            grants: call.grants.clone(),
            now,
            position: 0,
            llm: llm.into(),
            ask: ask.into(),
            http: http.into_iter().map(Once::new).collect(),
            tools: tools.into_iter().map(Once::new).collect(),
            cassette: entries.collect(),
            secrets,
            memory: Memory::of(kv),
            blobs: BTreeMap::new(),
            may_open: [&call.input, &call.config, &call.context].map(ToString::to_string).concat(),
            schemas: Schemas::new(),
            extras: world.extras,
            problems: Vec::new(),
        }
    }

    /// Effects that are all denied, as by a host that granted nothing.
    pub(crate) fn nothing(plugin: &PluginName, call: &Call) -> Self {
        let call = Call { grants: Grants::default(), ..call.clone() };
        Self::new(plugin, &call, &World::default())
    }

    /// What is wrong with the script itself, such as an answer that the question does not allow.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Answers that nobody asked for, one line each.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let counted = [("llm", self.llm.len()), ("ask", self.ask.len())];
        let mut lines: Vec<String> = counted
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| {
                format!("script.{name}: {count} of its answers were not asked for")
            })
            .collect();
        let urls = self.http.iter().filter(|once| !once.is_used).map(|once| &once.answer.url);
        lines.extend(urls.map(|url| format!("script.http: nobody asked for {url}")));
        let names = self.tools.iter().filter(|once| !once.is_used && once.answer.is_answered());
        lines.extend(names.map(|once| format!("script.tool: nobody called {}", once.answer.name)));
        lines
    }

    fn answer(&mut self, operation: Operation, element: &Value) -> Answer {
        wforge_effects::permit(operation, element, &self.grants, &self.plugin)
            .map_err(Failure::Denied)?;
        let text = |field| text_of(element, field);
        match operation {
            Operation::LlmComplete => self.complete(element),
            Operation::HttpFetch => self.fetch(element),
            Operation::ToolsList => Ok(self.listed()),
            Operation::ToolsCall => self.call_tool(text("name")),
            Operation::HumanAsk => self.ask(element),
            Operation::TimerSleep => self.sleep(element),
            Operation::KvGet
            | Operation::KvSet
            | Operation::KvDelete
            | Operation::KvList
            | Operation::KvCompareAndSwap => self.memory.answer(operation, element, self.now),
            Operation::SecretsGet => self.secret(text("name")).map(|_| json!({ "version": 1 })),
            Operation::SecretsReveal => self.secret(text("name")).map(Value::from),
            Operation::BlobsCreate => self.create_blob(element),
            Operation::BlobsRead => self.read_blob(element),
        }
    }

    fn complete(&mut self, request: &Value) -> Answer {
        let recorded = self.cassette.get(&RequestHash::of(Operation::LlmComplete, request));
        if let Some(entry) = recorded {
            return entry.answer.clone();
        }
        let model = text_of(request, "model");
        let answer = match self.llm.pop_front() {
            Some(scripted) => scripted?,
            None => self
                .made_up(request.get("response_schema"))
                .ok_or_else(|| unscripted("llm", model, "script.llm"))?,
        };
        Ok(answer::of_model(model, &answer))
    }

    /// Where answers are made up: one that fits the schema, else a word.
    fn made_up(&self, schema: Option<&Value>) -> Option<Value> {
        let schema = schema.filter(|schema| !schema.is_null());
        (self.extras == Extras::MadeUp).then(|| match schema {
            Some(schema) => self.schemas.build(schema, 0),
            None => json!("made up"),
        })
    }

    fn listed(&self) -> Value {
        let mut listed: BTreeMap<&str, Value> = BTreeMap::new();
        for Once { answer, .. } in &self.tools {
            let name = answer.name.as_str();
            if self.grants.allow(&Capability::of("tool", name)) {
                listed.entry(name).or_insert_with(|| answer.told());
            }
        }
        listed.into_values().collect()
    }

    fn call_tool(&mut self, name: &str) -> Answer {
        let fits = |once: &&mut Once<ToolAnswer>| {
            !once.is_used && once.answer.name == name && once.answer.is_answered()
        };
        match self.tools.iter_mut().find(fits) {
            Some(found) => {
                found.is_used = true;
                found.answer.answer.clone().unwrap_or(Ok(Value::Null))
            }
            None => self.made_up(None).ok_or_else(|| unscripted("tool", name, "script.tool")),
        }
    }

    fn ask(&mut self, request: &Value) -> Answer {
        let prompt = text_of(request, "prompt");
        let schema = request.get("schema").filter(|schema| !schema.is_null());
        let answer = match self.ask.pop_front() {
            Some(scripted) => scripted?,
            None => self.made_up(schema).ok_or_else(|| unscripted("ask", prompt, "script.ask"))?,
        };
        // A real host takes no answer that does not fit.
        if let Some(schema) = schema
            && let Err(misses) = self.schemas.check(schema, &answer)
        {
            let misses = misses.join("; ");
            self.problems.push(format!("script.ask: the answer to \"{prompt}\": {misses}"));
        }
        Ok(answer)
    }

    fn secret(&self, name: &str) -> Result<String, Failure> {
        let made_up = || (self.extras == Extras::MadeUp).then(|| "a made up secret".to_owned());
        let known = self.secrets.get(name).cloned().or_else(made_up);
        known.ok_or_else(|| no_secret(name))
    }

    fn sleep(&mut self, request: &Value) -> Answer {
        let ms = request.get("ms").and_then(Value::as_u64).unwrap_or(0);
        if ms > SLEEP_MS_MAX {
            let problem = Problem::new("sleep_too_long", "sleep at most 366 days");
            return Err(Failure::InvalidInput(problem));
        }
        self.now = self.now.after_ms(ms);
        Ok(Value::Null)
    }

    fn create_blob(&mut self, request: &Value) -> Answer {
        let bytes = STANDARD.decode(text_of(request, "base64")).map_err(|_| {
            Failure::InvalidInput(Problem::new("blob_base64", "the blob's bytes are no base64"))
        })?;
        let digest = Digest::from_bytes(Sha256::digest(&bytes).into());
        let media_type = text_of(request, "media_type");
        let reference = json!({ "$blob": digest, "size": bytes.len(), "media_type": media_type });
        self.blobs.insert(digest, bytes);
        Ok(reference)
    }

    fn read_blob(&self, request: &Value) -> Answer {
        let digest = request.pointer("/blob/$blob").and_then(Value::as_str).unwrap_or_default();
        let known = digest.parse().ok().and_then(|digest: Digest| self.blobs.get(&digest));
        let Some(bytes) = known else {
            return Err(self.closed_blob(digest));
        };
        let number = |field| {
            let number = request.get(field).and_then(Value::as_u64).unwrap_or(0);
            usize::try_from(number).unwrap_or(usize::MAX).min(bytes.len())
        };
        let from = number("offset");
        let to = from.saturating_add(number("len")).min(bytes.len());
        Ok(json!(STANDARD.encode(bytes.get(from..to).unwrap_or_default())))
    }

    fn closed_blob(&self, digest: &str) -> Failure {
        if !digest.is_empty() && self.may_open.contains(digest) {
            let message = format!("there is no blob {digest}");
            return Failure::InvalidInput(Problem::new("no_blob", message));
        }
        Failure::Denied(Denial {
            capability: "blobs".to_owned(),
            resource: digest.to_owned(),
            hint: "a task opens only the blobs that its own input names and those that it wrote"
                .to_owned(),
        })
    }
}

impl EffectSession for Scripted {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        // As a host has it unless told.
        let max = SandboxLimits::default().effects_max;
        let mut answers = Vec::with_capacity(request.elements.len());
        for element in &request.elements {
            if self.position >= max {
                let message = format!("a task may have at most {max} effects");
                let refused = Failure::Limit(Problem::new("effects", message));
                return Box::pin(std::future::ready(EffectAnswer::Refused(refused)));
            }
            self.position = self.position.saturating_add(1);
            answers.push(self.answer(request.operation, element));
        }
        Box::pin(std::future::ready(EffectAnswer::Answered(answers)))
    }

    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        let answer = self.exchanged(&request);
        Box::pin(std::future::ready(answer))
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn random_seed(&self) -> [u8; 32] {
        [0; 32]
    }

    fn position(&self) -> u32 {
        self.position
    }

    fn log(&mut self, _line: GuestLine) {}

    fn emit(&mut self, _topic: String, _payload: Value) {}
}

fn text_of<'a>(element: &'a Value, field: &str) -> &'a str {
    element.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A text as it is, any other JSON as JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What is granted and has no answer here.
fn unscripted(capability: &str, resource: &str, place: &str) -> Failure {
    Failure::Denied(Denial {
        capability: capability.to_owned(),
        resource: resource.to_owned(),
        hint: format!("the case has no more answers to this: add one under {place}"),
    })
}

/// As of a tenant that has no such secret.
fn no_secret(name: &str) -> Failure {
    Failure::Denied(Denial {
        capability: "secret".to_owned(),
        resource: format!("{name}:hold"),
        hint: format!("the case has no such secret: add it under script.secrets.{name}"),
    })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn played() -> Scripted {
        let plugin: PluginName = "test/fixture".parse().unwrap();
        Scripted::nothing(&plugin, &Call::of("main", json!({})))
    }

    fn sleep(scripted: &mut Scripted, ms: u64) -> EffectAnswer {
        let elements = vec![json!({ "ms": ms })];
        let request = EffectRequest { operation: Operation::TimerSleep, elements };
        scripted.perform(request).now_or_never().expect("nothing is waited for")
    }

    #[test]
    fn sleeping_moves_the_clock_as_far_as_a_host_sleeps() {
        let mut scripted = played();
        let began = scripted.now();
        sleep(&mut scripted, SLEEP_MS_MAX);
        assert_eq!(scripted.now(), began.after_ms(SLEEP_MS_MAX));
        let answer = sleep(&mut scripted, SLEEP_MS_MAX + 1);
        let EffectAnswer::Answered(answers) = answer else { panic!("it is answered") };
        assert_eq!(answers[0].as_ref().unwrap_err().code(), "sleep_too_long");
    }

    #[test]
    fn a_call_has_as_many_effects_as_in_a_host() {
        let mut scripted = played();
        for _ in 0..SandboxLimits::default().effects_max {
            assert!(matches!(sleep(&mut scripted, 0), EffectAnswer::Answered(_)));
        }
        let answer = sleep(&mut scripted, 0);
        let EffectAnswer::Refused(failure) = answer else { panic!("it is refused") };
        assert_eq!(failure.code(), "effects");
    }
}
