//! Tenants, keys, people, audit and quotas over the API.

use serde_json::{Value, json};
use wforge_api::{ApiLimits, Origins};
use wforge_model::tenancy::Quotas;

use crate::bench::{Bench, Given, bench, bench_of, bench_with, greet};

/// A bench with the tenant `acme` made.
async fn with_acme() -> Bench {
    let bench = bench();
    let made = bench.post("/v1/tenants", &json!({ "id": "acme" })).of("other/platform");
    assert_eq!(made.send().await.outcome(), "201");
    bench
}

async fn made_key(bench: &Bench, of: &str, body: &Value) -> Value {
    let reply = bench.post("/v1/keys", body).of(of).send().await;
    assert_eq!(reply.outcome(), "201", "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn a_tenant_is_made_once_suspended_and_resumed() {
    let bench = with_acme().await;
    let of = "other/platform";
    let twice = bench.post("/v1/tenants", &json!({ "id": "acme" })).of(of).send().await;
    assert_eq!(twice.outcome(), "409 WF0409");
    assert_eq!(twice.json()["reason"], "tenant_exists");
    let reserved = bench.post("/v1/tenants", &json!({ "id": "platform" })).of(of).send().await;
    assert_eq!(reserved.outcome(), "422 WF0422");
    for (how, state) in [("suspend", "suspended"), ("suspend", "suspended"), ("resume", "active")] {
        let path = format!("/v1/tenants/acme/{how}");
        let reply = bench.call("POST", &path).of(of).send().await;
        assert_eq!(reply.json()["state"], state, "{}", reply.text);
    }
    let missing = bench.get("/v1/tenants/nobody").of(of).send().await;
    assert_eq!(missing.outcome(), "404 WF0404");
}

#[tokio::test]
async fn runs_of_a_suspended_tenant_stand_still() {
    let bench = with_acme().await;
    bench.registered(&crate::bench::ask()).await;
    let start = json!({ "workflow": "ask", "input": { "who": "you" } });
    let run = bench.post("/v1/runs?wait=30s", &start).send().await.json();
    let (id, suspend) = (run["id"].as_str().unwrap(), "/v1/tenants/acme/suspend");
    bench.call("POST", suspend).of("other/platform").send().await;
    // The bench's keys know nothing of the engine's list, so the request reaches the engine.
    let answer = json!({ "answers": [{ "answer": true }] });
    let reply = bench.post(&format!("/v1/runs/{id}/resume"), &answer).send().await;
    assert_eq!(reply.json()["reason"], "tenant_suspended", "{}", reply.text);
    let refused = bench.post("/v1/runs", &start).send().await;
    assert_eq!(refused.json()["reason"], "tenant_suspended", "{}", refused.text);
    bench.call("POST", "/v1/tenants/acme/resume").of("other/platform").send().await;
    let reply = bench.post(&format!("/v1/runs/{id}/resume?wait=30s"), &answer).send().await;
    assert_eq!(reply.outcome(), "200", "{}", reply.text);
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_without_what_opens_anything() {
    let bench = with_acme().await;
    let made = made_key(&bench, "acme/admin", &json!({ "name": "ci", "role": "operator" })).await;
    let text = made["key"].as_str().unwrap();
    assert!(text.starts_with(&format!("wf_{}_", made["id"].as_str().unwrap())), "{text}");
    let list = bench.get("/v1/keys").of("acme/admin").send().await;
    let secret = text.split('_').nth(2).unwrap();
    assert!(!list.text.contains(secret) && !list.text.contains("mac"), "{}", list.text);
    assert_eq!(list.json()["items"][0]["name"], "ci");
    let others = bench.get("/v1/keys").of("other/admin").send().await;
    assert_eq!(others.json()["items"], json!([]));
}

#[tokio::test]
async fn nobody_gives_away_more_than_they_have() {
    let bench = with_acme().await;
    let platform = json!({ "name": "x", "role": "platform" });
    let reply = bench.post("/v1/keys", &platform).of("acme/admin").send().await;
    assert_eq!(reply.outcome(), "403 WF0403");
    let body = json!({ "name": "top", "role": "platform" });
    let top = made_key(&bench, "acme/platform", &body).await;
    for how in ["rotate", "revoke"] {
        let path = format!("/v1/keys/{}/{how}", top["id"].as_str().unwrap());
        let reply = bench.call("POST", &path).of("acme/admin").send().await;
        assert_eq!(reply.outcome(), "403 WF0403", "{how}");
    }
    let member = json!({ "subject": "ann", "role": "platform" });
    let reply = bench.post("/v1/members", &member).of("acme/platform").send().await;
    assert_eq!(reply.outcome(), "422 WF0422");
}

#[tokio::test]
async fn a_service_names_its_scopes() {
    let bench = with_acme().await;
    let mut body = json!({ "name": "exporter", "role": "operator", "holder": "service" });
    let bare = bench.post("/v1/keys", &body).of("acme/admin").send().await;
    assert_eq!(bare.json()["reason"], "unscoped_service", "{}", bare.text);
    body["scopes"] = json!(["runs:rite"]);
    let wrong = bench.post("/v1/keys", &body).of("acme/admin").send().await;
    assert_eq!(wrong.outcome(), "422 WF0422");
    body["scopes"] = json!(["runs:read", "system:read"]);
    let made = made_key(&bench, "acme/admin", &body).await;
    assert_eq!(made["scopes"], json!(["runs:read", "system:read"]));
}

#[tokio::test]
async fn two_keys_of_a_name_work_at_once_and_no_third() {
    let bench = with_acme().await;
    let body = json!({ "name": "ci", "role": "viewer" });
    let first = made_key(&bench, "acme/admin", &body).await;
    let path = format!("/v1/keys/{}/rotate", first["id"].as_str().unwrap());
    let longest = 30_u64 * 24 * 3_600 * 1_000;
    let longer = bench.post(&path, &json!({ "overlap_ms": longest + 1 })).of("acme/admin");
    assert_eq!(longer.send().await.outcome(), "422 WF0422");
    let second = bench.post(&path, &json!({ "overlap_ms": 60_000 })).of("acme/admin").send().await;
    assert_eq!(second.outcome(), "201", "{}", second.text);
    assert_eq!(second.json()["replaces"], first["id"]);
    let third = bench.post("/v1/keys", &body).of("acme/admin").send().await;
    assert_eq!(third.json()["reason"], "two_keys_active", "{}", third.text);
    bench.clock.advance(std::time::Duration::from_secs(61));
    let list = bench.get("/v1/keys").of("acme/admin").send().await.json();
    let active = list["items"].as_array().unwrap().iter().filter(|key| key["active"] == true);
    assert_eq!(active.count(), 1);
    assert_eq!(bench.post("/v1/keys", &body).of("acme/admin").send().await.outcome(), "201");
    let again = bench.post(&path, &json!({})).of("acme/admin").send().await;
    assert_eq!(again.json()["reason"], "key_expired", "{}", again.text);
}

#[tokio::test]
async fn people_are_added_and_removed() {
    let bench = with_acme().await;
    let ann = json!({ "subject": "ann", "role": "operator" });
    let put = bench.post("/v1/members", &ann).of("acme/admin").send().await;
    assert_eq!(put.json()["role"], "operator", "{}", put.text);
    let others = bench.get("/v1/members").of("other/admin").send().await;
    assert_eq!(others.json()["items"], json!([]));
    let gone = bench.call("POST", "/v1/members/ann/remove").of("acme/admin").send().await;
    assert_eq!(gone.outcome(), "200");
    let again = bench.call("POST", "/v1/members/ann/remove").of("acme/admin").send().await;
    assert_eq!(again.outcome(), "404 WF0404");
    let spaces = json!({ "subject": "a b", "role": "viewer" });
    let reply = bench.post("/v1/members", &spaces).of("acme/admin").send().await;
    assert_eq!(reply.json()["reason"], "bad_subject", "{}", reply.text);
}

#[tokio::test]
async fn changes_are_in_the_audit_log_and_its_chain_holds() {
    let bench = with_acme().await;
    let key = made_key(&bench, "acme/admin", &json!({ "name": "ci", "role": "viewer" })).await;
    let revoke = format!("/v1/keys/{}/revoke", key["id"].as_str().unwrap());
    bench.call("POST", &revoke).of("acme/admin").send().await;
    bench.registered(&greet()).await;
    let log = bench.get("/v1/audit").of("acme/admin").send().await.json();
    let said: Vec<String> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["entry"]["actor"].as_str().unwrap(), &item["entry"]["action"]))
        // The actor is the key's name, and its id behind it.
        .map(|(actor, action)| format!("{} {action}", actor.split(" (").next().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            "acme-admin \"key.add\"",
            "acme-admin \"key.revoke\"",
            "acme-developer \"workflow.register\""
        ]
    );
    let verdict = bench.get("/v1/audit/verify").of("acme/admin").send().await.json();
    assert_eq!((verdict["intact"].clone(), verdict["entries"].clone()), (json!(true), json!(3)));
    let noted = format!("/v1/audit/verify?noted=3:{}", verdict["tip"].as_str().unwrap());
    let again = bench.get(&noted).of("acme/admin").send().await.json();
    assert_eq!(again["intact"], true);
    let other = format!("/v1/audit/verify?noted=3:{}", "0".repeat(64));
    let broken = bench.get(&other).of("acme/admin").send().await.json();
    assert_eq!((broken["intact"].clone(), broken["broken_at"].clone()), (json!(false), json!(3)));
    let platform = bench.get("/v1/tenants/platform/audit").of("other/platform").send().await.json();
    assert_eq!(platform["items"][0]["entry"]["action"], "tenant.create");
}

