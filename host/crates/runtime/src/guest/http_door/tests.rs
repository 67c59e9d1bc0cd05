//! The door against a session that answers what the test says.

use std::future::{poll_fn, ready};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use expect_test::{Expect, expect};
use wforge_model::{Denial, Problem, Timestamp, Value};
use wforge_ports::effects::GuestLine;
use wforge_ports::{BoxFuture, EffectAnswer, EffectRequest, EffectSession};

use super::*;
use crate::guest::desk::Desk;
use crate::guest::errand::{Outcome, Taken, errands};

/// Answers everything alike, and keeps what it was asked.
#[derive(Debug)]
struct Session {
    outcome: Outcome,
    asked: Vec<RawRequest>,
}

impl EffectSession for Session {
    fn perform(&mut self, _request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        Box::pin(std::future::pending())
    }
    fn exchange(&mut self, request: RawRequest) -> BoxFuture<'static, Outcome> {
        self.asked.push(request);
        Box::pin(ready(self.outcome.clone()))
    }
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn random_seed(&self) -> [u8; 32] {
        [0; 32]
    }
    fn position(&self) -> u32 {
        0
    }
    fn log(&mut self, _line: GuestLine) {}
    fn emit(&mut self, _topic: String, _payload: Value) {}
}

struct Bench {
    door: HttpDoor,
    voice: Voice,
    taken: Taken,
    session: Session,
}

impl Bench {
    fn with(outcome: Outcome, set: impl FnOnce(&mut SandboxLimits)) -> Self {
        let mut limits = SandboxLimits::default();
        set(&mut limits);
        let voice = Voice::new(&limits);
        let (errands, taken) = errands(4);
        let ends = Ends { voice: voice.clone(), desk: Desk::default(), errands };
        let door = HttpDoor::new(&limits, &ends, CallBudget::new(limits.host_calls_max));
        Self { door, voice, taken, session: Session { outcome, asked: Vec::new() } }
    }

    fn answering(outcome: Outcome) -> Self {
        Self::with(outcome, |_| {})
    }

    async fn send(&mut self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let options = RequestOptions {
            connect_timeout: Some(Duration::from_secs(1)),
            first_byte_timeout: Some(Duration::from_secs(2)),
            between_bytes_timeout: None,
        };
        let sent = self.door.send_request(request, Some(options), Box::new(ready(Ok(()))));
        let mut sent = pin!(Box::into_pin(sent));
        let (taken, session) = (&mut self.taken, &mut self.session);
        let sent = poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Ready(sent) => Poll::Ready(sent),
            Poll::Pending => {
                taken.begin(cx, session);
                Poll::Pending
            }
        });
        sent.await.map(|(response, _)| response)
    }
}

fn ok(body: &[u8]) -> Outcome {
    let headers = vec![("x-a".to_owned(), "b".to_owned())];
    Ok(RawResponse { status: 201, headers, body: body.to_vec() })
}

fn request(body: &'static str) -> Request<WasiBody> {
    let body = WasiBody::new(Full::new(body.into()).map_err(Error::from));
    let request = Request::post("https://a.example:8443/x?token=hush");
    request.header("content-length", "4").header("x-b", "c").body(body).unwrap()
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_asked_and_its_response_comes_back_whole() {
    let mut bench = Bench::answering(ok(b"there"));
    let response = bench.send(request("here")).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-a"]),
        (201, &"b".parse().unwrap())
    );
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "there");
    let sent = &bench.session.asked[0];
    assert_eq!((&*sent.method, &*sent.url), ("POST", "https://a.example:8443/x?token=hush"));
    assert_eq!(sent.headers, [("x-b".to_owned(), "c".to_owned())]);
    assert_eq!((&*sent.body, sent.timeout), (&b"here"[..], Some(Duration::from_secs(2))));
    assert_eq!(bench.voice.last_lines(), Vec::<String>::new());
}

