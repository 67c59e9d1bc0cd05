//! What is cut off: bodies, headers and time.

use std::time::Duration;

use futures::StreamExt as _;
use wforge_effects::outbound::{Egress, EgressOptions, Outbound, OutboundError, OutboundRequest};

use crate::servers::{FakeNames, Reply, Server, get, local, ok, options, response, send};

const SHORT: Duration = Duration::from_millis(50);

fn within(mut request: OutboundRequest, bytes_max: u64) -> OutboundRequest {
    request.response_bytes_max = bytes_max;
    request
}

/// A response without a length, in these pieces, without its end.
fn chunked(pieces: &[&str]) -> Vec<u8> {
    let pieces: String =
        pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{pieces}").into_bytes()
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_not_begun() {
    let server = Server::start(Reply::Keep(ok("123456"))).await;
    let error = send(&local(), within(get(&server.url()), 5)).await.unwrap_err();
    let host = "127.0.0.1".to_owned();
    assert_eq!(error, OutboundError::TooLarge { host, limit: 5 });
    assert_eq!(send(&local(), within(get(&server.url()), 6)).await.unwrap(), "200 123456");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_cut() {
    let server = Server::start(Reply::Stall(chunked(&["1234", "5678"]))).await;
    let error = send(&local(), within(get(&server.url()), 7)).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { limit: 7, .. }), "{error:?}");
}

#[tokio::test]
async fn the_limit_of_the_host_holds_for_requests_that_ask_for_more() {
    let server = Server::start(Reply::Keep(ok("123456"))).await;
    let few = EgressOptions { response_bytes_max: 5, ..options(&["127.0.0.1"]) };
    let egress = Egress::with_names(few, FakeNames::of(&[])).unwrap();
    let error = send(&egress, within(get(&server.url()), u64::MAX)).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { limit: 5, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_gives_what_came_and_then_the_error() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbeginning".to_vec();
    for reply in [cut, chunked(&["beginning"])] {
        let server = Server::start(Reply::Close(reply)).await;
        let egress = local();
        let tenant = "acme".parse().unwrap();
        let mut response = egress.send(&tenant, get(&server.url())).await.unwrap();
        let first = response.body.next().await.unwrap();
        assert_eq!(first.unwrap(), "beginning");
        let error = response.body.next().await.unwrap().unwrap_err();
        assert!(matches!(error, OutboundError::Broken { .. }), "{error:?}");
        assert!(response.body.next().await.is_none(), "nothing follows an error");
    }
}

#[tokio::test]
async fn a_server_that_is_too_slow_is_left() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun".to_vec();
    for reply in [Vec::new(), b"HTTP/1.1 200".to_vec(), begun, chunked(&["begun"])] {
        let server = Server::start(Reply::Stall(reply)).await;
        let mut request = get(&server.url());
        request.timeout = SHORT;
        let error = send(&local(), request).await.unwrap_err();
        let host = "127.0.0.1".to_owned();
        assert_eq!(error, OutboundError::Timeout { host, limit_ms: 50 });
    }
}

#[tokio::test]
async fn a_timeout_is_at_least_a_millisecond_and_at_most_the_hosts() {
    let server = Server::start(Reply::Stall(Vec::new())).await;
    let short = EgressOptions { timeout_max: SHORT, ..options(&["127.0.0.1"]) };
    let egress = Egress::with_names(short, FakeNames::of(&[])).unwrap();
    for (asked, limit) in [(Duration::ZERO, 1), (Duration::MAX, 50)] {
        let mut request = get(&server.url());
        request.timeout = asked;
        let error = send(&egress, request).await.unwrap_err();
        assert!(matches!(error, OutboundError::Timeout { limit_ms, .. } if limit_ms == limit));
    }
}

#[tokio::test]
async fn a_compressed_body_is_handed_on_as_it_comes() {
    let body = "\u{1f}\u{b} no gzip at all";
    let reply = response("200 OK", "content-encoding: gzip\r\n", body);
    let server = Server::start(Reply::Keep(reply)).await;
    assert_eq!(send(&local(), get(&server.url())).await, Ok(format!("200 {body}")));
    assert!(!server.seen.requests()[0].contains("accept-encoding"));
}

#[tokio::test]
async fn headers_that_are_no_text_are_left_out() {
    let reply =
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\nx-c: \xff\r\nx-d: \xc3\xa4\r\n\r\n";
    let server = Server::start(Reply::Keep(reply.to_vec())).await;
    let response = local().send(&"acme".parse().unwrap(), get(&server.url())).await.unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [pair("content-length", "0"), pair("x-a", "b"), pair("x-d", "ä")];
    assert_eq!(response.headers, expected);
}

#[tokio::test]
async fn headers_without_end_are_an_error() {
    let many = response("200 OK", &"a: b\r\n".repeat(40_000), "");
    let server = Server::start(Reply::Keep(many)).await;
    let error = send(&local(), get(&server.url())).await.unwrap_err();
    assert!(matches!(error, OutboundError::Broken { .. }), "{error:?}");
    let large = response("200 OK", &format!("a: {}\r\n", "b".repeat(70_000)), "");
    let server = Server::start(Reply::Keep(large)).await;
    let error = send(&local(), get(&server.url())).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { limit: 65_536, .. }), "{error:?}");
}

#[tokio::test]
async fn garbage_is_a_broken_connection() {
    for reply in ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 99999\r\n\r\n", ""] {
        let server = Server::start(Reply::Close(reply.into())).await;
        let error = send(&local(), get(&server.url())).await.unwrap_err();
        assert!(matches!(error, OutboundError::Broken { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_response_to_head_has_no_body_whatever_length_it_says() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n".to_vec();
    let server = Server::start(Reply::Keep(head)).await;
    let mut request = get(&server.url());
    request.method = "HEAD".to_owned();
    assert_eq!(send(&local(), request).await, Ok("200 ".to_owned()));
}
