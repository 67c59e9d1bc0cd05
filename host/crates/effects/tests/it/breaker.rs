//! A server that keeps failing is left alone for a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use wforge_effects::outbound::{
    Breaker, BreakerOptions, Outbound, OutboundError, OutboundRequest, OutboundResponse,
};
use wforge_model::TenantId;
use wforge_testkit::SimClock;

use crate::servers::get;
use crate::world::NOON;

/// A server that answers, fails or says nothing, as the test says.
#[derive(Debug, Default)]
struct Moody {
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

#[derive(Debug, Clone, Copy, Default)]
enum Mood {
    #[default]
    Answers,
    Fails,
    Hangs,
    IsForbidden,
}

impl Outbound for Moody {
    fn send<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let host = "a.example".to_owned();
            let mood = *self.mood.lock().unwrap();
            match mood {
                Mood::Answers => Ok(OutboundResponse {
                    status: 503,
                    headers: Vec::new(),
                    body: stream::empty().boxed(),
                }),
                Mood::Fails => Err(OutboundError::Timeout { host, limit_ms: 1 }),
                Mood::Hangs => std::future::pending().await,
                Mood::IsForbidden => {
                    Err(OutboundError::Forbidden { host, address: [10, 0, 0, 1].into() })
                }
            }
        })
    }
}

struct Bench {
    server: Arc<Moody>,
    clock: SimClock,
    breaker: Breaker,
}

impl Bench {
    fn new(failures_max: u32) -> Self {
        let (server, clock) = (Arc::<Moody>::default(), SimClock::at(NOON));
        let options = BreakerOptions { failures_max, rest_ms: 1_000, rest_ms_max: 3_000 };
        let breaker = Breaker::new(server.clone(), Arc::new(clock.clone()), options);
        Self { server, clock, breaker }
    }

    fn is(&self, mood: Mood) {
        *self.server.mood.lock().unwrap() = mood;
    }

    async fn ask_as(&self, tenant: &str, url: &str) -> String {
        match self.breaker.send(&tenant.parse().unwrap(), get(url)).await {
            Ok(response) => response.status.to_string(),
            Err(OutboundError::Resting { retry_after_ms, .. }) => format!("rests {retry_after_ms}"),
            Err(_) => "failed".to_owned(),
        }
    }

    async fn ask(&self) -> String {
        self.ask_as("acme", "https://a.example/x").await
    }
}

#[tokio::test]
async fn after_so_many_failures_it_is_asked_no_more_until_it_has_rested() {
    let bench = Bench::new(3);
    bench.is(Mood::Fails);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(bench.ask().await);
    }
    assert_eq!(told, ["failed", "failed", "failed", "rests 1000"]);
    assert_eq!(bench.server.asked.load(Ordering::SeqCst), 3);
    // It fails again and again: it rests twice as long each time, up to the longest.
    for rest_ms in [1_000, 2_000, 3_000, 3_000] {
        bench.clock.advance(Duration::from_millis(rest_ms - 1));
        assert_eq!(bench.ask().await, "rests 1");
        bench.clock.advance(Duration::from_millis(1));
        assert_eq!(bench.ask().await, "failed");
    }
    bench.is(Mood::Answers);
    bench.clock.advance(Duration::from_millis(3_000));
    assert_eq!(bench.ask().await, "503", "any status is an answer");
    bench.is(Mood::Fails);
    assert_eq!(bench.ask().await, "failed", "and the count begins anew");
}

#[tokio::test]
async fn one_request_finds_out_and_the_others_wait_for_it() {
    let bench = Bench::new(1);
    bench.is(Mood::Fails);
    bench.ask().await;
    bench.clock.advance(Duration::from_millis(1_000));
    bench.is(Mood::Hangs);
    {
        let mut probe = Box::pin(bench.ask());
        assert!(futures::poll!(probe.as_mut()).is_pending());
        assert_eq!(bench.ask().await, "rests 1000");
    }
    // Whoever found out gave up: the next one does.
    bench.is(Mood::Answers);
    assert_eq!((bench.ask().await, bench.ask().await), ("503".to_owned(), "503".to_owned()));
}

#[tokio::test]
async fn tenants_servers_and_ports_are_told_apart() {
    let bench = Bench::new(1);
    bench.is(Mood::Fails);
    bench.ask().await;
    assert!(bench.ask().await.starts_with("rests"));
    bench.is(Mood::Answers);
    assert!(bench.ask_as("acme", "https://A.example:443/other").await.starts_with("rests"));
    assert_eq!(bench.ask_as("north", "https://a.example/x").await, "503");
    assert_eq!(bench.ask_as("acme", "https://a.example:8443/x").await, "503");
    assert_eq!(bench.ask_as("acme", "https://b.example/x").await, "503");
}

#[tokio::test]
async fn what_never_reached_the_server_is_not_its_failure() {
    let bench = Bench::new(1);
    bench.is(Mood::IsForbidden);
    assert_eq!((bench.ask().await, bench.ask().await), ("failed".to_owned(), "failed".to_owned()));
    let never = Bench::new(0);
    never.is(Mood::Fails);
    for _ in 0..20 {
        assert_eq!(never.ask().await, "failed", "0 switches it off");
    }
}
