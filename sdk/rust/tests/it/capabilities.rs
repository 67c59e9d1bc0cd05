//! Each capability against a scripted host.

use std::time::Duration;

use workflowforge_sdk::{Blob, Ctx, Failure, MockHost, Question, Value, http, json, kv, llm};

#[test]
fn people_answer_in_the_order_in_which_they_are_asked() {
    let host = MockHost::new().ask(json!(1)).ask(json!(2));
    let answers = host.ctx().ask_all::<i64>(["a?", "b?", "c?"].map(Question::new)).unwrap();
    assert!(matches!(answers[..], [Ok(1), Ok(2), Err(Failure::Denied(_))]));
    assert_eq!(host.done(), ["ask a?", "ask b?", "ask c?"]);
}

#[test]
fn an_answer_of_another_type_is_a_failure_in_its_place() {
    let host = MockHost::new().tool("a", "one").tool("b", json!(2));
    let answers = host.ctx().tool_all::<i64>([("a", json!({})), ("b", json!({}))]).unwrap();
    assert!(matches!(answers[..], [Err(Failure::InvalidInput(_)), Ok(2)]));
}

#[test]
fn a_tool_answers_by_its_name_and_those_with_an_answer_left_are_listed() {
    let host = MockHost::new().tool("b", "of b").tool("a", "first").tool("a", "second");
    let ctx = host.ctx();
    let names = |ctx: &Ctx| ctx.tools().unwrap().into_iter().map(|tool| tool.name).collect();
    let listed: Vec<String> = names(&ctx);
    assert_eq!(listed, ["a", "b"]);
    let said = ["a", "b", "a"].map(|name| ctx.tool::<String>(name, &json!({})).unwrap());
    assert_eq!(said, ["first", "of b", "second"]);
    assert_eq!(host.done(), ["tools", "tool a", "tool b", "tool a"]);
}

#[test]
fn a_model_says_what_was_scripted() {
    let host = MockHost::new().llm("fine").llm(json!({ "well": true }));
    let ctx = host.ctx();
    assert_eq!(ctx.prompt("fast", "how are you?").unwrap(), "fine");
    let request = llm::Request::new("slow").system("be kind").user("and you?").max_tokens(9);
    let response = ctx.complete(request).unwrap();
    assert_eq!(response.json::<Value>().unwrap(), json!({ "well": true }));
    assert_eq!((response.model.as_str(), response.finish.as_str()), ("slow", "stop"));
    assert_eq!(host.done(), ["llm fast how are you?", "llm slow and you?"]);
}

#[test]
fn a_model_calls_tools_and_hears_what_they_say() {
    let asks = llm::Message::text_of("assistant", "").calling("1", "add", &json!({ "n": 2 }));
    let host = MockHost::new().llm(asks).llm("three").tool("add", json!(3));
    let ctx = host.ctx();
    let request = || llm::Request::new("fast").user("1 + 2?");
    let wants = ctx.complete(request()).unwrap().message;
    let call = wants.tool_calls()[0].clone();
    let sum: Value = ctx.tool(&call.name, &call.read::<Value>().unwrap()).unwrap();
    let told = llm::Message::tool_result(&call, &sum).unwrap();
    let said = ctx.complete(request().message(wants).message(told)).unwrap();
    assert_eq!(said.message.text(), "three");
    assert_eq!(host.done(), ["llm fast 1 + 2?", "tool add", "llm fast "]);
}

#[test]
fn a_server_says_what_was_scripted_for_its_url() {
    let described = json!({ "status": 404, "headers": { "ETag": "x" }, "body": { "n": 1 } });
    let host = MockHost::new().http("https://b.example", "ok").http("https://a.example", described);
    let ctx = host.ctx();
    let request = http::Request::post("https://a.example").json(&json!({ "q": 1 })).unwrap();
    let response = ctx.fetch(request).unwrap();
    assert_eq!((response.status, response.is_success()), (404, false));
    assert_eq!(response.header("etag"), Some("x"));
    assert_eq!(response.json::<Value>().unwrap(), json!({ "n": 1 }));
    let response = ctx.fetch(http::Request::get("https://b.example")).unwrap();
    assert_eq!((response.status, response.text().unwrap()), (200, "ok"));
    let done = ["http POST https://a.example {\"q\":1}", "http GET https://b.example"];
    assert_eq!(host.done(), done);
}

#[test]
fn a_server_may_be_scripted_for_all_urls_that_begin_alike() {
    let host =
        MockHost::new().http("https://a.example/*", "one").http("https://a.example/*", "two");
    let ctx = host.ctx();
    let said = ["https://a.example/x?n=1", "https://b.example/", "https://a.example/y"]
        .map(|url| ctx.fetch(http::Request::get(url)).is_ok());
    assert_eq!(said, [true, false, true]);
}

#[test]
fn a_secret_is_held_for_a_header_and_revealed() {
    let host = MockHost::new().secret("token", "s3cret").http("https://a.example", "ok");
    let ctx = host.ctx();
    let secret = ctx.secret("token").unwrap();
    assert!(!format!("{secret:?}").contains("s3cret"));
    let request = http::Request::get("https://a.example");
    assert!(ctx.fetch(request.credential("authorization", "Bearer {}", &secret)).is_ok());
    assert_eq!(secret.reveal().unwrap(), "s3cret");
    assert_eq!(host.done(), ["secret token", "http GET https://a.example", "reveal token"]);
}

