//! The model that the host plays.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stage::{question, says, search, stage, with, with_result};

const MODEL: &str = "[[model]]\nname = \"fast\"\nprovider = \"mock\"\n";

async fn check(request: Value, expected: Expect) {
    let stage = stage(MODEL).await;
    expected.assert_eq(&stage.told(&request).await);
}

#[tokio::test]
async fn it_says_something_about_what_was_said() {
    check(
        says("how are you?"),
        expect![[r#"fast: "Mock answer 9dd8 to: how are you?" [stop, 54+20]"#]],
    )
    .await;
    check(says("and now?"), expect![[r#"fast: "Mock answer 6e9c to: and now?" [stop, 53+19]"#]])
        .await;
}

#[tokio::test]
async fn it_calls_a_tool_once_and_then_tells_its_answer() {
    let offered = with(says("look it up"), json!({ "tools": [search()] }));
    check(
        offered,
        expect![[r#"fast: call_6c7464423957d3d6 search({"x":49}) [tool_calls, 98+30]"#]],
    )
    .await;
    check(
        with_result(&json!({ "found": 3 }), false),
        expect![[
            r#"fast: "Mock answer 16b6: the tool search answered {\"found\":3}" [stop, 166+28]"#
        ]],
    )
    .await;
    check(
        with_result(&json!("no such place"), true),
        expect![[
            r#"fast: "Mock answer 68dc: the tool search failed with no such place" [stop, 167+29]"#
        ]],
    )
    .await;
}

#[tokio::test]
async fn it_calls_a_tool_again_for_another_question() {
    let mut request = with_result(&json!("ok"), false);
    let again = json!({ "role": "user", "parts": [{ "type": "text", "text": "again" }] });
    request["messages"].as_array_mut().unwrap().push(again);
    check(
        request,
        expect![[r#"fast: call_0ff7c29bdf67777f search({"x":35}) [tool_calls, 183+30]"#]],
    )
    .await;
}

#[tokio::test]
async fn a_result_beside_a_text_is_a_result() {
    let call = json!({ "type": "tool_call", "id": "a", "name": "search", "arguments": {} });
    let messages = json!([
        { "role": "assistant", "parts": [call] },
        { "role": "user", "parts": [
            { "type": "tool_result", "id": "a", "content": "found", "is_error": false },
            { "type": "text", "text": "so?" },
        ] },
    ]);
    check(
        with(question(messages), json!({ "tools": [search()] })),
        expect![[
            r#"fast: "Mock answer 3a89: the tool that was called answered found" [stop, 149+28]"#
        ]],
    )
    .await;
}

#[tokio::test]
async fn it_fits_the_schema_that_is_asked_for() {
    let schema = json!({
        "type": "object",
        "required": ["verdict", "lines"],
        "properties": {
            "verdict": { "enum": ["proven", "contradicted", "unknown"] },
            "lines": { "type": "array", "items": { "type": "integer" }, "minItems": 2 },
        },
    });
    check(
        with(says("true?"), json!({ "response_schema": schema })),
        expect![[r#"fast: "{\"lines\":[90,30],\"verdict\":\"contradicted\"}" [stop, 112+25]"#]],
    )
    .await;
    let impossible = json!({ "allOf": [{ "type": "string" }, { "type": "integer" }] });
    check(
        with(says("true?"), json!({ "response_schema": impossible })),
        expect![[r#"
        failed (mock_schema)
        the mock can build nothing that fits response_schema: the value is not of type "string""#]],
    )
    .await;
}

#[tokio::test]
async fn its_deltas_are_its_words() {
    let stage = stage(MODEL).await;
    let streamed = stage.told(&with(says("hi"), json!({ "stream_to": "words" }))).await;
    assert_eq!(streamed, stage.told(&says("hi")).await);
    expect![[r#"0 "Mock ", 1 "answer ", 2 "772f ", 3 "to: ", 4 "hi""#]].assert_eq(&stage.deltas());
}

#[tokio::test]
async fn another_seed_gives_another_answer() {
    let stage = stage(&format!("{MODEL}seed = 5\n")).await;
    expect![[r#"fast: "Mock answer 753b to: how are you?" [stop, 54+20]"#]]
        .assert_eq(&stage.told(&says("how are you?")).await);
}

const SCRIPT: &str = r#"
[[model]]
name = "fast"
provider = "mock"

[[model.script]]
when = "weather"
text = "let me look"
tool_calls = [{ name = "search", arguments = { place = "here" } }]

[[model.script]]
when = "weather"
text = "it rains"

[[model.script]]
when = "break"
failure = { code = "rate_limited", message = "too fast", retryable = true }

[[model.script]]
when = "wrong"
failure = { kind = "invalid-input", code = "nonsense" }
"#;

#[tokio::test]
async fn a_script_answers_turn_by_turn() {
    let stage = stage(SCRIPT).await;
    let text = |role: &str, text: &str| {
        let part = json!({ "type": "text", "text": text });
        json!({ "role": role, "parts": [part] })
    };
    let mut told = String::new();
    for messages in [
        json!([text("user", "the weather?")]),
        json!([text("user", "the weather?"), text("assistant", "let me look")]),
        json!([text("user", "the weather?"), text("assistant", "1"), text("assistant", "2")]),
        json!([text("user", "the weather?"), text("assistant", "1"), text("user", "break")]),
        json!([text("user", "wrong")]),
        json!([text("user", "anything else")]),
    ] {
        told += &format!("{}\n", stage.told(&question(messages)).await);
    }
    expect![[r#"
        fast: "let me look" | call_0_0 search({"place":"here"}) [tool_calls, 54+40]
        fast: "it rains" [stop, 77+12]
        fast: "it rains" [stop, 93+12]
        upstream (rate_limited)
        the model fast: too fast, retryable
        invalid-input (nonsense)

        failed (mock_script)
        no line of the mock's script matches "anything else"
    "#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn a_script_that_fails_lets_a_fallback_answer() {
    let spare = "[[model]]\nname = \"spare\"\nprovider = \"mock\"\n";
    let config = SCRIPT.replacen("\"mock\"\n", "\"mock\"\nfallbacks = [\"spare\"]\n", 1) + spare;
    let stage = stage(&config).await;
    let told = stage.told(&says("break")).await;
    assert!(told.starts_with("spare: \"Mock answer "), "{told}");
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({ "type": "boolean" })),
        (-50..50_i64, 0..50_i64).prop_map(
            |(low, more)| json!({ "type": "integer", "minimum": low, "maximum": low + more })
        ),
        (0..20_u64).prop_map(|least| json!({ "type": "string", "minLength": least })),
        Just(json!({ "type": "string", "format": "date" })),
        Just(json!({ "enum": ["a", "b", 3, null] })),
        Just(json!({ "type": ["number", "null"] })),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..3_u64).prop_map(
                |(items, least)| json!({ "type": "array", "items": items, "minItems": least })
            ),
            prop::collection::btree_map("[a-c]", inner.clone(), 0..3).prop_map(|properties| {
                let required: Vec<&String> = properties.keys().collect();
                json!({
                    "type": "object", "required": required, "properties": properties,
                    "additionalProperties": false,
                })
            }),
            prop::collection::vec(inner, 1..3).prop_map(|any| json!({ "anyOf": any })),
        ]
    })
}

/// One answer, which asks for no runtime: the mock never waits.
fn answered(request: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { stage(MODEL).await.ask(request).await.unwrap() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_requests_get_equal_answers_that_fit(schema in schema(), text in "\\PC{0,40}") {
        let request = with(says(&text), json!({ "response_schema": schema }));
        let answer = answered(&request);
        prop_assert_eq!(&answer, &answered(&request));
        let text = answer["message"]["parts"][0]["text"].as_str().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        prop_assert_eq!(wforge_spec::Schemas::new().check(&schema, &value), Ok(()));
    }

    #[test]
    fn arguments_of_tools_fit_their_schemas(schema in schema()) {
        let tool = json!({ "name": "t", "description": "", "parameters": schema });
        let answer = answered(&with(says("go"), json!({ "tools": [tool] })));
        let arguments = &answer["message"]["parts"][0]["arguments"];
        let checked = wforge_spec::Schemas::new().check(&schema, arguments);
        // Null, where a schema allows it, becomes the empty object that every tool expects.
        prop_assert!(checked.is_ok() || *arguments == json!({}), "{:?}", checked);
    }
}
