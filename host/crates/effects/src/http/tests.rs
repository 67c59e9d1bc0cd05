//! One request of a guest, against an outbound path that answers what the test says.

use std::collections::HashMap;
use std::sync::Mutex;

use expect_test::{Expect, expect};
use futures::stream::{self, StreamExt as _};
use wforge_model::Capability;
use wforge_model::effect::Operation;
use wforge_testkit::call;

use super::*;
use crate::outbound::OutboundError;
use crate::request::Asked;

/// Status, headers and body of a response, or why there is none.
type Given = Result<(u16, Vec<(String, String)>, Vec<u8>), OutboundError>;

/// Keeps what it was asked to send and answers what it was given.
#[derive(Debug)]
struct FakeOutbound {
    sent: Mutex<Vec<OutboundRequest>>,
    answer: Given,
}

impl Outbound for FakeOutbound {
    fn send<'a>(
        &'a self,
        _tenant: &'a TenantId,
        request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
        self.sent.lock().unwrap().push(request);
        let response = self.answer.clone().map(|(status, headers, body)| {
            let pieces: Vec<_> = body.chunks(7).map(|piece| Ok(piece.to_vec().into())).collect();
            OutboundResponse { status, headers, body: stream::iter(pieces).boxed() }
        });
        Box::pin(std::future::ready(response))
    }
}

/// Bodies by tenant and a digest that is no hash.
#[derive(Debug, Default)]
struct FakeBlobs(Mutex<HashMap<(TenantId, Digest), Vec<u8>>>);

