//! `wasi:http/outgoing-handler`: what the HTTP client of a guest's own language sends. Whether it
//! may is decided behind the effects port, as for every host call; nothing of it is recorded, see
//! `capabilities::http` for what is.
//!
//! A request is sent once its body is whole, and its response is handed on once that is whole, each
//! within its limit. Of the guest's timeouts the one for the first byte holds for the whole
//! exchange; that for the connection is the host's own.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};
use wforge_model::limits::SandboxLimits;
use wforge_ports::effects::GuestLevel;
use wforge_ports::{RawFailure, RawRequest, RawResponse};

use super::calls::CallBudget;
use super::errand::Errands;
use super::state::Ends;
use super::voice::Voice;

/// Headers of the connection that wasmtime leaves to us; the host's way out refuses them too.
const ALSO_FORBIDDEN: [HeaderName; 3] = [header::EXPECT, header::TE, header::TRAILER];

/// The door of one guest.
#[derive(Debug, Clone)]
pub(crate) struct HttpDoor {
    voice: Voice,
    calls: CallBudget,
    errands: Errands,
    /// A place is held until the response's body is read or dropped, so that bodies which wait for
    /// a guest are bounded.
    places: Arc<Semaphore>,
    places_max: u32,
    request_bytes_max: u64,
}

type Exchange = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl HttpDoor {
    pub(crate) fn new(limits: &SandboxLimits, ends: &Ends, calls: CallBudget) -> Self {
        let (voice, errands) = (ends.voice.clone(), ends.errands.clone());
        let places_max = limits.http_at_once_max;
        let places = Arc::new(Semaphore::new(usize::try_from(places_max).unwrap_or(1)));
        let request_bytes_max = limits.host_call_bytes_max;
        Self { voice, calls, errands, places, places_max, request_bytes_max }
    }

    /// A place for one exchange, which counts as a host call.
    fn enter(&self, what: &str) -> Result<OwnedSemaphorePermit, Error> {
        let counted = self.calls.count().map_err(|limit| limit.to_string());
        counted
            .and_then(|()| {
                let max = self.places_max;
                Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
                    format!("{max} exchanges are open, which is all: read or drop a response first")
                })
            })
            .map_err(|reason| {
                self.warn(what, &reason);
                Error::ConnectionLimitReached
            })
    }

    async fn exchange(
        self,
        what: String,
        place: OwnedSemaphorePermit,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Response<WasiBody>, Error> {
        let (parts, body) = request.into_parts();
        let outcome = async {
            let body = whole(body, self.request_bytes_max).await?;
            let timeout = options.and_then(|options| options.first_byte_timeout);
            let (method, url) = (parts.method.to_string(), parts.uri.to_string());
            let headers = texts(&parts.headers)?;
            let request = RawRequest { method, url, headers, body, timeout };
            self.errands.run(request).await.map_err(Refused::Failure)
        };
        let response = outcome.await.map_err(|refused| {
            self.warn(&what, &refused.to_string());
            refused.code()
        })?;
        handed(response, place)
    }

    fn warn(&self, what: &str, reason: &str) {
        self.voice.line(GuestLevel::Warn, &format!("wasi:http {what}: {reason}"), &[]);
    }
}

impl WasiHttpHooks for HttpDoor {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name) || ALSO_FORBIDDEN.contains(name))
    }

    /// It is the host's own.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _outcome: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange, Error>> + Send> {
        let what = named(&request);
        let place = self.enter(&what);
        let door = self.clone();
        Box::new(async move {
            let response = door.exchange(what, place?, request, options).await?;
            // Nothing is left to be done: the body is here.
            Ok((response, Box::new(std::future::ready(Ok(()))) as Box<_>))
        })
    }
}

/// Method and target without the query, which may hold secrets.
fn named(request: &Request<WasiBody>) -> String {
    let uri = request.uri();
    let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{} {scheme}://{host}{port}{}", request.method(), uri.path())
}

/// Why an exchange came to nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Failure(RawFailure),
    #[error("the guest gave up its request's body")]
    GivenUp,
    #[error("a request has no trailers here")]
    Trailers,
    #[error("header {0}: its value is no text")]
    Header(HeaderName),
}

impl Refused {
    /// The code that the guest's client sees.
    fn code(self) -> Error {
        match self {
            Self::Failure(failure) => code(failure),
            Self::GivenUp | Self::Trailers | Self::Header(_) => Error::HttpProtocolError,
        }
    }
}

fn code(failure: RawFailure) -> Error {
    match failure {
        RawFailure::Denied(_) | RawFailure::Replayed | RawFailure::Unserved => {
            Error::HttpRequestDenied
        }
        RawFailure::AddressForbidden(_) => Error::DestinationIpProhibited,
        RawFailure::Invalid(problem) => match problem.code.as_str() {
            "bad_method" => Error::HttpRequestMethodInvalid,
            "bad_url" => Error::HttpRequestUriInvalid,
            _ => Error::HttpProtocolError,
        },
        RawFailure::RequestTooLarge { bytes_max } => Error::HttpRequestBodySize(Some(bytes_max)),
        RawFailure::ResponseTooLarge { bytes_max, .. } => {
            Error::HttpResponseBodySize(Some(bytes_max))
        }
        RawFailure::ConnectTimeout(_) => Error::ConnectionTimeout,
        RawFailure::Timeout(_) => Error::HttpResponseTimeout,
        RawFailure::Unreachable(_) => Error::DestinationUnavailable,
        RawFailure::Broken(_) => Error::ConnectionTerminated,
        RawFailure::Stopped => Error::InternalError(Some(failure.to_string())),
    }
}

/// The body of a request, once the guest has finished it.
async fn whole(body: WasiBody, bytes_max: u64) -> Result<Vec<u8>, Refused> {
    let max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let collected = Limited::new(body, max).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Refused::Failure(RawFailure::RequestTooLarge { bytes_max });
        }
        Refused::GivenUp
    })?;
    if collected.trailers().is_some() {
        return Err(Refused::Trailers);
    }
    Ok(collected.to_bytes().into())
}

/// The headers that go along. The length of a body that is whole is the host's to say.
fn texts(headers: &http::HeaderMap) -> Result<Vec<(String, String)>, Refused> {
    let own = headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH);
    let text = |(name, value): (&HeaderName, &HeaderValue)| match str::from_utf8(value.as_bytes()) {
        Ok(value) => Ok((name.to_string(), value.to_owned())),
        Err(_) => Err(Refused::Header(name.clone())),
    };
    own.map(text).collect()
}

/// The response as wasmtime hands it on, whose body holds the place.
fn handed(raw: RawResponse, place: OwnedSemaphorePermit) -> Result<Response<WasiBody>, Error> {
    let body = Full::new(raw.body.into()).map_err(Error::from).map_frame(move |frame| {
        let _held = &place;
        frame
    });
    let mut response = Response::new(WasiBody::new(body));
    *response.status_mut() =
        StatusCode::from_u16(raw.status).map_err(|_| Error::HttpProtocolError)?;
    for (name, value) in raw.headers {
        let name = HeaderName::try_from(name).map_err(|_| Error::HttpProtocolError)?;
        let value = HeaderValue::try_from(value).map_err(|_| Error::HttpProtocolError)?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