#[tokio::test]
async fn a_quota_that_is_used_up_says_which_and_when_to_come_back() {
    let quotas = Quotas { runs_per_day_max: 2, requests_burst_max: 1_000, ..Quotas::default() };
    let bench = bench_of(Given { quotas, ..Given::default() });
    bench.registered(&greet()).await;
    let start = json!({ "workflow": "greet", "input": { "who": "you" } });
    for _ in 0..2 {
        assert_eq!(bench.post("/v1/runs", &start).send().await.outcome(), "202");
    }
    let over = bench.post("/v1/runs", &start).send().await;
    assert_eq!(over.outcome(), "429 WF1009");
    assert_eq!(over.json()["reason"], "runs_per_day_max");
    // 22:13:20 of the day.
    assert_eq!(over.header("retry-after"), (86_400 - 80_000).to_string());
    let usage = bench.get("/v1/usage").send().await.json();
    assert_eq!(
        (usage["today"]["runs"].clone(), usage["day"].clone()),
        (json!(2), json!("2023-11-14"))
    );
    bench.clock.advance(std::time::Duration::from_secs(6_400));
    assert_eq!(bench.post("/v1/runs", &start).send().await.outcome(), "202", "a new day");
}

#[tokio::test]
async fn storage_that_is_full_refuses_what_would_add_to_it() {
    let quotas = Quotas { storage_bytes_max: 1, requests_burst_max: 1_000, ..Quotas::default() };
    let bench = bench_of(Given { quotas, ..Given::default() });
    // The first byte is let in: nothing was kept before it.
    bench.registered(&greet()).await;
    let start = json!({ "workflow": "greet", "input": { "who": "you" } });
    let over = bench.post("/v1/runs", &start).send().await;
    assert_eq!(over.json()["reason"], "storage_bytes_max", "{}", over.text);
    let other = bench.post("/v1/workflows", &greet()).send().await;
    assert_eq!(other.outcome(), "429 WF1009");
    assert_eq!(bench.get("/v1/workflows").send().await.outcome(), "200", "reading goes on");
}

