//! Who decides whether the mock agent may stand in.

use wforge_engine::{EngineError, EngineOptions, WaitFor};
use wforge_model::mock::MockMode;

use crate::harness::{CHAIN, World, ok, request, tenant};

/// Host's mode, run's mode, what the workflow says; then how a run of a missing agent goes.
async fn check(host: Option<MockMode>, run: Option<MockMode>, allow: &str, expected: &str) {
    let options = EngineOptions { mock_mode: host, ..EngineOptions::default() };
    check_with(options, run, allow, expected).await;
}

async fn check_with(options: EngineOptions, run: Option<MockMode>, allow: &str, expected: &str) {
    let told = format!("{options:?} {run:?} {allow}");
    let world = World::with(options, ok);
    let mut wanted = request(&format!("{}{allow}\n", CHAIN.replace("t/a", "gone/a")));
    wanted.mock_mode = run;
    let outcome = match world.handle.start(&tenant(), wanted).await {
        Err(EngineError::Invalid { code, .. }) => code.to_owned(),
        Err(error) => error.to_string(),
        Ok(started) => {
            let head = world.handle.wait(&tenant(), started.run, WaitFor::Settled).await.unwrap();
            let degraded = if head.degraded { " degraded" } else { "" };
            format!("{}{degraded}", head.status.as_str())
        }
    };
    assert_eq!(outcome, expected, "{told}");
}

#[tokio::test]
async fn the_strictest_mode_that_is_set_holds() {
    use MockMode::{Always, Fallback, Node, Off};
    check(None, None, "", "missing_agents").await;
    check(Some(Fallback), None, "", "completed degraded").await;
    check(None, Some(Fallback), "", "completed degraded").await;
    check(Some(Always), Some(Always), "", "completed degraded").await;
    check(Some(Off), Some(Fallback), "", "missing_agents").await;
    check(Some(Fallback), Some(Node), "", "missing_agents").await;
    check(Some(Fallback), None, "mock: { allow: false }", "missing_agents").await;
}

#[tokio::test]
async fn production_needs_the_authors_and_the_operators_consent() {
    let production = |consent| EngineOptions {
        mock_mode: Some(MockMode::Fallback),
        production: true,
        mock_production: consent,
        ..EngineOptions::default()
    };
    check_with(production(false), None, "mock: { allow: true }", "mock_refused").await;
    check_with(production(true), None, "", "mock_refused").await;
    check_with(production(true), None, "mock: { allow: true }", "completed degraded").await;
}
