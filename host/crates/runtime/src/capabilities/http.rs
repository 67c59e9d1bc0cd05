//! `http`: the recorded way out. Request: `{"method", "url", "headers": [[name, value]],
//! "credentials": [{"header", "template", "secret"}], "body", "timeout_ms", "options"}` with a body
//! of `{"base64"}`, a blob reference or null; answer: `{"status", "headers", "body", "extra"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use wforge_model::effect::Operation;
use wforge_model::{Failure, Problem, Value};

use super::{Wit, answers, blob, typed};
use crate::bindings::workflowforge::plugin::http::{Body, Host, Request, Response};
use crate::guest::state::Guest;

/// Headers of one request; no host is set to send more. What is more is refused before anything is
/// made of it.
const HEADERS_MAX: usize = 16_384;

impl Host for Guest {
    async fn fetch(&mut self, requests: Vec<Request>) -> wasmtime::Result<Wit<Vec<Wit<Response>>>> {
        let elements = requests.iter().map(|request| element(self, request)).collect();
        let results = self.perform_all(Operation::HttpFetch, elements).await?;
        Ok(answers(Operation::HttpFetch, results, response))
    }
}

fn element(guest: &Guest, request: &Request) -> Result<Value, Failure> {
    if request.headers.len() > HEADERS_MAX {
        let message = format!("a request has at most {HEADERS_MAX} headers");
        return Err(Failure::InvalidInput(Problem::new("bad_header", message)));
    }
    let mut credentials = Vec::new();
    for credential in &request.credentials {
        let secret = guest.table.get(&credential.secret).map_err(|_| unknown_secret())?;
        credentials.push(json!({
            "header": credential.header,
            "template": credential.template,
            "secret": secret.name,
        }));
    }
    let body = match &request.body {
        None => Value::Null,
        Some(Body::Bytes(bytes)) => json!({ "base64": STANDARD.encode(bytes) }),
        Some(Body::Blob(reference)) => blob::to_json(guest, reference)?,
    };
    Ok(json!({
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "credentials": credentials,
        "body": body,
        "timeout_ms": request.timeout_ms,
        "options": guest.argument("options", &request.options)?,
    }))
}

fn unknown_secret() -> Failure {
    let message = "a credential names a secret that the plugin does not hold";
    Failure::InvalidInput(Problem::new("unknown_secret", message))
}

#[derive(Deserialize)]
struct ResponseAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
    #[serde(default)]
    extra: serde_json::Map<String, Value>,
}

fn response(value: Value) -> Option<Response> {
    let answer: ResponseAnswer = typed(value)?;
    let body = match answer.body.get("base64") {
        Some(text) => Body::Bytes(STANDARD.decode(text.as_str()?).ok()?),
        None if answer.body.is_null() => Body::Bytes(Vec::new()),
        None => Body::Blob(blob::from_json(&answer.body)?),
    };
    Some(Response {
        status: answer.status,
        headers: answer.headers,
        body,
        extra: Value::Object(answer.extra).to_string(),
    })
}