#[tokio::test]
async fn a_tenant_that_is_too_fast_waits_and_no_other_does() {
    let quotas = Quotas { requests_per_second_max: 2, requests_burst_max: 3, ..Quotas::default() };
    let bench = bench_of(Given { quotas, ..Given::default() });
    for _ in 0..3 {
        assert_eq!(bench.get("/v1/runs").send().await.outcome(), "200");
    }
    let over = bench.get("/v1/runs").of("acme/admin").send().await;
    assert_eq!(over.outcome(), "429 WF1010");
    assert_eq!(over.header("retry-after"), "1");
    assert_eq!(bench.get("/v1/runs").of("other/viewer").send().await.outcome(), "200");
    bench.clock.advance(std::time::Duration::from_millis(500));
    assert_eq!(bench.get("/v1/runs").send().await.outcome(), "200");
    assert_eq!(bench.get("/v1/runs").send().await.outcome(), "429 WF1010");
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_and_a_valid_key_is_not() {
    let limits = ApiLimits { auth_failures_per_minute_max: 3, ..ApiLimits::default() };
    let bench = bench_with(limits);
    let good = bench.key("acme/viewer").to_owned();
    let mut wrong = good.clone();
    let secret = wrong.find('_').unwrap() + 20;
    let digit = if &wrong[secret..=secret] == "0" { "1" } else { "0" };
    wrong.replace_range(secret..=secret, digit);
    let body = wrong.rsplit_once('_').unwrap().0.to_owned();
    let wrong = format!("{body}_{:08x}", crc32c::crc32c(body.as_bytes()));
    let ask = |key: String| {
        let call = bench.get("/v1/runs").without_key();
        call.header("authorization", &format!("Bearer {key}")).send()
    };
    for _ in 0..3 {
        assert_eq!(ask(wrong.clone()).await.outcome(), "401 WF0401");
    }
    let over = ask(wrong.clone()).await;
    assert_eq!(over.outcome(), "429 WF1011");
    assert_eq!(over.header("retry-after"), "20");
    assert_eq!(ask(good).await.outcome(), "200");
}

#[tokio::test]
async fn only_pages_of_named_origins_may_call() {
    let origins = Origins::parse(["https://console.example"]).unwrap();
    let bench = bench_of(Given { origins, ..Given::default() });
    let page = "https://console.example";
    let reply = bench.get("/v1/runs").header("origin", page).send().await;
    assert_eq!(reply.outcome(), "200");
    assert_eq!(reply.header("access-control-allow-origin"), page);
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let preflight = bench.call("OPTIONS", "/v1/runs").without_key().header("origin", page);
    let preflight = preflight
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await;
    assert_eq!(preflight.status, 200);
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    let evil = bench.get("/v1/runs").header("origin", "https://evil.example").send().await;
    assert_eq!(evil.outcome(), "403 WF1005");
    assert_eq!(evil.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn an_export_is_whole_and_says_so() {
    let bench = with_acme().await;
    bench.registered(&greet()).await;
    let start = json!({ "workflow": "greet", "input": { "who": "you" } });
    bench.post("/v1/runs?wait=30s", &start).send().await;
    let export = bench.get("/v1/export").of("acme/admin").send().await;
    let kinds: Vec<String> = export
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().into())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("tenant"));
    assert_eq!(kinds.last().map(String::as_str), Some("end"));
    for kind in ["workflow", "run", "event", "audit"] {
        assert!(kinds.iter().any(|found| found == kind), "{kind} in {kinds:?}");
    }
    let theirs = bench.get("/v1/tenants/acme/export").of("other/platform").send().await;
    assert_eq!(theirs.text, export.text);
}

#[tokio::test]
async fn a_tenant_is_erased_by_whoever_says_its_name_and_never_called_so_again() {
    let bench = with_acme().await;
    bench.registered(&greet()).await;
    let of = "other/platform";
    let path = "/v1/tenants/acme/erase";
    let slip = bench.post(path, &json!({ "confirm": "acne" })).of(of).send().await;
    assert_eq!(slip.outcome(), "422 WF0422");
    let own = bench.post(path, &json!({ "confirm": "acme" })).of("acme/platform").send().await;
    assert_eq!(own.outcome(), "409 WF0409");
    let erased = bench.post(path, &json!({ "confirm": "acme" })).of(of).send().await;
    assert_eq!(erased.json()["state"], "erased", "{}", erased.text);
    let workflows = bench.get("/v1/workflows").send().await.json();
    assert_eq!(workflows["items"], json!([]));
    let late = bench.post("/v1/workflows", &greet()).send().await;
    assert_eq!(late.json()["reason"], "tenant_erased", "{}", late.text);
    let again = bench.post("/v1/tenants", &json!({ "id": "acme" })).of(of).send().await;
    assert_eq!(again.json()["reason"], "tenant_exists", "{}", again.text);
}