#[tokio::test]
async fn what_came_of_no_request_is_a_code_for_the_client_and_a_line_for_its_author() {
    let check = async |failure: RawFailure, expected: Expect| {
        let mut bench = Bench::answering(Err(failure));
        let error = bench.send(request("")).await.unwrap_err();
        expected.assert_eq(&format!("{error:?}\n{}", bench.voice.last_lines().join("\n")));
    };
    let denial = || Denial {
        capability: "http.raw".to_owned(),
        resource: "a.example".to_owned(),
        hint: "do this".to_owned(),
    };
    let why = || "why".to_owned();
    check(
        RawFailure::Denied(denial()),
        expect![[r#"
            HttpRequestDenied
            wasi:http POST https://a.example:8443/x: denied: http.raw on a.example; do this"#]],
    )
    .await;
    check(
        RawFailure::AddressForbidden(denial()),
        expect![[r#"
            DestinationIpProhibited
            wasi:http POST https://a.example:8443/x: do this"#]],
    )
    .await;
    for (failure, code) in [
        (RawFailure::Replayed, "HttpRequestDenied"),
        (RawFailure::Unserved, "HttpRequestDenied"),
        (RawFailure::Invalid(Problem::new("bad_method", "x")), "HttpRequestMethodInvalid"),
        (RawFailure::Invalid(Problem::new("bad_url", "x")), "HttpRequestUriInvalid"),
        (RawFailure::Invalid(Problem::new("bad_request", "x")), "HttpProtocolError"),
        (RawFailure::RequestTooLarge { bytes_max: 7 }, "HttpRequestBodySize(Some(7))"),
        (
            RawFailure::ResponseTooLarge { reason: why(), bytes_max: 7 },
            "HttpResponseBodySize(Some(7))",
        ),
        (RawFailure::ConnectTimeout(why()), "ConnectionTimeout"),
        (RawFailure::Timeout(why()), "HttpResponseTimeout"),
        (RawFailure::Unreachable(why()), "DestinationUnavailable"),
        (RawFailure::Broken(why()), "ConnectionTerminated"),
        (RawFailure::Stopped, "InternalError(Some(\"the host stopped sending\"))"),
    ] {
        let mut bench = Bench::answering(Err(failure));
        let error = bench.send(request("")).await.unwrap_err();
        assert_eq!(format!("{error:?}"), code);
        assert_eq!(bench.voice.last_lines().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_never_sent() {
    let mut bench = Bench::with(ok(b""), |limits| limits.host_call_bytes_max = 3);
    let error = bench.send(request("here")).await.unwrap_err();
    assert!(matches!(error, Error::HttpRequestBodySize(Some(3))), "{error:?}");
    assert_eq!(bench.session.asked, []);
}

#[tokio::test]
async fn a_response_that_nobody_reads_holds_its_place() {
    let mut bench = Bench::with(ok(b"there"), |limits| limits.http_at_once_max = 1);
    let held = bench.send(request("")).await.unwrap();
    let error = bench.send(request("")).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLimitReached), "{error:?}");
    drop(held);
    bench.send(request("")).await.unwrap();
    let lines = bench.voice.last_lines().join("\n");
    assert!(lines.contains("1 exchanges are open") && !lines.contains("hush"), "{lines}");
}

#[tokio::test]
async fn every_exchange_counts_as_a_host_call() {
    let mut bench = Bench::with(ok(b""), |limits| limits.host_calls_max = 2);
    for _ in 0..2 {
        bench.send(request("")).await.unwrap();
    }
    let error = bench.send(request("")).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLimitReached), "{error:?}");
    assert_eq!(bench.session.asked.len(), 2);
    assert!(bench.voice.last_lines()[0].contains("more than 2 host calls"));
}

#[test]
fn headers_of_the_connection_are_forbidden_to_a_guest() {
    let mut bench = Bench::answering(ok(b""));
    for name in ["host", "connection", "transfer-encoding", "te", "trailer", "expect", "upgrade"] {
        assert!(bench.door.is_forbidden_header(&name.parse().unwrap()), "{name}");
    }
    for name in ["authorization", "content-type", "content-length", "user-agent"] {
        assert!(!bench.door.is_forbidden_header(&name.parse().unwrap()), "{name}");
    }
}