#[test]
fn memory_keeps_what_is_written_and_its_versions_never_come_again() {
    let host = MockHost::new().kv(kv::Scope::Run, "a", json!([1]));
    let (ctx, scope) = (host.ctx(), kv::Scope::Run);
    assert_eq!(ctx.kv_get::<Value>(scope, "a").unwrap(), Some(json!([1])));
    assert_eq!(ctx.kv_set(scope, "a", &2).unwrap(), 2);
    assert!(ctx.kv_delete(scope, "a").unwrap());
    assert!(!ctx.kv_delete(scope, "a").unwrap());
    assert_eq!(ctx.kv_get::<Value>(scope, "a").unwrap(), None);
    assert_eq!(ctx.kv_set(scope, "a", &3).unwrap(), 4);
    assert_eq!(ctx.kv_get::<Value>(kv::Scope::Thread, "a").unwrap(), None);
    assert_eq!(host.stored(scope, "a"), Some(json!(3)));
    assert_eq!(host.done()[..2], ["kv get run a", "kv set run a 2"]);
}

#[test]
fn a_swap_writes_where_the_version_is_still_the_one_that_was_read() {
    let (ctx, scope) = (MockHost::new().ctx(), kv::Scope::Thread);
    assert!(ctx.kv_swap(scope, "a", None, &1).unwrap());
    assert!(!ctx.kv_swap(scope, "a", None, &2).unwrap());
    let version = ctx.kv_entry(scope, "a").unwrap().unwrap().version;
    assert!(!ctx.kv_swap(scope, "a", Some(version + 1), &2).unwrap());
    assert!(ctx.kv_swap(scope, "a", Some(version), &2).unwrap());
    assert_eq!(ctx.kv_get::<i64>(scope, "a").unwrap(), Some(2));
}

#[test]
fn what_has_expired_is_gone() {
    let (ctx, scope) = (MockHost::new().ctx(), kv::Scope::Plugin);
    ctx.kv_set_for(scope, "a", &1, Duration::from_millis(100)).unwrap();
    ctx.sleep(Duration::from_millis(99)).unwrap();
    assert_eq!(ctx.kv_get::<i64>(scope, "a").unwrap(), Some(1));
    ctx.sleep(Duration::from_millis(1)).unwrap();
    assert_eq!(ctx.kv_get::<i64>(scope, "a").unwrap(), None);
    assert_eq!(ctx.kv_set(scope, "a", &2).unwrap(), 2);
}

#[test]
fn a_listing_comes_in_pages_and_in_the_order_of_the_keys() {
    let (ctx, scope) = (MockHost::new().ctx(), kv::Scope::Run);
    for key in ["b/1", "a/2", "a/3", "a/1", "gone"] {
        ctx.kv_set(scope, key, &key).unwrap();
    }
    let keys = |page: &kv::Page| -> Vec<String> {
        page.entries.iter().map(|entry| entry.key.clone()).collect()
    };
    let page = ctx.kv_list(scope, "a/", 2, None).unwrap();
    assert_eq!(keys(&page), ["a/1", "a/2"]);
    assert_eq!(page.entries[0].read::<String>().unwrap(), "a/1");
    let page = ctx.kv_list(scope, "a/", 2, page.cursor.as_deref()).unwrap();
    assert_eq!((keys(&page), page.cursor), (vec!["a/3".to_owned()], None));
    for limit in [0, 1_001] {
        let failure = ctx.kv_list(scope, "a/", limit, None).unwrap_err();
        assert_eq!(failure.code(), Some("kv_page_entries"));
    }
}

#[test]
fn a_key_and_a_value_that_a_host_refuses_are_refused() {
    let (ctx, scope) = (MockHost::new().ctx(), kv::Scope::Run);
    let (long, large) = ("k".repeat(513), "v".repeat(256 << 10));
    let failures = [
        ctx.kv_get::<String>(scope, &long).map(drop).unwrap_err(),
        ctx.kv_set(scope, &long, &1).map(drop).unwrap_err(),
        ctx.kv_list(scope, &long, 1, None).map(drop).unwrap_err(),
        ctx.kv_set(scope, "k", &large).map(drop).unwrap_err(),
    ];
    let codes = failures.map(|failure| failure.code().unwrap().to_owned());
    assert_eq!(codes, ["kv_key_bytes", "kv_key_bytes", "kv_key_bytes", "kv_value_bytes"]);
}

#[test]
fn a_blob_is_named_by_its_content_and_written_in_json_as_in_inputs() {
    let host = MockHost::new();
    let ctx = host.ctx();
    let blob = ctx.blob_write("text/plain", b"hi").unwrap();
    let digest = "sha256:8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
    let reference = json!({ "$blob": digest, "size": 2, "media_type": "text/plain" });
    assert_eq!(serde_json::to_value(&blob).unwrap(), reference);
    assert_eq!(serde_json::from_value::<Blob>(reference).unwrap(), blob);
    assert_eq!(ctx.blob_read(&blob, 1, 9).unwrap(), b"i");
    let handed_in = host.blob("text/plain", b"well");
    assert_eq!(ctx.blob_read(&handed_in, 0, 2).unwrap(), b"we");
    let unknown = Blob { digest: "sha256:00".to_owned(), ..handed_in };
    assert_eq!(ctx.blob_read(&unknown, 0, 2).unwrap_err().kind(), "denied");
}
