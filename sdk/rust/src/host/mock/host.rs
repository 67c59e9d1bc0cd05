//! Answers an agent from the script.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::rc::Rc;

use super::memory::{Memory, check};
use super::script::{Script, WRITES};
use crate::bindings::workflowforge::plugin as wit;
use crate::host::Answers;
use crate::json::read;
use crate::{Blob, Failure, Level, http, kv, llm, tools};

/// How a need ends that reads alone.
const READS: &str = ":ro";

#[derive(Debug, Clone, Default)]
pub(crate) struct Host(Rc<RefCell<Script>>);

/// A secret that the plugin may use but not see.
pub struct Secret {
    name: String,
    value: String,
    host: Host,
}

impl Secret {
    /// Its text. Needs `secret:<name>:reveal`.
    ///
    /// # Errors
    /// Denied.
    pub fn reveal(&self) -> Result<String, Failure> {
        let script = self.host.note(format!("reveal {}", self.name));
        script.allow("secret", &format!("{}:reveal", self.name))?;
        Ok(self.value.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Host {
    pub(super) fn new(script: Rc<RefCell<Script>>) -> Self {
        Self(script)
    }

    fn script(&self) -> RefMut<'_, Script> {
        self.0.borrow_mut()
    }

    /// Writes down what the agent does, before it is known what comes of it.
    fn note(&self, line: String) -> RefMut<'_, Script> {
        let mut script = self.script();
        script.done.push(line);
        script
    }

    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let fields: String =
            fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        self.script().logs.push(format!("{} {message}{fields}", level_name(level)));
    }

    pub(crate) fn emit(&self, topic: &str, payload: &str) -> Result<(), Failure> {
        let mut script = self.note(format!("emit {topic} {payload}"));
        let payload = read("payload", payload)?;
        script.events.push((topic.to_owned(), payload));
        Ok(())
    }

    pub(crate) fn sleep(&self, ms: u64) -> Result<(), Failure> {
        let mut script = self.note(format!("sleep {ms}"));
        script.clock_ms = script.clock_ms.saturating_add(ms);
        Ok(())
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.script().clock_ms
    }

    pub(crate) fn ask(&self, requests: &[wit::human::Request]) -> Answers<String> {
        each(requests, |request| {
            let mut script = self.note(format!("ask {}", request.prompt));
            script.allow("ask", "")?;
            let answer = script.asks.pop_front();
            let answer = answer.unwrap_or_else(|| Err(unscripted("ask", "", "ask(answer)")))?;
            Ok(answer.to_string())
        })
    }

    /// The tools with an answer left.
    pub(crate) fn list_tools(&self) -> Result<Vec<tools::Tool>, Failure> {
        let script = self.note("tools".to_owned());
        script.allow("tool", "*")?;
        let mut names: Vec<_> = script.tools.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        Ok(names.into_iter().map(tool).collect())
    }

    pub(crate) fn call_tools(&self, requests: &[wit::tools::Request]) -> Answers<String> {
        each(requests, |request| {
            let name = &request.name;
            let mut script = self.note(format!("tool {name}"));
            script.allow("tool", name)?;
            let method = format!("tool(\"{name}\", answer)");
            let answer = Script::next_for(&mut script.tools, name);
            let answer = answer.unwrap_or_else(|| Err(unscripted("tool", name, &method)))?;
            Ok(answer.to_string())
        })
    }

    pub(crate) fn complete(&self, requests: &[llm::Request]) -> Answers<llm::Response> {
        each(requests, |request| {
            let model = &request.model;
            let last = request.messages.last().map(llm::Message::text).unwrap_or_default();
            let mut script = self.note(format!("llm {model} {last}"));
            script.allow("llm", model)?;
            let answer = script.llm.pop_front();
            let mut response =
                answer.unwrap_or_else(|| Err(unscripted("llm", model, "llm(answer)")))?;
            if response.model.is_empty() {
                response.model.clone_from(model);
            }
            Ok(response)
        })
    }

    pub(crate) fn fetch(&self, requests: Vec<http::Request<'_>>) -> Answers<http::Response> {
        each(&requests, |request| {
            let url = &request.url;
            let resource = format!("{} {url}", request.method);
            let mut script = self.note(sent(request));
            script.allow("http", &resource)?;
            let method = format!("http(\"{url}\", response)");
            let answer = Script::next_for(&mut script.http, url);
            answer.unwrap_or_else(|| Err(unscripted("http", &resource, &method)))
        })
    }

