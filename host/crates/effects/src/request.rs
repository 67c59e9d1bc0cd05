//! What a request needs and what it is called, from its operation and its own fields.

use wforge_model::agent::AgentCall;
use wforge_model::defence::{Defence, holds};
use wforge_model::effect::{Operation, RequestHash};
use wforge_model::{Capability, Denial, Failure, Grants, Problem, Value};
use wforge_ports::EffectRequest;

use crate::http;

/// The largest element of a host call, as JSON text, in bytes.
const ELEMENT_BYTES_MAX: usize = 16 << 20;
/// How much deeper than the guest's own JSON an element may nest: the host's records around it.
const ENVELOPE_DEPTH: u32 = 8;
/// The longest summary, in characters.
const SUMMARY_CHARS_MAX: usize = 240;

/// One element of a host call.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) operation: Operation,
    pub(crate) element: &'a Value,
    pub(crate) hash: RequestHash,
    pub(crate) summary: String,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(operation: Operation, element: &'a Value) -> Self {
        let hash = RequestHash::of(operation, element);
        Self { operation, element, hash, summary: summary(operation, element) }
    }

    /// Whether it calls an agent of the run, which has a record of its own.
    pub(crate) fn is_of_agent(&self, call: &AgentCall) -> bool {
        self.operation == Operation::ToolsCall && call.tools.contains_key(self.text("name"))
    }

    /// A text field of the request; empty where it is missing.
    pub(crate) fn text(&self, field: &str) -> &'a str {
        text(self.element, field)
    }

    /// A number of the request.
    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.element.get(field)?.as_u64()
    }

    /// The one check: whether the node may do this.
    pub(crate) fn require(&self, grants: &Grants, plugin: &str) -> Result<(), Denial> {
        match (self.operation, capability(self.operation, self.element)) {
            (Operation::ToolsList, _) => require_any(grants, plugin, "tool", "*"),
            // It goes nowhere, and what is wrong with it is said to whoever may send at all.
            (Operation::HttpFetch, None) => require_any(grants, plugin, "http", "<host>"),
            (_, Some(wanted)) => grants.require(plugin, &wanted),
            (_, None) => Ok(()),
        }
    }

    /// What it needs a grant for, where that can be named.
    pub(crate) fn wanted(&self) -> Option<Capability> {
        // The list of tools names no tool; each call of one is asked about.
        (self.operation != Operation::ToolsList)
            .then(|| capability(self.operation, self.element))
            .flatten()
    }

    /// The secrets that the host is to put into it, each as what holding it needs a grant for.
    pub(crate) fn held(&self) -> impl Iterator<Item = Capability> {
        let named =
            self.element.get("credentials").filter(|_| self.operation == Operation::HttpFetch);
        let credentials = named.and_then(Value::as_array).into_iter().flatten();
        credentials.map(|credential| secret(text(credential, "secret"), "hold"))
    }

    /// What the guest gets for a part of the contract that it may use and this host does not have.
    pub(crate) fn unserved(&self) -> Failure {
        let interface = self.operation.as_str().split('.').next().unwrap_or_default();
        let wanted = capability(self.operation, self.element);
        Failure::Denied(Denial {
            capability: wanted.as_ref().map_or(interface, Capability::kind).to_owned(),
            resource: wanted.as_ref().map_or("", Capability::resource).to_owned(),
            hint: format!("this host does not serve the interface {interface} yet"),
        })
    }
}

/// Whether `grants` let a plugin ask this, one element of a host call. For whoever answers in the
/// place of a host, and must deny what a host denies.
///
/// # Errors
/// The denial that a guest sees, with the command that would grant it.
pub fn permit(
    operation: Operation,
    element: &Value,
    grants: &Grants,
    plugin: &str,
) -> Result<(), Denial> {
    let asked = Asked::new(operation, element);
    asked.require(grants, plugin)?;
    asked.held().try_for_each(|held| grants.require(plugin, &held))
}

/// What one element of a host call needs grants for, the secrets that are filled into it included.
#[must_use]
pub fn wanted(operation: Operation, element: &Value) -> Vec<Capability> {
    let asked = Asked::new(operation, element);
    asked.wanted().into_iter().chain(asked.held()).collect()
}

/// Whether this host performs the operation.
pub(crate) const fn is_served(operation: Operation) -> bool {
    match operation {
        Operation::HumanAsk
        | Operation::TimerSleep
        | Operation::ToolsList
        | Operation::ToolsCall
        | Operation::KvGet
        | Operation::KvSet
        | Operation::KvDelete
        | Operation::KvList
        | Operation::KvCompareAndSwap
        | Operation::BlobsCreate
        | Operation::BlobsRead
        | Operation::SecretsGet
        | Operation::SecretsReveal => true,
        Operation::LlmComplete | Operation::HttpFetch => false,
    }
}

