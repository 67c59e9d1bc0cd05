//! What is refused before anybody is asked who they are.

use crate::bench::{bench, bench_with};
use wforge_api::ApiLimits;

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_refused_on_every_route() {
    let bench = bench();
    for path in ["/healthz", "/metrics", "/v1/runs", "/nowhere"] {
        for host in ["evil.example", "evil.example:7700", ""] {
            let reply = bench.get(path).naming_host(host).send().await;
            assert_eq!(reply.outcome(), "421 WF0421", "{path} at {host}");
        }
    }
}

#[tokio::test]
async fn web_pages_get_neither_an_answer_nor_a_preflight() {
    let bench = bench();
    for method in ["GET", "OPTIONS"] {
        let call = bench.call(method, "/v1/runs").header("origin", "http://localhost:7700");
        let reply = call.header("access-control-request-method", "POST").send().await;
        assert_eq!(reply.outcome(), "403 WF1005");
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn headers_have_a_limit_together() {
    let bench = bench_with(ApiLimits { header_bytes_max: 256, ..ApiLimits::default() });
    let reply = bench.get("/healthz").header("x-long", &"x".repeat(256)).send().await;
    assert_eq!(reply.outcome(), "431 WF0431");
}
