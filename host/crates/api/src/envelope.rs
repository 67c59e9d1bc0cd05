//! What is around every request: its id, its span, its figures, the headers of its response, and
//! the last word on errors and panics.
//!
//! Never logged: bodies, headers, keys, queries, or the detail of a refusal, which may quote them.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::http::header::{HeaderName, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info, info_span};
use wforge_engine::TraceOrigin;

use crate::auth::hex;
use crate::error::ApiError;
use crate::guard::check_head;
use crate::metrics::Seen;
use crate::openapi::{PAGE_POLICY, is_page};
use crate::state::{Api, ApiParts, Shared, SystemInfo};
use wforge_model::defence::{Defence, holds};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C's Trace Context. Its `tracestate` is of no use here, and is not taken.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACEPARENT_BYTES_MAX: usize = 128;

/// Around all routes and the two fallbacks.
pub(crate) async fn envelope(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let id = request_id(&api);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = method_name(request.method());
    let started_ns = api.parts.clock.monotonic_ns();
    let span =
        info_span!("request", request_id = %id, method, route, tenant = Empty, status = Empty);

    request.extensions_mut().insert(RequestId(Arc::from(id.as_str())));
    let handling = inside(&api, request, next).instrument(span.clone());
    let mut response = Box::pin(handling).await;

    let elapsed_ns = api.parts.clock.monotonic_ns().saturating_sub(started_ns);
    let status = response.status().as_u16();
    let refused = response.extensions_mut().remove::<Arc<ApiError>>();
    let why = refused.as_deref().map(|refused| (refused.code.id, refused.reason.unwrap_or("")));
    api.metrics.count(Seen { route, method, status, refused: why }, elapsed_ns);
    span.record("status", status);
    span.in_scope(|| {
        if let Some(refused) = &refused {
            response = with_instance(response.headers(), refused, &id);
        }
        log(refused.as_deref(), elapsed_ns / 1_000);
    });
    harden(response.headers_mut(), policy(route), &id, &api.parts.system);
    response
}

/// The id of a request, for its check and its handler.
#[derive(Debug, Clone)]
struct RequestId(Arc<str>);

/// The request that is under way goes on in the trace of its client, where that names one. Only of
/// a client with a valid credential: a stranger would say what is sampled, and under which ids.
pub(crate) fn join(api: &Shared, headers: &HeaderMap) {
    let parent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    if let Some(parent) = parent.filter(|parent| parent.len() <= TRACEPARENT_BYTES_MAX) {
        (api.parts.engine.traces().join)(&Span::current(), parent);
    }
}

/// Hands a request that was let through to its handler, so that whatever follows from it knows of
/// it. Its trace stands from then on.
pub(crate) async fn handled(api: &Shared, request: Request, next: Next) -> Response {
    let traceparent = (api.parts.engine.traces().parent_of)(&Span::current()).map(Arc::from);
    // The envelope is around all requests.
    let id = request.extensions().get::<RequestId>().map(|RequestId(id)| Arc::clone(id));
    let origin = TraceOrigin { request_id: id.unwrap_or_default(), traceparent };
    origin.scope(next.run(request)).await
}

async fn inside(api: &Shared, request: Request, next: Next) -> Response {
    let ApiParts { hosts, origins, limits, .. } = &api.parts;
    match check_head(&request, hosts, origins, limits.header_bytes_max) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// What a panic in a handler becomes.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    ApiError::internal(format!("a handler panicked: {text}")).into_response()
}

fn request_id(api: &Shared) -> String {
    let mut bytes = [0; 16];
    api.parts.entropy.fill(&mut bytes);
    format!("req_{}", hex(&bytes))
}

/// The methods that somebody can really mean; a client cannot make up names for metrics.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The refusal with the request's id in it; keeps headers such as `Allow` that it came with.
fn with_instance(headers: &HeaderMap, refused: &ApiError, id: &str) -> Response {
    let mut response = refused.respond(Some(id));
    for (name, value) in headers {
        if !response.headers().contains_key(name) && *name != axum::http::header::CONTENT_LENGTH {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

fn log(refused: Option<&ApiError>, elapsed_us: u64) {
    match refused {
        None => info!(elapsed_us, "request answered"),
        // Whoever was told when to come back was refused as was meant.
        Some(refused)
            if refused.code.status.is_server_error() && refused.retry_after_ms.is_none() =>
        {
            error!(elapsed_us, code = refused.code.id, cause = refused.causes(), "request failed");
        }
        Some(refused) => {
            let (code, cause) = (refused.code.id, refused.causes());
            info!(elapsed_us, code, reason = refused.reason, cause, "request refused");
        }
    }
}

/// What a browser may load for an answer: nothing, but for the page that shows this API.
fn policy(route: &str) -> &'static str {
    if is_page(route) { PAGE_POLICY } else { "default-src 'none'; frame-ancestors 'none'" }
}

fn harden(headers: &mut HeaderMap, policy: &'static str, id: &str, system: &SystemInfo) {
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    // A page that has a style of its own says so itself.
    let has_own = headers.contains_key(CONTENT_SECURITY_POLICY);
    let meant = |name: &HeaderName| !has_own || *name != CONTENT_SECURITY_POLICY;
    let fixed = fixed.into_iter().filter(|(name, _)| holds(Defence::Headers) && meant(name));
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if system.tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}
