//! One request to a provider: sent, sent again where that may help, and told in words otherwise.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use wforge_model::{Failure, Problem, Value};
use wforge_ports::Clock;

use super::answer::broken;
use super::key::{Key, without_key};
use super::models::ModelCall;
use super::retry::{backoff_ms, retry_after_ms};
use super::secret::SecretText;
use crate::outbound::{Outbound, OutboundError, OutboundRequest, OutboundResponse};

/// How much of a refusal is read, in bytes.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
/// How much of what a server says is shown, in characters.
const SAID_CHARS_MAX: usize = 500;

type Body = BoxStream<'static, Result<Bytes, OutboundError>>;

/// Where questions go, and how patiently.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) key: Key,
    pub(crate) timeout_ms: u64,
    pub(crate) retries_max: u32,
    pub(crate) retry_wait_ms_max: u64,
    pub(crate) answer_bytes_max: u64,
}

/// Sends questions to one endpoint.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) endpoint: Endpoint,
}

/// Why there is no answer.
enum Trouble {
    /// It may pass.
    Passing(Problem),
    /// Sending the same again would not help, or might do it twice.
    Final(Failure),
}

impl Exchange {
    /// Sends a question until the server takes it. The response's status is a success.
    pub(crate) async fn send(
        &self,
        call: &ModelCall<'_>,
        key: Option<&SecretText>,
        body: &Value,
    ) -> Result<OutboundResponse, Failure> {
        let body = Bytes::from(body.to_string());
        let wait_ms_max = self.endpoint.retry_wait_ms_max;
        let mut retries = 0;
        loop {
            let problem = match self.try_once(call, key, body.clone()).await {
                Ok(response) => return Ok(response),
                Err(Trouble::Final(failure)) => return Err(failure),
                Err(Trouble::Passing(problem)) => problem,
            };
            let backoff_ms = || backoff_ms(retries, call.idempotency_key, wait_ms_max);
            let wait_ms = problem.retry_after_ms.unwrap_or_else(backoff_ms);
            if retries >= self.endpoint.retries_max || wait_ms > wait_ms_max {
                return Err(Failure::Upstream(problem));
            }
            tracing::debug!(code = problem.code, wait_ms, "asking a provider again");
            self.clock.sleep_until(self.clock.now().after_ms(wait_ms)).await;
            retries += 1;
        }
    }

    async fn try_once(
        &self,
        call: &ModelCall<'_>,
        key: Option<&SecretText>,
        body: Bytes,
    ) -> Result<OutboundResponse, Trouble> {
        let request = self.request(call, key, body);
        let response = self.outbound.send(&call.call.tenant, request).await;
        let response = response.map_err(|error| match (&error, of_transport(&error)) {
            (OutboundError::Unreachable { .. }, Failure::Upstream(problem)) => {
                Trouble::Passing(problem)
            }
            (_, failure) => Trouble::Final(failure),
        })?;
        let code = match response.status {
            200..=299 => return Ok(response),
            429 => "rate_limited",
            500..=599 => "provider_failed",
            _ => return Err(Trouble::Final(self.refused(response, key).await)),
        };
        let retry_after_ms = retry_after_ms(&response.headers, self.clock.now());
        let mut problem = Problem::new(code, self.words(response, key).await).retryable();
        problem.retry_after_ms = retry_after_ms;
        Err(Trouble::Passing(problem))
    }

    fn request(
        &self,
        call: &ModelCall<'_>,
        secret: Option<&SecretText>,
        body: Bytes,
    ) -> OutboundRequest {
        let Endpoint { url, headers, key, timeout_ms, answer_bytes_max, .. } = &self.endpoint;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut all = vec![
            pair("content-type", "application/json"),
            pair("accept", "application/json, text/event-stream"),
            pair("idempotency-key", call.idempotency_key),
        ];
        all.extend(headers.iter().map(|(name, value)| pair(name, value)));
        if let Some(secret) = secret {
            all.push((key.header.to_owned(), [key.prefix, secret.reveal()].concat()));
        }
        OutboundRequest {
            method: "POST".to_owned(),
            url: url.clone(),
            headers: all,
            body,
            timeout: Duration::from_millis(*timeout_ms),
            response_bytes_max: *answer_bytes_max,
        }
    }

    async fn refused(&self, response: OutboundResponse, key: Option<&SecretText>) -> Failure {
        Failure::Upstream(Problem::new("provider_refused", self.words(response, key).await))
    }

    /// What a server says of its refusal, without the key that it may have repeated.
    async fn words(&self, response: OutboundResponse, key: Option<&SecretText>) -> String {
        let status = response.status;
        let body = beginning(response.body).await;
        let said = shown(&message_of(&body), key);
        if said.trim().is_empty() {
            return format!("the provider answered {status}");
        }
        format!("the provider answered {status}: {}", said.trim())
    }
}

/// A failure whose message may repeat what a server said.
pub(crate) fn printable(mut failure: Failure, key: Option<&SecretText>) -> Failure {
    if let Failure::Upstream(problem) = &mut failure {
        problem.message = shown(&problem.message, key);
    }
    failure
}

fn shown(text: &str, key: Option<&SecretText>) -> String {
    let text = without_key(text, key);
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(SAID_CHARS_MAX).collect()
}

/// All of a body.
pub(crate) async fn whole(mut body: Body) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| of_transport(&error))?);
    }
    Ok(bytes.freeze())
}

/// The beginning of a body, as far as it comes.
async fn beginning(mut body: Body) -> BytesMut {
    let mut bytes = BytesMut::new();
    while bytes.len() < REFUSAL_BYTES_MAX
        && let Some(Ok(piece)) = body.next().await
    {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// The message in a refusal, in the shapes that servers use; else all of it.
fn message_of(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let places = ["/error/message", "/error", "/message", "/detail"];
    let found = parsed.as_ref().and_then(|value| {
        places.iter().find_map(|place| value.pointer(place).and_then(Value::as_str))
    });
    found.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

/// What the guest gets where the way to a provider failed.
pub(crate) fn of_transport(error: &OutboundError) -> Failure {
    let problem = |code| Problem::new(code, error.to_string());
    match error {
        OutboundError::Invalid { .. } => Failure::Upstream(problem("not_sent")),
        OutboundError::Forbidden { .. } => Failure::Upstream(problem("forbidden_address")),
        OutboundError::Unreachable { .. } => Failure::Upstream(problem("unreachable").retryable()),
        OutboundError::Broken { .. } => broken(error.to_string()),
        OutboundError::Resting { retry_after_ms, .. } => {
            let mut problem = problem("circuit_open").retryable();
            problem.retry_after_ms = Some(*retry_after_ms);
            Failure::Upstream(problem)
        }
        OutboundError::Timeout { .. } => Failure::Upstream(problem("timeout").retryable()),
        OutboundError::TooLarge { .. } => Failure::Limit(problem("answer_bytes")),
    }
}
