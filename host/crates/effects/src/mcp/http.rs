//! MCP's streamable HTTP through the host's one way out.
//!
//! A connection holds no stream open while nothing is asked of the server: what a server would say
//! on its own account nobody here wants to hear.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use serde_json::Value;
use sse_stream::{Sse, SseStream};
use wforge_model::TenantId;

use crate::outbound::{Outbound, OutboundError, OutboundRequest, OutboundResponse};

/// The largest answer to one request, in bytes, with everything that the protocol puts around it.
const EXCHANGE_BYTES_MAX: u64 = 1 << 20;
/// Where the idempotency key of a call stands in its `_meta`.
pub(super) const IDEMPOTENCY_META: &str = "workflowforge/idempotency-key";
/// The code of an error that stands for an answer which was larger than it may be.
pub(super) const TOO_LARGE: ErrorCode = ErrorCode(-32_950);

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

type Failed = StreamableHttpError<HttpFault>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum HttpFault {
    /// It did not get through.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The server refused it.
    #[error("it answered with status {status}")]
    Status {
        /// The status.
        status: u16,
        /// When it asks to be tried again.
        retry_after_ms: Option<u64>,
    },
    /// Whatever answered speaks something else.
    #[error("its answer is none of MCP: {0}")]
    NotMcp(&'static str),
}

impl From<HttpFault> for Failed {
    fn from(fault: HttpFault) -> Self {
        Self::Client(fault)
    }
}

impl From<OutboundError> for Failed {
    fn from(error: OutboundError) -> Self {
        Self::Client(error.into())
    }
}

/// Sends the requests of one tenant to one server. Its headers hold secrets.
#[derive(Clone)]
pub(super) struct HttpClient {
    pub(super) outbound: Arc<dyn Outbound>,
    pub(super) tenant: TenantId,
    pub(super) headers: Arc<[(String, String)]>,
    pub(super) timeout: Duration,
}

impl HttpClient {
    async fn send(
        &self,
        method: &str,
        uri: &str,
        mut headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<OutboundResponse, Failed> {
        headers.extend(self.headers.iter().cloned());
        let request = OutboundRequest {
            method: method.to_owned(),
            url: uri.to_owned(),
            headers,
            body: body.into(),
            timeout: self.timeout,
            response_bytes_max: EXCHANGE_BYTES_MAX,
        };
        Ok(self.outbound.send(&self.tenant, request).await?)
    }
}

impl StreamableHttpClient for HttpClient {
    type Error = HttpFault;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _auth: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let body = serde_json::to_value(&message)?;
        let mut headers = headers(&format!("{JSON}, {EVENTS}"), session.as_deref(), &custom)?;
        headers.push(("content-type".into(), JSON.into()));
        let meta = body.get("params").and_then(|params| params.get("_meta"));
        let key = meta.and_then(|meta| meta.get(IDEMPOTENCY_META)).and_then(Value::as_str);
        headers.extend(key.map(|key| ("idempotency-key".into(), key.to_owned())));
        let response = self.send("POST", &uri, headers, serde_json::to_vec(&body)?).await?;
        Posted { message: &message, has_session: session.is_some() }.answer(response).await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        _auth: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        let headers = headers(JSON, Some(&session), &custom)?;
        match self.send("DELETE", &uri, headers, Vec::new()).await?.status {
            405 => Err(StreamableHttpError::ServerDoesNotSupportDeleteSession),
            _ => Ok(()),
        }
    }

    /// Only an answer that broke off is taken up again.
    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _auth: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, Failed> {
        let Some(last_event) = last_event else {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        };
        let mut headers = headers(EVENTS, session.as_deref(), &custom)?;
        headers.push(("last-event-id".into(), last_event));
        let response = self.send("GET", &uri, headers, Vec::new()).await?;
        match response.status {
            200 if media_type(&response) == EVENTS => Ok(events(response.body, None)),
            200 => Err(HttpFault::NotMcp("a stream of another media type").into()),
            405 => Err(StreamableHttpError::ServerDoesNotSupportSse),
            _ => Err(refusal(&response).into()),
        }
    }
}

fn headers(
    accept: &str,
    session: Option<&str>,
    custom: &HashMap<HeaderName, HeaderValue>,
) -> Result<Vec<(String, String)>, Failed> {
    let mut headers = vec![("accept".to_owned(), accept.to_owned())];
    headers.extend(session.map(|session| ("mcp-session-id".to_owned(), session.to_owned())));
    for (name, value) in custom {
        let value = value.to_str().map_err(|_| HttpFault::NotMcp("a header that is no text"))?;
        headers.push((name.as_str().to_owned(), value.to_owned()));
    }
    Ok(headers)
}

/// A message that was sent.
struct Posted<'a> {
    message: &'a ClientJsonRpcMessage,
    has_session: bool,
}

