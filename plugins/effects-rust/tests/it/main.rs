//! The order of the effects, which the plugins in the other languages share.

use wforge_effects_rust::{Input, agent::exactly_once};
use workflowforge_sdk::{Failure, MockHost, Value, json};

const URL: &str = "http://server.example/post";

fn input() -> Input {
    Input { model: "m".to_owned(), url: URL.to_owned() }
}

fn host() -> MockHost {
    (1..=5).fold(MockHost::new().ask("yes").ask(json!({ "no": 1 })), |host, n| {
        let response = json!({ "status": 201, "body": format!("b{n}") });
        host.llm(format!("a{n}")).http(URL, response)
    })
}

#[test]
fn effects_come_in_their_order_and_each_question_holds_the_answer_before() {
    let host = host();
    exactly_once(&host.ctx(), input()).unwrap();
    expect_test::expect![[r#"
        llm m question 1
        http POST http://server.example/post {"n":1,"text":"a1"}
        kv set run k1 "a1"
        llm m question 2: a1
        http POST http://server.example/post {"n":2,"text":"a2"}
        kv set run k2 "a2"
        ask first?
        llm m question 3: a2
        http POST http://server.example/post {"n":3,"text":"a3"}
        kv set run k3 "a3"
        sleep 50
        llm m question 4: a3
        http POST http://server.example/post {"n":4,"text":"a4"}
        kv set run k4 "a4"
        ask second?
        llm m question 5: a4
        http POST http://server.example/post {"n":5,"text":"a5"}
        kv set run k5 "a5"
    "#]]
    .assert_eq(&(host.done().join("\n") + "\n"));
}

#[test]
fn everything_that_was_seen_is_the_output() {
    let seen = exactly_once(&host().ctx(), input()).unwrap();
    let each = |value: fn(u32) -> Value| (1..=5).map(value).collect::<Vec<_>>();
    assert_eq!(
        json!(seen),
        json!({
            "answers": each(|n| json!(format!("a{n}"))),
            "posts": each(|n| json!({ "status": 201, "body": format!("b{n}") })),
            "kv": each(|n| json!({ "key": format!("k{n}"), "version": 1 })),
            "said": ["yes", { "no": 1 }],
        })
    );
}

#[test]
fn a_denial_ends_the_agent_where_it_comes() {
    let host = MockHost::new().llm("a1");
    let failure = exactly_once(&host.ctx(), input()).unwrap_err();
    assert!(matches!(failure, Failure::Denied(denial) if denial.capability == "http"));
    assert_eq!(host.done().len(), 2);
}
