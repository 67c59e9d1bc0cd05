//! Which model answers: by name, by tenant, and after its elders have failed.

use std::sync::atomic::Ordering;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::provider::reply;
use super::stage::{says, stage, with};

const MODELS: &str = r#"
[[model]]
name = "fast"
provider = "openai"
base_url = "{url}"
model = "gpt-test"
retries_max = 0
fallbacks = ["claude", "spare"]

[[model]]
name = "claude"
provider = "anthropic"
base_url = "{url}"
model = "claude-test"
retries_max = 0
fallbacks = ["never"]

[[model]]
name = "spare"
provider = "mock"
script = [{ text = "spare here" }]

[[model]]
name = "never"
provider = "mock"

[[model]]
name = "spare"
tenant = "north"
provider = "mock"
script = [{ text = "the north's own" }]

[[model]]
name = "secret"
tenant = "north"
provider = "mock"
"#;

async fn check(tenant: &str, statuses: &[u16], expected: Expect) {
    let mut stage = stage(MODELS).await;
    stage.call.tenant = tenant.parse().unwrap();
    for status in statuses {
        stage.provider.next(reply(*status, "", ""));
    }
    let told = stage.told(&says("hi")).await;
    expected.assert_eq(&format!("{told}\n{}\n", stage.tokens.told().replace(", held", "\nheld")));
}

#[tokio::test]
async fn fallbacks_answer_in_order_and_say_so() {
    check(
        "south",
        &[],
        expect![[r#"
        fast: "you said hi" [stop, 11+7]
        held 4158, used 18 of 4158
    "#]],
    )
    .await;
    check(
        "south",
        &[500],
        expect![[r#"
        claude: "you said \"hi\"" [stop, 11+7]
        held 4158, used 0 of 4158
        held 4158, used 18 of 4158
    "#]],
    )
    .await;
    check(
        "south",
        &[500, 429],
        expect![[r#"
        spare: "spare here" [stop, 51+13]
        held 4158, used 0 of 4158
        held 4158, used 0 of 4158
        held 4158, used 64 of 4158
    "#]],
    )
    .await;
    check(
        "north",
        &[500, 429],
        expect![[r#"
        spare: "the north's own" [stop, 51+14]
        held 4158, used 0 of 4158
        held 4158, used 0 of 4158
        held 4158, used 65 of 4158
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_a_provider_refuses_is_not_hidden_by_a_fallback() {
    check(
        "south",
        &[401],
        expect![[r#"
        upstream (provider_refused)
        the provider answered 401
        held 4158, used 0 of 4158
    "#]],
    )
    .await;
}

#[tokio::test]
async fn without_tokens_nobody_is_asked() {
    let stage = stage(MODELS).await;
    stage.tokens.are_spent.store(true, Ordering::Relaxed);
    assert_eq!(stage.told(&says("hi")).await, "limit (tokens)\nnothing left");
    assert_eq!(stage.provider.seen().len(), 0);
}

#[tokio::test]
async fn a_tenant_sees_its_own_models_and_everybodys() {
    let mut stage = stage(MODELS).await;
    let ask = with(says("hi"), json!({ "model": "secret" }));
    expect![[r#"
        invalid-input (unknown_model)
        no model is called "secret"; there are: claude, fast, never, spare"#]]
    .assert_eq(&stage.told(&ask).await);
    stage.call.tenant = "north".parse().unwrap();
    expect![[r#"secret: "Mock answer 772f to: hi" [stop, 51+17]"#]]
        .assert_eq(&stage.told(&ask).await);
}

#[tokio::test]
async fn requests_that_no_model_can_answer_are_refused() {
    let stage = stage(MODELS).await;
    let part = |role: &str, part: Value| {
        let parts = json!([part]);
        json!({ "messages": [{ "role": role, "parts": parts }] })
    };
    let blob = json!({ "type": "blob", "blob": { "$blob": "sha256:00" } });
    let image = json!({ "type": "other", "value": { "type": "image_url" } });
    let fields = [
        json!({ "messages": [] }),
        json!({ "messages": 5 }),
        part("robot", json!({ "type": "text", "text": "x" })),
        part("tool", json!({ "type": "text", "text": "x" })),
        part("user", json!({ "type": "tool_call", "id": "a", "name": "b", "arguments": {} })),
        part("user", blob),
        part("assistant", image),
        json!({ "response_schema": { "type": 5 } }),
        json!({ "options": [] }),
        json!({ "options": { "seed": 5 } }),
        json!({ "options": { "openai": 5 } }),
        json!({ "options": { "openai": { "model": "dearest" } } }),
    ];
    let mut told = String::new();
    for fields in fields {
        told += &format!("{}\n", stage.told(&with(says("hi"), fields)).await);
    }
    expect![[r#"
        invalid-input (no_messages)
        a request needs at least one message
        invalid-input (bad_request)
        the request: invalid type: integer `5`, expected a sequence
        invalid-input (bad_request)
        the request: unknown variant `robot`, expected one of `system`, `user`, `assistant`, `tool`
        invalid-input (bad_message)
        text stands in messages of system, user and assistant, a blob in those of user, a tool_result in those of tool and user, tool_call and other in those of assistant
        invalid-input (bad_message)
        text stands in messages of system, user and assistant, a blob in those of user, a tool_result in those of tool and user, tool_call and other in those of assistant
        invalid-input (blob_media_type)
        models take files of text/… and image/png, image/jpeg, image/gif, image/webp, not of ""; pass what it says
        invalid-input (other_part)
        this model takes back parts of the types refusal only
        invalid-input (bad_schema)
        response_schema: it is no JSON Schema at /type: this is not valid under any of the schemas listed in the 'anyOf' keyword
        invalid-input (bad_request)
        the request: invalid type: sequence, expected a map
        invalid-input (unknown_option)
        options has an object for each provider, openai and anthropic; not "seed"
        invalid-input (bad_options)
        options.openai must be an object
        invalid-input (unknown_option)
        options.openai.model is none of frequency_penalty, logit_bias, parallel_tool_calls, presence_penalty, reasoning_effort, seed, stop, tool_choice, top_p, verbosity
    "#]].assert_eq(&told);
    assert_eq!(stage.provider.seen().len(), 0);
}

#[tokio::test]
async fn every_call_that_was_made_is_counted_by_the_operators_name_and_how_it_ended() {
    let mut stage = stage(MODELS).await;
    stage.call.tenant = "south".parse().unwrap();
    stage.provider.next(reply(500, "", ""));
    stage.told(&says("hi")).await;
    stage.told(&with(says("hi"), json!({ "model": "nobody's" }))).await;
    stage.tokens.are_spent.store(true, Ordering::Relaxed);
    stage.told(&says("hi")).await;
    let counted = stage.tokens.counted.lock().unwrap().join(", ");
    assert_eq!(counted, "fast upstream 0+0, claude ok 11+7");
}