impl Posted<'_> {
    async fn answer(
        &self,
        response: OutboundResponse,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        match response.status {
            202 | 204 => return Ok(StreamableHttpPostResponse::Accepted),
            404 if self.has_session => return Err(StreamableHttpError::SessionExpired),
            200..=299 => {}
            _ => return self.refused(response).await,
        }
        let session = header(&response, "mcp-session-id").map(str::to_owned);
        let id = self.request().map(|(id, _)| id.clone());
        match (media_type(&response).as_str(), id) {
            (EVENTS, id) => Ok(StreamableHttpPostResponse::Sse(events(response.body, id), session)),
            // A notification has no answer that anybody would read.
            (_, None) => Ok(StreamableHttpPostResponse::Accepted),
            (JSON, Some(_)) => match serde_json::from_slice(&whole(response.body).await?) {
                Ok(message) => Ok(StreamableHttpPostResponse::Json(message, session)),
                Err(_) => Err(HttpFault::NotMcp("no message in JSON").into()),
            },
            (_, Some(_)) => Err(HttpFault::NotMcp("a body of another media type").into()),
        }
    }

    /// An error of the protocol is handed on; and a server that refuses to be asked which versions
    /// it speaks is one of before that question.
    async fn refused(
        &self,
        response: OutboundResponse,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let refusal = refusal(&response);
        let is_final = matches!(response.status, 401 | 403 | 429 | 500..);
        let Some((id, request)) = self.request().filter(|_| !is_final) else {
            return Err(refusal.into());
        };
        let error = match serde_json::from_slice(&whole(response.body).await?) {
            Ok(ServerJsonRpcMessage::Error(error)) => Some(error.error),
            Ok(_) | Err(_) => None,
        };
        let asks_version = matches!(request, ClientRequest::DiscoverRequest(_));
        let error = match error {
            None if asks_version && !self.has_session => {
                Some(ErrorData::invalid_request(refusal.to_string(), None))
            }
            error => error,
        };
        let error = error.ok_or(refusal)?;
        let message = ServerJsonRpcMessage::error(error, Some(id.clone()));
        Ok(StreamableHttpPostResponse::Json(message, None))
    }

    fn request(&self) -> Option<(&RequestId, &ClientRequest)> {
        match self.message {
            ClientJsonRpcMessage::Request(request) => Some((&request.id, &request.request)),
            ClientJsonRpcMessage::Response(_)
            | ClientJsonRpcMessage::Notification(_)
            | ClientJsonRpcMessage::Error(_) => None,
        }
    }
}

/// The events of an answer. One that is too large is not asked for again: that ends the request.
fn events(body: BoxStream<'static, Result<Bytes, OutboundError>>, id: Option<RequestId>) -> Events {
    let ended = move |event: Result<Sse, SseError>| match (event, &id) {
        (Err(SseError::Body(error)), Some(id)) => match error.downcast_ref::<OutboundError>() {
            Some(too_large @ OutboundError::TooLarge { .. }) => {
                let error = ErrorData::new(TOO_LARGE, too_large.to_string(), None);
                let message = ServerJsonRpcMessage::error(error, Some(id.clone()));
                let data = serde_json::to_string(&message).unwrap_or_default();
                Ok(Sse { data: Some(data), ..Sse::default() })
            }
            Some(_) | None => Err(SseError::Body(error)),
        },
        (event, _) => event,
    };
    SseStream::from_bytes_stream(body).map(ended).boxed()
}

async fn whole(
    mut body: BoxStream<'static, Result<Bytes, OutboundError>>,
) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

fn refusal(response: &OutboundResponse) -> HttpFault {
    // Dates are left aside: a retry policy has a pause of its own.
    let seconds = header(response, "retry-after").and_then(|text| text.trim().parse::<u64>().ok());
    let retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
    HttpFault::Status { status: response.status, retry_after_ms }
}

fn header<'a>(response: &'a OutboundResponse, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// The media type without its parameters, in small letters.
fn media_type(response: &OutboundResponse) -> String {
    let value = header(response, "content-type").unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