    pub(crate) fn kv_get(&self, scope: kv::Scope, key: &str) -> Result<Option<kv::Entry>, Failure> {
        Ok(self.memory("get", READS, scope, (key, None))?.get(scope, key))
    }

    pub(crate) fn kv_set(
        &self,
        scope: kv::Scope,
        key: &str,
        value: &str,
        ttl_ms: Option<u64>,
    ) -> Result<kv::Entry, Failure> {
        let mut memory = self.memory("set", WRITES, scope, (key, Some(value)))?;
        Ok(memory.set(scope, key, value, ttl_ms))
    }

    pub(crate) fn kv_delete(&self, scope: kv::Scope, key: &str) -> Result<bool, Failure> {
        Ok(self.memory("delete", WRITES, scope, (key, None))?.delete(scope, key))
    }

    pub(crate) fn kv_list(
        &self,
        scope: kv::Scope,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<kv::Page, Failure> {
        self.memory("list", READS, scope, (prefix, None))?.list(scope, prefix, limit, cursor)
    }

    pub(crate) fn kv_swap(
        &self,
        scope: kv::Scope,
        key: &str,
        expected: Option<u64>,
        value: &str,
    ) -> Result<bool, Failure> {
        let mut memory = self.memory("swap", WRITES, scope, (key, Some(value)))?;
        Ok(memory.swap(scope, key, expected, value))
    }

    /// The memory, for what the agent does there, unless that is denied.
    fn memory(
        &self,
        verb: &str,
        need: &str,
        scope: kv::Scope,
        (key, value): (&str, Option<&str>),
    ) -> Result<RefMut<'_, Memory>, Failure> {
        let scope = scope_name(scope);
        let written = value.map(|value| format!(" {value}")).unwrap_or_default();
        let script = self.note(format!("kv {verb} {scope} {key}{written}"));
        script.allow("kv", &format!("{scope}{need}"))?;
        check(key, value.unwrap_or_default())?;
        Ok(RefMut::map(script, Script::memory_now))
    }

    pub(crate) fn blob_write(&self, media_type: &str, bytes: &[u8]) -> Result<Blob, Failure> {
        let mut script = self.note(format!("blob write {media_type} {}", bytes.len()));
        script.allow("blobs", media_type)?;
        Ok(script.store(media_type, bytes))
    }

    pub(crate) fn blob_read(&self, blob: &Blob, offset: u64, len: u32) -> Result<Vec<u8>, Failure> {
        let digest = &blob.digest;
        let script = self.note(format!("blob read {digest} {offset} {len}"));
        script.allow("blobs", digest)?;
        let bytes = script.blobs.get(digest);
        let bytes = bytes.ok_or_else(|| unscripted("blobs", digest, "blob(media_type, bytes)"))?;
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        Ok(bytes.iter().skip(at(offset)).take(at(u64::from(len))).copied().collect())
    }

    pub(crate) fn secret(&self, name: &str) -> Result<Secret, Failure> {
        let resource = format!("{name}:hold");
        let script = self.note(format!("secret {name}"));
        script.allow("secret", &resource)?;
        let method = format!("secret(\"{name}\", value)");
        let value = script.secrets.get(name);
        let value = value.ok_or_else(|| unscripted("secret", &resource, &method))?.clone();
        Ok(Secret { name: name.to_owned(), value, host: self.clone() })
    }
}

/// What a host says that granted nothing, with what the test would have to call.
fn unscripted(capability: &str, resource: &str, method: &str) -> Failure {
    let hint = format!("nothing is scripted for it; the test calls MockHost::{method}");
    Failure::denied(capability, resource, hint)
}

fn each<R, T>(requests: &[R], answer: impl FnMut(&R) -> Result<T, Failure>) -> Answers<T> {
    Ok(requests.iter().map(answer).collect())
}

/// `http POST https://api.example.com {"n":1}`, without the body where that is a blob.
fn sent(request: &http::Request<'_>) -> String {
    let line = format!("http {} {}", request.method, request.url);
    match &request.body {
        Some(http::Body::Bytes(bytes)) => format!("{line} {}", String::from_utf8_lossy(bytes)),
        Some(http::Body::Blob(_)) | None => line,
    }
}

fn tool(name: String) -> tools::Tool {
    let any = || "{}".to_owned();
    tools::Tool { name, description: String::new(), input_schema: any(), output_schema: any() }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn scope_name(scope: kv::Scope) -> &'static str {
    match scope {
        kv::Scope::Run => "run",
        kv::Scope::Thread => "thread",
        kv::Scope::Plugin => "plugin",
    }
}
