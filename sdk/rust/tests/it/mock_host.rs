//! What `MockHost` is beside its capabilities: scripts, denials, clock, and what it remembers.

use std::time::Duration;

use workflowforge_sdk::{Ctx, Failure, Level, MockHost, Question, Value, http, json, kv};

fn denial(failure: Failure) -> String {
    match failure {
        Failure::Denied(denial) => {
            format!("{}:{}; {}", denial.capability, denial.resource, denial.hint)
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn what_is_not_scripted_is_denied_and_the_hint_names_the_method() {
    let ctx = MockHost::new().ctx();
    let get = http::Request::get("https://a.example/x");
    let said = [
        ctx.prompt("fast", "hello").unwrap_err(),
        ctx.fetch(get).unwrap_err(),
        ctx.tool::<Value>("search", &json!({})).unwrap_err(),
        ctx.ask::<Value>(Question::new("Go?")).unwrap_err(),
        ctx.secret("token").unwrap_err(),
    ];
    let hint = "nothing is scripted for it; the test calls MockHost::";
    assert_eq!(
        said.map(denial),
        [
            format!("llm:fast; {hint}llm(answer)"),
            format!("http:GET https://a.example/x; {hint}http(\"https://a.example/x\", response)"),
            format!("tool:search; {hint}tool(\"search\", answer)"),
            format!("ask:; {hint}ask(answer)"),
            format!("secret:token:hold; {hint}secret(\"token\", value)"),
        ]
    );
}

#[test]
fn what_is_denied_is_denied_whatever_is_scripted() {
    let host = MockHost::new().llm("yes").ask("yes").deny("llm").deny("ask");
    let ctx = host.ctx();
    let failure = ctx.prompt("fast", "hello").unwrap_err();
    assert_eq!(denial(failure), "llm:fast; MockHost::deny(\"llm\") refuses it");
    assert_eq!(ctx.ask::<Value>(Question::new("Go?")).unwrap_err().kind(), "denied");
    assert_eq!(host.done(), ["llm fast hello", "ask Go?"]);
}

#[test]
fn a_denial_may_name_what_it_is_for() {
    let host = MockHost::new()
        .llm("yes")
        .http("https://b.example/", "yes")
        .tool("b", true)
        .secret("token", "s3cret")
        .deny("llm:slow")
        .deny("http:a.example")
        .deny("tool:a")
        .deny("kv:run")
        .deny("secret:token:reveal");
    let ctx = host.ctx();
    let is_denied = |failure: Failure| failure.kind() == "denied";
    assert!(is_denied(ctx.prompt("slow", "x").unwrap_err()));
    assert!(ctx.prompt("slower", "x").is_ok());
    assert!(is_denied(ctx.fetch(http::Request::get("https://a.example/x")).unwrap_err()));
    assert!(ctx.fetch(http::Request::get("https://b.example/")).is_ok());
    assert!(is_denied(ctx.tool::<Value>("a", &json!(1)).unwrap_err()));
    assert!(ctx.tool::<Value>("b", &json!(1)).is_ok());
    assert!(is_denied(ctx.kv_get::<Value>(kv::Scope::Run, "k").unwrap_err()));
    assert!(ctx.kv_get::<Value>(kv::Scope::Plugin, "k").is_ok());
    assert!(is_denied(ctx.secret("token").unwrap().reveal().unwrap_err()));
}

#[test]
fn a_denial_is_named_as_in_the_other_languages() {
    let url = "https://a.example:8443/x";
    for (capability, named) in [
        ("ask", "ask:"),
        ("llm:*", "llm:slow"),
        ("http:a.example", "http:GET https://a.example:8443/x"),
        ("http:https://a.example", "http:GET https://a.example:8443/x"),
        ("http:https://a.example*", "http:GET https://a.example:8443/x"),
        ("kv:run", "kv:run"),
        ("kv:run:rw", "kv:run"),
        ("kv:run:ro", "kv:run:ro"),
        ("secret:token", "secret:token:hold"),
        ("blobs", "blobs:text/plain"),
    ] {
        let host = MockHost::new().ask(true).llm("a").http(url, "x").secret("token", "x");
        let ctx = host.deny(capability).ctx();
        let said = [
            ctx.ask::<Value>(Question::new("Go on?")).err(),
            ctx.prompt("slow", "x").err(),
            ctx.fetch(http::Request::get(url)).err(),
            ctx.kv_set(kv::Scope::Run, "k", &1).err(),
            ctx.kv_get::<Value>(kv::Scope::Run, "k").err(),
            ctx.secret("token").err(),
            ctx.blob_write("text/plain", b"").err(),
        ];
        let said = said.into_iter().flatten().next().map(denial);
        assert_eq!(said, Some(format!("{named}; MockHost::deny(\"{capability}\") refuses it")));
    }
}

#[test]
fn denying_what_is_no_capability_fails_whatever_is_asked_for() {
    let failure = MockHost::new().llm("yes").deny("lmm").ctx().prompt("fast", "x").unwrap_err();
    let problem = failure.problem().unwrap();
    assert_eq!(problem.code, "unreadable_script");
    assert!(problem.message.contains("\"lmm\" is no capability; they are ask, blobs"));
}

#[test]
fn an_answer_may_be_a_failure() {
    let host = MockHost::new()
        .llm(Failure::limit("tokens", "the budget is used up"))
        .http("https://a.example", Failure::upstream("timeout", "no answer").retryable())
        .tool("t", Failure::failed("broken", "it broke"))
        .ask(Failure::upstream("deadline", "nobody answered"));
    let ctx = host.ctx();
    let failures = [
        ctx.prompt("fast", "hello").unwrap_err(),
        ctx.fetch(http::Request::get("https://a.example")).unwrap_err(),
        ctx.tool::<Value>("t", &json!({})).unwrap_err(),
        ctx.ask::<Value>(Question::new("Go?")).unwrap_err(),
    ];
    let codes = failures.map(|failure| failure.code().unwrap_or_default().to_owned());
    assert_eq!(codes, ["tokens", "timeout", "broken", "deadline"]);
}

#[test]
fn a_response_that_cannot_be_read_says_so() {
    let host = MockHost::new().http("https://a.example", json!({ "stauts": 404 }));
    let failure = host.ctx().fetch(http::Request::get("https://a.example")).unwrap_err();
    let problem = failure.problem().unwrap();
    assert_eq!(problem.code, "unreadable_script");
    assert!(problem.message.contains("unknown field `stauts`"), "{}", problem.message);
}

#[test]
fn the_clock_stands_where_it_is_put_and_moves_with_a_sleep() {
    let ctx = MockHost::new().clock_ms(1_000).ctx();
    assert_eq!(ctx.now_ms(), 1_000);
    ctx.sleep(Duration::from_millis(250)).unwrap();
    assert_eq!(ctx.now_ms(), 1_250);
}

#[test]
fn configuration_and_context_are_empty_objects_where_none_is_given() {
    let ctx = MockHost::new().ctx();
    assert_eq!(ctx.config::<Value>().unwrap(), json!({}));
    let ctx = MockHost::new().config(json!({ "n": 1 })).context(json!("who")).ctx();
    assert_eq!(ctx.config::<Value>().unwrap(), json!({ "n": 1 }));
    assert_eq!(ctx.context::<String>().unwrap(), "who");
}

#[test]
fn lines_and_events_are_kept_in_their_order() {
    let host = MockHost::new();
    let ctx = host.ctx();
    ctx.info("counting");
    ctx.log(Level::Warn, "many", &[("words", &9), ("of", &"all")]);
    ctx.emit("progress", &json!({ "n": 1 })).unwrap();
    assert_eq!(host.logs(), ["info counting", "warn many words=9 of=all"]);
    assert_eq!(host.events(), [("progress".to_owned(), json!({ "n": 1 }))]);
    assert_eq!(host.done(), ["emit progress {\"n\":1}"]);
}

fn remember(ctx: &Ctx, word: String) -> Result<u64, Failure> {
    ctx.kv_set(kv::Scope::Plugin, "word", &word)
}

#[test]
fn one_host_remembers_from_run_to_run() {
    let host = MockHost::new();
    assert_eq!(host.run(remember, "a"), Ok(1));
    assert_eq!(host.run(remember, "b"), Ok(2));
    assert_eq!(host.done().len(), 2);
}

#[test]
fn an_input_goes_through_json_as_in_a_host() {
    let failure = MockHost::new().run(remember, 7).unwrap_err();
    assert_eq!((failure.kind(), failure.code()), ("invalid-input", Some("invalid_json")));
}