impl BodyStore for FakeBlobs {
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, Failure>> {
        let digest = digest(u8::try_from(bytes.len() % 251).unwrap());
        self.0.lock().unwrap().insert((tenant.clone(), digest), bytes);
        Box::pin(std::future::ready(Ok(digest)))
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Failure>> {
        let bytes = self.0.lock().unwrap().get(&(tenant.clone(), digest)).cloned();
        Box::pin(std::future::ready(Ok(bytes.map(Bytes::from))))
    }
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

struct Bench {
    outbound: FakeOutbound,
    blobs: FakeBlobs,
    limits: FetchLimits,
}

impl Bench {
    fn answering(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(own).collect();
        Self::with(Ok((status, headers, body.to_vec())))
    }

    fn failing(error: OutboundError) -> Self {
        Self::with(Err(error))
    }

    fn with(answer: Given) -> Self {
        let outbound = FakeOutbound { sent: Mutex::default(), answer };
        Self { outbound, blobs: FakeBlobs::default(), limits: FetchLimits::default() }
    }

    async fn fetch(&self, element: &Value) -> Result<Value, Failure> {
        let (call, asked) = (call(), Asked::new(Operation::HttpFetch, element));
        let deed = Deed {
            call: &call,
            asked: &asked,
            position: 0,
            idempotency_key: "key-of-the-host",
            lease: wforge_model::Epoch(0),
            on_delta: &|_| {},
        };
        fetch(&self.outbound, &self.blobs, &deed, &self.limits).await
    }

    /// The one request that was sent.
    fn sent(&self) -> OutboundRequest {
        let sent = self.outbound.sent.lock().unwrap();
        assert_eq!(sent.len(), 1);
        sent[0].clone()
    }
}

fn get(url: &str) -> Value {
    json!({
        "method": "GET", "url": url, "headers": [], "credentials": [], "body": null,
        "timeout_ms": null, "options": {},
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut element = get("https://a.example/v1");
    element[field] = value;
    element
}

#[tokio::test]
async fn a_response_is_answered_whatever_its_status() {
    let bench = Bench::answering(503, &[("x-a", "b"), ("x-a", "c")], b"sorry, try again");
    let answer = bench.fetch(&get("https://a.example")).await.unwrap();
    let expected = json!({
        "status": 503, "headers": [["x-a", "b"], ["x-a", "c"]],
        "body": { "base64": STANDARD.encode("sorry, try again") }, "extra": {},
    });
    assert_eq!(answer, expected);
    let empty = Bench::answering(204, &[], b"").fetch(&get("https://a.example")).await.unwrap();
    assert_eq!(empty["body"], Value::Null);
}

#[tokio::test]
async fn a_request_is_sent_as_it_was_asked() {
    let bench = Bench::answering(200, &[], b"");
    let element = json!({
        "method": "POST", "url": "HTTPS://A.example:443/x/../y?z#w",
        "headers": [["X-A", "b"], ["X-A", "c"]],
        "body": { "base64": STANDARD.encode("text") }, "timeout_ms": 1_500,
    });
    bench.fetch(&element).await.unwrap();
    let sent = bench.sent();
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://a.example/y?z"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let key = pair("idempotency-key", "key-of-the-host");
    assert_eq!(sent.headers, [pair("X-A", "b"), pair("X-A", "c"), key]);
    assert_eq!((&sent.body[..], sent.timeout), (&b"text"[..], Duration::from_millis(1_500)));
    assert_eq!(sent.response_bytes_max, bench.limits.response_bytes_max);
}

#[tokio::test]
async fn an_idempotency_key_of_the_guest_stays() {
    let bench = Bench::answering(200, &[], b"");
    bench.fetch(&with("headers", json!([["Idempotency-Key", "own"]]))).await.unwrap();
    assert_eq!(bench.sent().headers, [("Idempotency-Key".to_owned(), "own".to_owned())]);
}

#[tokio::test]
async fn a_timeout_is_the_hosts_unless_the_guest_asks_for_less() {
    for (asked, expected) in [(json!(null), 30_000), (json!(7), 7), (json!(u64::MAX), 300_000)] {
        let bench = Bench::answering(200, &[], b"");
        bench.fetch(&with("timeout_ms", asked)).await.unwrap();
        assert_eq!(bench.sent().timeout, Duration::from_millis(expected));
    }
}

#[tokio::test]
async fn a_large_response_becomes_a_blob() {
    let mut bench = Bench::answering(200, &[("content-type", "text/csv")], b"12345678");
    bench.limits.inline_bytes_max = 7;
    let answer = bench.fetch(&get("https://a.example")).await.unwrap();
    let expected = json!({ "$blob": digest(8), "size": 8, "media_type": "text/csv" });
    assert_eq!(answer["body"], expected);
    let kept = bench.blobs.get(&"acme".parse().unwrap(), digest(8)).await;
    assert_eq!(kept, Ok(Some(Bytes::from_static(b"12345678"))));
    bench.outbound.answer = Ok((200, Vec::new(), b"12345678".to_vec()));
    let unnamed = bench.fetch(&get("https://a.example")).await.unwrap();
    assert_eq!(unnamed["body"]["media_type"], "application/octet-stream");
}

#[tokio::test]
async fn a_request_can_send_a_blob_of_its_tenant() {
    let bench = Bench::answering(200, &[], b"");
    let kept = bench.blobs.put(&"acme".parse().unwrap(), b"12345".to_vec()).await.unwrap();
    let blob = |digest| json!({ "$blob": digest, "size": 5, "media_type": "text/plain" });
    bench.fetch(&with("body", blob(kept))).await.unwrap();
    assert_eq!(bench.sent().body, "12345");
    bench.blobs.put(&"north".parse().unwrap(), b"1234567".to_vec()).await.unwrap();
    let foreign = bench.fetch(&with("body", blob(digest(7)))).await.unwrap_err();
    assert_eq!(foreign.code(), "unknown_blob");
}

/// Refuses the element in these words, and nothing is sent.
async fn refused(element: Value, code: &str, words: &str) {
    let bench = Bench::answering(200, &[], b"");
    let failure = bench.fetch(&element).await.unwrap_err();
    assert_eq!(failure.code(), code, "{failure}");
    assert!(failure.to_string().contains(words), "{failure}");
    assert_eq!(bench.outbound.sent.lock().unwrap().len(), 0, "something was sent");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before() {
    let large = STANDARD.encode(vec![0; (256 << 10) + 1]);
    for (element, code, words) in [
        (get("no url"), "bad_url", "no spaces"),
        (get("https://good.example@evil.example/"), "bad_url", "no user information"),
        (get("ftp://a.example/"), "bad_url", "http:// or https://"),
        (get("https://a.example:0/"), "bad_url", "a port is a number"),
        (get("https://a.example/a%2fb/"), "bad_url", "hides no slash"),
        (get("https://a(b).example/"), "bad_url", "a host is a name"),
        (with("method", json!("get")), "bad_method", "in capitals"),
        (with("method", json!("")), "bad_method", "in capitals"),
        (with("method", json!("GET,POST")), "bad_method", "one method"),
        (with("method", json!("TRACE")), "bad_method", "not sent"),
        (with("headers", json!([["Host", "b"]])), "bad_header", "\"Host\": it belongs to the host"),
        (with("headers", json!([["TE", "b"]])), "bad_header", "it belongs to the host"),
        (with("headers", json!([["x", "a\r\ny: b"]])), "bad_header", "control characters"),
        (with("headers", json!({ "x": "y" })), "bad_request", "not of the contract's shape"),
        (with("body", json!({ "base64": "?" })), "bad_request", "Invalid symbol"),
        (with("body", json!("text")), "bad_request", "a body is {\"base64\"}, a blob reference"),
        (with("body", json!({ "base64": large })), "request_bytes", "more than 262144"),
        (with("options", json!({ "proxy": "x" })), "unknown_option", "no option \"proxy\""),
    ] {
        refused(element, code, words).await;
    }
}

#[tokio::test]
async fn credentials_are_denied_until_the_host_keeps_secrets() {
    let credential =
        json!({ "header": "authorization", "template": "Bearer {}", "secret": "token" });
    refused(with("credentials", json!([credential])), "denied", "secret on token:hold").await;
}

#[tokio::test]
async fn a_failure_says_what_kept_the_host_from_a_response() {
    let check = async |error: OutboundError, retryable: bool, expected: Expect| {
        let failure = Bench::failing(error).fetch(&get("https://a.example")).await.unwrap_err();
        expected.assert_eq(&failure.to_string());
        assert_eq!(failure.problem().is_some_and(|problem| problem.retryable), retryable);
    };
    let (host, reason) = (|| "a.example".to_owned(), || "why".to_owned());
    check(
        OutboundError::Invalid { reason: reason() },
        false,
        expect!["invalid-input (bad_request): why"],
    )
    .await;
    let address = "10.0.0.1".parse().unwrap();
    check(
        OutboundError::Forbidden { host: host(), address },
        false,
        expect![
            "denied: http on a.example; a.example is at 10.0.0.1, which is not a public address; \
             if it is meant, the operator adds \"10.0.0.1\" to outbound.allow in the host's \
             configuration"
        ],
    )
    .await;
    let address = "fd00::1".parse().unwrap();
    check(
        OutboundError::Forbidden { host: host(), address },
        false,
        expect![
            "denied: http on a.example; a.example is at fd00::1, which is not a public address; \
             if it is meant, the operator adds \"[fd00::1]\" to outbound.allow in the host's \
             configuration"
        ],
    )
    .await;
    check(
        OutboundError::Unreachable { host: host(), reason: reason(), is_timeout: false },
        true,
        expect!["upstream (unreachable): a.example cannot be reached: why"],
    )
    .await;
    check(
        OutboundError::Broken { host: host(), reason: reason() },
        true,
        expect!["upstream (broken): the connection to a.example broke: why"],
    )
    .await;
    check(
        OutboundError::Timeout { host: host(), limit_ms: 7 },
        true,
        expect!["upstream (timeout): a.example took longer than 7 ms"],
    )
    .await;
    check(
        OutboundError::TooLarge { host: host(), limit: 7 },
        false,
        expect!["limit (response_bytes): the response of a.example has more than 7 bytes"],
    )
    .await;
}

#[test]
fn an_element_needs_the_capability_of_its_one_request() {
    let check = |method: &str, url: &str, expected: Option<&str>| {
        let element = json!({ "method": method, "url": url });
        let wanted = wanted(&element).map(|capability: Capability| capability.to_string());
        assert_eq!(wanted.as_deref(), expected, "{method} {url}");
    };
    check("GET", "https://a.example", Some("http:GET@https://a.example:443/"));
    check("POST", "http://A.example:8080/x?y#z", Some("http:POST@http://a.example:8080/x"));
    check("GET", "http://[::1]/a*b/*", Some("http:GET@http://[::1]:80/a%2Ab/%2A"));
    check("GET", "https://a.example/@b", Some("http:GET@https://a.example:443/@b"));
    check(
        "GET",
        "https://bücher.example/ä",
        Some("http:GET@https://xn--bcher-kva.example:443/%C3%A4"),
    );
    check("GET", "http://2130706433", Some("http:GET@http://127.0.0.1:80/"));
    for method in ["", "get", "GET,POST", "a.example/x", "*", "CONNECT", "GET@https://a.example/"] {
        check(method, "https://evil.example/", None);
    }
    for url in ["", "a.example", "https://a@b.example/", "https://a.example./", "https://a b/"] {
        check("GET", url, None);
    }
    // A prefix that hides a slash cannot be asked for, so it cannot be sent either.
    check("GET", "https://a.example/a%2Fb/", None);
    check("GET", "https://a.example/a%2Fb", Some("http:GET@https://a.example:443/a%2Fb"));
}
