//! One element of a host call, and the line by which people read it. The SDKs' own unit tests
//! write the same lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use wforge_model::effect::Operation;
use wforge_model::{Failure, Value};
use wforge_ports::RawRequest;

/// What a guest asked, and what it was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effect {
    /// The function; none for what the guest's own HTTP client sent.
    pub(crate) operation: Option<Operation>,
    /// The request.
    pub(crate) element: Value,
    /// The answer; none where the guest did not live to see one, and of what its own HTTP client
    /// sent only a denial.
    pub(crate) answer: Option<Result<Value, Failure>>,
}

impl Effect {
    /// What a guest's own HTTP client sends.
    pub(super) fn unrecorded(request: &RawRequest) -> Self {
        let element = json!({ "method": request.method, "url": request.url });
        Self { operation: None, element, answer: None }
    }

    /// Whether it was denied.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(&self.answer, Some(Err(Failure::Denied(_))))
    }

    /// As `ask Publish?`, `sleep 250` or `kv set run k1 "a1"`.
    pub(crate) fn line(&self) -> String {
        let text = |field| text_of(self.element.get(field));
        let json = |field| self.element.get(field).unwrap_or(&Value::Null).to_string();
        let Some(operation) = self.operation else {
            return format!("raw http {} {}", text("method"), text("url"));
        };
        match operation {
            Operation::LlmComplete => format!("llm {} {}", text("model"), said_last(&self.element)),
            Operation::HttpFetch => sent(&self.element),
            Operation::ToolsList => "tools".to_owned(),
            Operation::ToolsCall => format!("tool {}", text("name")),
            Operation::KvGet => format!("kv get {} {}", text("scope"), text("key")),
            Operation::KvSet => {
                format!("kv set {} {} {}", text("scope"), text("key"), json("value"))
            }
            Operation::KvDelete => format!("kv delete {} {}", text("scope"), text("key")),
            Operation::KvList => format!("kv list {} {}", text("scope"), text("prefix")),
            Operation::KvCompareAndSwap => {
                format!("kv swap {} {} {}", text("scope"), text("key"), json("value"))
            }
            Operation::HumanAsk => format!("ask {}", text("prompt")),
            Operation::TimerSleep => format!("sleep {}", json("ms")),
            Operation::SecretsGet => format!("secret {}", text("name")),
            Operation::SecretsReveal => format!("secret reveal {}", text("name")),
            Operation::BlobsCreate => {
                let bytes = STANDARD.decode(text("base64")).unwrap_or_default();
                format!("blob write {} {}", text("media_type"), bytes.len())
            }
            Operation::BlobsRead => {
                let digest = text_of(self.element.pointer("/blob/$blob"));
                format!("blob read {digest} {} {}", json("offset"), json("len"))
            }
        }
    }
}

fn text_of(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The text of the last message.
fn said_last(request: &Value) -> String {
    let messages = request.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|messages| messages.last());
    let parts = last.and_then(|last| last.get("parts")).and_then(Value::as_array);
    let texts = parts.into_iter().flatten().filter_map(|part| part.get("text")?.as_str());
    texts.collect()
}

/// Without the body where that is no text.
fn sent(request: &Value) -> String {
    let text = |field| text_of(request.get(field));
    let line = format!("http {} {}", text("method"), text("url"));
    let body = request.pointer("/body/base64").and_then(Value::as_str);
    let body = body.and_then(|body| String::from_utf8(STANDARD.decode(body).ok()?).ok());
    match body {
        Some(body) if !body.is_empty() => format!("{line} {body}"),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_sdks_own_tests() {
        let line = |operation, element| {
            Effect { operation: Some(operation), element, answer: None }.line()
        };
        let request = json!({
            "model": "m", "messages": [{ "role": "user", "parts": [{ "type": "text", "text": "hi" }] }],
        });
        assert_eq!(line(Operation::LlmComplete, request), "llm m hi");
        let request = json!({
            "method": "POST", "url": "https://a.example/", "body": { "base64": "eyJuIjoxfQ==" },
        });
        assert_eq!(line(Operation::HttpFetch, request), "http POST https://a.example/ {\"n\":1}");
        let request = json!({ "scope": "run", "key": "k1", "value": "a1" });
        assert_eq!(line(Operation::KvSet, request), "kv set run k1 \"a1\"");
        assert_eq!(line(Operation::TimerSleep, json!({ "ms": 5 })), "sleep 5");
        assert_eq!(line(Operation::HumanAsk, json!({ "prompt": "go on?" })), "ask go on?");
        let request = json!({ "media_type": "text/plain", "base64": "aGk=" });
        assert_eq!(line(Operation::BlobsCreate, request), "blob write text/plain 2");
    }
}
