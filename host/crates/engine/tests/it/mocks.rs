//! Who decides whether the mock agent may stand in.

use serde_json::json;
use wforge_engine::{EngineError, EngineOptions, StartRun, WaitFor};
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::tenancy::AskedQuotas;

use crate::harness::{CHAIN, World, draft_of, ok, request, tenant};

/// Host's mode, run's mode, what the workflow says; then how a run of a missing agent goes.
async fn check(host: Option<MockMode>, run: Option<MockMode>, allow: &str, expected: &str) {
    let options = EngineOptions { mock_mode: host, ..EngineOptions::default() };
    check_with(options, run, allow, expected).await;
}

async fn check_with(options: EngineOptions, run: Option<MockMode>, allow: &str, expected: &str) {
    let told = format!("{options:?} {run:?} {allow}");
    let world = World::with(options, ok);
    assert_eq!(ending(&world, run, allow).await, expected, "{told}");
}

async fn ending(world: &World, run: Option<MockMode>, allow: &str) -> String {
    let mut wanted = request(&format!("{}{allow}\n", CHAIN.replace("t/a", "gone/a")));
    wanted.mock_mode = run;
    match world.handle.start(&tenant(), wanted).await {
        Err(EngineError::Invalid { code, .. }) => code.to_owned(),
        Err(error) => error.to_string(),
        Ok(started) => {
            let head = world.handle.wait(&tenant(), started.run, WaitFor::Settled).await.unwrap();
            let degraded = if head.degraded { " degraded" } else { "" };
            format!("{}{degraded}", head.status.as_str())
        }
    }
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
async fn a_tenants_mode_holds_for_its_runs_where_nothing_stricter_is_set() {
    use MockMode::{Fallback, Node, Off};
    for (host, of_tenant, run, expected) in [
        (Some(Fallback), Some(Off), Some(Fallback), "missing_agents"),
        (Some(Off), Some(Fallback), None, "missing_agents"),
        (None, Some(Fallback), None, "completed degraded"),
        (None, Some(Fallback), Some(Node), "missing_agents"),
    ] {
        let options = EngineOptions { mock_mode: host, ..EngineOptions::default() };
        let world = World::with(options, ok);
        let quotas = AskedQuotas { mock: of_tenant, ..AskedQuotas::default() };
        world.handle.create_tenant(tenant(), quotas, "ada").await.unwrap();
        let told = ending(&world, run, "").await;
        assert_eq!(told, expected, "{host:?} {of_tenant:?} {run:?}");
    }
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

const INNER: &str = "
state: { n: {} }
input: []
output: [n]
nodes:
  a: { agent: gone/a, in: {}, out: { n: result.n } }
edges: [{ from: START, to: a }]
";

const OUTER: &str = "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  one: { workflow: inner, in: {}, out: { log: [result.n] } }
  two: { workflow: inner, in: {}, out: { log: [result.n] } }
edges: [{ from: START, to: one }, { from: one, to: two }]
";

/// Nobody serves the agent inside: it must be mocked on every way on which the run reaches it.
#[tokio::test]
async fn a_node_of_a_part_needs_no_agent_where_it_is_mocked_on_all_ways() {
    let world = World::new(ok);
    let start = |paths: &[&str]| {
        let n = MockAnswer { output: Some(json!({ "n": paths.len() })), ..MockAnswer::default() };
        let mocks = paths.iter().map(|path| (path.parse().unwrap(), Some(n.clone())));
        let workflows = vec![draft_of("inner", "1.0.0", INNER)];
        StartRun { mocks: mocks.collect(), workflows, ..request(OUTER) }
    };
    let code = |refused| match refused {
        Err(EngineError::Invalid { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let refused = world.handle.start(&tenant(), start(&["one/a"])).await;
    assert_eq!(code(refused), "missing_agents", "nobody does two/a");
    let refused = world.handle.start(&tenant(), start(&["one/a", "two/a", "two/b"])).await;
    assert_eq!(code(refused), "unknown_node");
    let run = world.handle.start(&tenant(), start(&["one/a", "two/a"])).await.unwrap().run;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert!(head.degraded, "{:?}", head.error);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.output.unwrap().get("log"), Some(&json!([2, 2])));
}
