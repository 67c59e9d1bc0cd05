//! Sleeping and asking, and what this host does not serve.

use std::time::Duration;

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use wforge_model::effect::Operation;
use wforge_ports::EffectRequest;

use crate::world::{ask, ask_until, request, sleep, world};

#[tokio::test]
async fn a_sleep_ends_when_its_moment_has_passed_and_not_before() {
    let world = world(&[]);
    let calls = [sleep(60_000)];
    assert_eq!(world.execute(&calls).await, ["sleeps until noon + 60000 ms"]);
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(world.execute(&calls).await, ["sleeps until noon + 60000 ms"]);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.execute(&calls).await, ["[null]"]);
}

#[tokio::test]
async fn a_sleep_without_end_is_refused() {
    let told = world(&[]).execute(&[sleep(u64::MAX)]).await;
    expect![[r#"["[invalid-input (sleep_too_long): sleep at most 366 days]"]"#]]
        .assert_eq(&format!("{told:?}"));
}

#[tokio::test]
async fn a_deadline_counts_from_when_the_question_was_first_asked() {
    let world = world(&["ask"]);
    let calls = [ask_until("go on?", Some(60_000))];
    assert_eq!(world.execute(&calls).await, ["asks \"go on?\", deadline Some(60000)"]);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.execute(&calls).await, ["asks \"go on?\", deadline Some(60000)"]);
}

#[tokio::test]
async fn a_question_carries_its_schema() {
    let world = world(&["ask"]);
    let element = json!({ "prompt": "how many?", "schema": { "type": "integer" } });
    let question = world.question(&[request(Operation::HumanAsk, element)]).await;
    assert_eq!(question.schema, Some(json!({ "type": "integer" })));
}

#[tokio::test]
async fn several_questions_are_asked_at_once_and_each_has_its_own_answer() {
    let mut world = world(&["ask"]);
    let mut both = ask_until("first?", Some(60_000));
    both.elements.extend(ask("second?").elements);
    let calls = [both, ask("and then?")];
    let asked = "asks \"first?\", deadline Some(60000) and asks \"second?\", deadline None";
    assert_eq!(world.execute(&calls).await, [asked]);
    let open = world.questions(&calls).await;
    assert_eq!(open.len(), 2, "a rerun asks the same two");
    world.told(open.last().unwrap(), Some(json!("two")));
    let rest = "asks \"first?\", deadline Some(60000)";
    assert_eq!(world.execute(&calls).await, [rest], "the other stays open");
    world.told(open.first().unwrap(), None);
    assert_eq!(
        world.execute(&calls).await,
        [
            "[upstream (deadline): nobody answered before the question's deadline, \"two\"]",
            "asks \"and then?\", deadline None",
        ]
    );
    let kept: Vec<String> =
        world.store.told().into_iter().filter(|line| line.contains("->")).collect();
    assert_eq!(
        kept,
        ["1/0 human.ask \"first?\" -> deadline", "1/1 human.ask \"second?\" -> \"two\""]
    );
}

async fn unserved(grant: &str, operation: Operation, element: Value, expected: Expect) {
    let granted = world(&[grant]);
    granted.outside.close();
    let told = granted.execute(&[request(operation, element.clone())]).await;
    expected.assert_eq(told.first().unwrap());
    assert_eq!(granted.store.told(), Vec::<String>::new(), "it is no effect that happened");
    let denied = world(&[]).execute(&[request(operation, element)]).await;
    let hint = format!("wforge grants approve test/fixture {grant};");
    assert!(denied.first().unwrap().contains(&hint), "{denied:?} has no {hint}");
}

#[tokio::test]
async fn what_is_granted_but_not_served_says_so() {
    unserved(
        "llm:fast",
        Operation::LlmComplete,
        json!({ "model": "fast", "messages": [] }),
        expect!["[denied: llm on fast; this host does not serve the interface llm yet]"],
    )
    .await;
    unserved(
        "http:GET@api.example.com/v1",
        Operation::HttpFetch,
        json!({ "method": "GET", "url": "https://api.example.com/v1?key=x" }),
        expect![
            "[denied: http on GET@https://api.example.com:443/v1; this host does not serve the \
             interface http yet]"
        ],
    )
    .await;
    unserved(
        "secret:token:hold",
        Operation::SecretsGet,
        json!({ "name": "token" }),
        expect![
            "[denied: secret on token:hold; this host does not serve the interface secrets yet]"
        ],
    )
    .await;
}

#[tokio::test]
async fn a_grant_of_http_is_for_the_requests_of_its_rule() {
    let check = async |grant: &str, method: &str, url: &str, allowed: bool| {
        let element = json!({ "method": method, "url": url });
        let told = world(&[grant]).execute(&[request(Operation::HttpFetch, element)]).await;
        let is_allowed = !told[0].contains("to grant it: wforge grants approve");
        assert_eq!(is_allowed, allowed, "{grant}, {method} {url}: {told:?}");
    };
    check("http:api.example.com", "GET", "https://API.example.com:443/x", true).await;
    check("http:api.example.com", "GET", "https://api.example.com/a%2Fb?x=../y", true).await;
    check("http:GET@api.example.com/v1/", "GET", "https://api.example.com/v1/x*y", true).await;
    check("http:*.example.com", "POST", "https://a.b.example.com", true).await;
    check("http:xn--bcher-kva.example", "GET", "https://bücher.example/", true).await;
    check("http:http://127.0.0.1:8080", "GET", "http://0x7f.1:8080/", true).await;
    check("http:*", "GET", "http://10.0.0.1/", true).await;
    check("http:api.example.com", "GET", "http://api.example.com/", false).await;
    check("http:api.example.com", "GET", "https://api.example.com:8443/", false).await;
    check("http:api.example.com", "GET", "https://api.example.com.evil.example/", false).await;
    check("http:*.example.com", "GET", "https://example.com/", false).await;
    check("http:GET@api.example.com", "POST", "https://api.example.com/", false).await;
    check("http:api.example.com/v1/", "GET", "https://api.example.com/v1/../v2", false).await;
    check("http:api.example.com/v1/", "GET", "https://api.example.com/v1/%2e%2e/v2", false).await;
    check("http:api.example.com/v1/", "GET", "https://api.example.com/v1/..%2fv2", false).await;
    check("http.raw:api.example.com", "GET", "https://api.example.com/", false).await;
    check("ask", "GET", "no url", false).await;
    // Refused before it is sent, in other words.
    check("http:api.example.com", "GET", "https://api.example.com@evil.example/", true).await;
    check("http:api.example.com", "api.example.com/x", "https://evil.example/", true).await;
}

#[tokio::test]
async fn a_request_that_nests_too_deep_is_refused() {
    let mut deep = json!(1);
    for _ in 0..80 {
        deep = json!([deep]);
    }
    let told = world(&[]).execute(&[request(Operation::ToolsCall, deep)]).await;
    expect![[
        r#"["refused: invalid-input (json_depth): the request nests deeper than 64 levels"]"#
    ]]
    .assert_eq(&format!("{told:?}"));
}

#[tokio::test]
async fn no_elements_give_no_answers() {
    let nothing = EffectRequest { operation: Operation::HumanAsk, elements: Vec::new() };
    assert_eq!(world(&[]).execute(&[nothing]).await, ["[]"]);
}

#[tokio::test]
async fn a_lost_lease_stops_the_task() {
    let world = world(&[]);
    world.store.lose_lease();
    assert_eq!(world.execute(&[sleep(0)]).await, ["fault: the lease on the run was lost"]);
}

#[tokio::test]
async fn a_store_that_is_gone_stops_the_task() {
    let world = world(&[]);
    world.store.go_away();
    assert_eq!(world.execute(&[sleep(0)]).await, ["fault: store unavailable"]);
}
