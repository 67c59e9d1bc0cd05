//! Requests by `wasi:http`, as the HTTP client of a guest's own language makes them: for the host's
//! own tests.
//!
//! What came of a request is told as text, its failures too, so that a test can read them.

use serde::{Deserialize, Serialize};
use wasip2::http::outgoing_handler::{FutureIncomingResponse, handle};
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;
use workflowforge_sdk::{Ctx, Failure, Question, Value, agents};

/// What `blocking-write-and-flush` takes at once.
const WRITE_BYTES_MAX: usize = 4096;
/// What is read at once.
const READ_BYTES_MAX: u64 = 64 << 10;
const NANOS_PER_MS: u64 = 1_000_000;

/// A request.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// Host and port.
    pub authority: String,
    /// Path and query.
    #[serde(default = "root")]
    pub path: String,
    /// The body; empty: a GET without one.
    #[serde(default)]
    pub body: String,
    /// How often the body repeats what is given for it.
    #[serde(default = "once")]
    pub repeat: u32,
    /// How often it is sent at once.
    #[serde(default = "once")]
    pub times: u32,
    /// The timeout for the first byte; none: the host's own.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

fn root() -> String {
    "/".to_owned()
}

const fn once() -> u32 {
    1
}

/// What came of each request: `200 text`, or the name of the error.
#[derive(Debug, Serialize)]
pub struct Came {
    came: Vec<String>,
}

/// The agents.
#[agents]
pub mod raw {
    use super::*;

    /// Sends the request so many times, and reads no response before all are there.
    pub fn send(_ctx: &Ctx, input: Wanted) -> Result<Came, Failure> {
        let sent: Vec<_> = (0..input.times).map(|_| begin(&input)).collect();
        let responses: Vec<_> = sent.into_iter().map(|sent| sent.and_then(wait)).collect();
        Ok(Came {
            came: responses.into_iter().map(|response| told(response.and_then(read))).collect(),
        })
    }

    /// Sends the request, asks, and tells what came of it in the execution that has the answer.
    pub fn twice(ctx: &Ctx, input: Wanted) -> Result<Came, Failure> {
        let came = vec![told(begin(&input).and_then(wait).and_then(read))];
        let _: Value = ctx.ask(Question::new("go on?"))?;
        Ok(Came { came })
    }

    /// Sends the request and asks about what came of it: another question in each execution where
    /// the server says something else.
    pub fn wavers(ctx: &Ctx, input: Wanted) -> Result<Came, Failure> {
        let came = told(begin(&input).and_then(wait).and_then(read));
        let _: Value = ctx.ask(Question::new(&came))?;
        Ok(Came { came: vec![came] })
    }
}

fn told(outcome: Result<String, ErrorCode>) -> String {
    outcome.unwrap_or_else(|code| format!("{code:?}"))
}

fn begin(wanted: &Wanted) -> Result<FutureIncomingResponse, ErrorCode> {
    let sent = wanted.body.repeat(usize::try_from(wanted.repeat).unwrap_or_default());
    let has_body = !sent.is_empty();
    let fields = Fields::new();
    if has_body {
        let length = sent.len().to_string();
        let set = fields.set("content-length", &[length.into_bytes()]);
        set.map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    }
    let request = OutgoingRequest::new(fields);
    let method = if has_body { Method::Post } else { Method::Get };
    let set = request
        .set_method(&method)
        .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
        .and_then(|()| request.set_authority(Some(&wanted.authority)))
        .and_then(|()| request.set_path_with_query(Some(&wanted.path)));
    set.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let options = RequestOptions::new();
    let timeout = wanted.timeout_ms.map(|ms| ms.saturating_mul(NANOS_PER_MS));
    options.set_first_byte_timeout(timeout).map_err(|()| ErrorCode::ConfigurationError)?;
    let body = request.body().map_err(|()| ErrorCode::HttpProtocolError)?;
    let response = handle(request, Some(options))?;
    write(body, sent.as_bytes())?;
    Ok(response)
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), ErrorCode> {
    let stream = body.write().map_err(|()| ErrorCode::HttpProtocolError)?;
    for piece in bytes.chunks(WRITE_BYTES_MAX) {
        // Who does not take the rest says why in the response.
        if stream.blocking_write_and_flush(piece).is_err() {
            return Ok(());
        }
    }
    drop(stream);
    OutgoingBody::finish(body, None)
}

fn wait(response: FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    response.subscribe().block();
    match response.get() {
        Some(Ok(response)) => response,
        Some(Err(())) | None => Err(ErrorCode::HttpProtocolError),
    }
}

fn read(response: IncomingResponse) -> Result<String, ErrorCode> {
    let status = response.status();
    let body: IncomingBody = response.consume().map_err(|()| ErrorCode::HttpProtocolError)?;
    let stream = body.stream().map_err(|()| ErrorCode::HttpProtocolError)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ_BYTES_MAX) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(ErrorCode::HttpResponseIncomplete);
            }
        }
    }
    Ok(format!("{status} {}", String::from_utf8_lossy(&bytes)))
}