/// The capability that the request needs; none where it needs no grant.
fn capability(operation: Operation, element: &Value) -> Option<Capability> {
    Some(match operation {
        Operation::HumanAsk => Capability::of("ask", ""),
        Operation::LlmComplete => Capability::of("llm", text(element, "model")),
        Operation::HttpFetch => return http::wanted(element),
        Operation::ToolsCall => Capability::of("tool", text(element, "name")),
        Operation::ToolsList => Capability::of("tool", "*"),
        Operation::KvGet | Operation::KvList => {
            Capability::of("kv", &format!("{}:ro", text(element, "scope")))
        }
        Operation::KvSet | Operation::KvDelete | Operation::KvCompareAndSwap => {
            Capability::of("kv", text(element, "scope"))
        }
        Operation::SecretsGet => secret(text(element, "name"), "hold"),
        Operation::SecretsReveal => secret(text(element, "name"), "reveal"),
        Operation::TimerSleep | Operation::BlobsCreate | Operation::BlobsRead => return None,
    })
}

fn secret(name: &str, how: &str) -> Capability {
    Capability::of("secret", &format!("{name}:{how}"))
}

/// Whether it has a grant of that kind at all: who may call any tool may see the list of those that
/// it may call.
pub(crate) fn require_any(
    grants: &Grants,
    plugin: &str,
    kind: &str,
    suggested: &str,
) -> Result<(), Denial> {
    if grants.has_kind(kind) || !holds(Defence::Grants) {
        return Ok(());
    }
    grants.require(plugin, &Capability::of(kind, suggested))
}

fn text<'a>(element: &'a Value, field: &str) -> &'a str {
    element.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The request in words, for whoever debugs a divergence.
fn summary(operation: Operation, element: &Value) -> String {
    let what = match operation {
        Operation::HumanAsk => format!("\"{}\"", text(element, "prompt")),
        Operation::TimerSleep => {
            format!("{} ms", element.get("ms").and_then(Value::as_u64).unwrap_or_default())
        }
        // Not its bytes, which may be megabytes.
        Operation::BlobsCreate => {
            let base64_bytes = text(element, "base64").len();
            format!("{}, {base64_bytes} bytes as base64", text(element, "media_type"))
        }
        // The name first: an input may be long.
        Operation::ToolsCall => {
            let input = element.get("input").unwrap_or(&Value::Null);
            format!("{} {input}", text(element, "name"))
        }
        Operation::LlmComplete
        | Operation::HttpFetch
        | Operation::ToolsList
        | Operation::KvGet
        | Operation::KvSet
        | Operation::KvDelete
        | Operation::KvList
        | Operation::KvCompareAndSwap
        | Operation::SecretsGet
        | Operation::SecretsReveal
        | Operation::BlobsRead => element.to_string(),
    };
    format!("{operation} {what}").chars().take(SUMMARY_CHARS_MAX).collect()
}

/// Refuses a call that is too much to hash and keep.
pub(crate) fn check(request: &EffectRequest, json_depth_max: u32) -> Result<(), Failure> {
    let depth_max = json_depth_max.saturating_add(ENVELOPE_DEPTH);
    for element in &request.elements {
        if is_deeper(element, depth_max) {
            let message = format!("the request nests deeper than {json_depth_max} levels");
            return Err(Failure::InvalidInput(Problem::new("json_depth", message)));
        }
        if element.to_string().len() > ELEMENT_BYTES_MAX {
            let message = format!("a request may have at most {ELEMENT_BYTES_MAX} bytes");
            return Err(Failure::Limit(Problem::new("request_bytes", message)));
        }
    }
    Ok(())
}

/// Whether arrays and objects lie in each other more than so deep.
pub(crate) fn is_deeper(value: &Value, levels: u32) -> bool {
    let below = |inner: &Value| levels == 0 || is_deeper(inner, levels - 1);
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(below),
        Value::Object(fields) => levels == 0 || fields.values().any(below),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_deeper;

    #[test]
    fn depth_counts_arrays_and_objects() {
        assert!(!is_deeper(&json!({ "a": [1] }), 2));
        assert!(is_deeper(&json!({ "a": [1] }), 1));
        assert!(!is_deeper(&json!("text"), 0));
    }
}
