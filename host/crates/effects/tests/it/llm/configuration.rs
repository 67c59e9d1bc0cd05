//! Configuration: what is refused, and with which words.

use expect_test::{Expect, expect};

use super::stage::{says, stage_with};

async fn refused(config: &str, expected: Expect) {
    let error = stage_with(config, "").await.err().map(|error| error.to_string());
    expected.assert_eq(&error.unwrap_or_default());
}

fn model(name: &str, rest: &str) -> String {
    format!("[[model]]\nname = \"{name}\"\n{rest}\n")
}

#[tokio::test]
async fn without_models_there_is_a_mock() {
    let stage = stage_with("", "").await.unwrap();
    let mut request = says("hi");
    request["model"] = "mock".into();
    assert!(stage.told(&request).await.starts_with("mock: \"Mock answer "));
}

#[tokio::test]
async fn a_model_needs_what_its_provider_needs() {
    refused(
        &model("a", "provider = \"openai\""),
        expect!["model a: the provider openai needs model"],
    )
    .await;
    refused(
        &model("a", "provider = \"anthropic\""),
        expect!["model a: the provider anthropic needs model"],
    )
    .await;
    refused(
        &model("a", "provider = \"cassette\""),
        expect!["model a: the provider cassette needs mode"],
    )
    .await;
    let replay = "provider = \"cassette\"\nmode = \"replay\"\ncassette = \"lost\"";
    refused(&model("a", replay), expect!["model a: there is no cassette lost"]).await;
    let record = "provider = \"cassette\"\nmode = \"record\"\ncassette = \"tape\"";
    refused(&model("a", record), expect!["model a: the provider cassette needs through"]).await;
    let key = "provider = \"openai\"\nmodel = \"m\"\napi_key_variable = \"NO_KEY\"";
    refused(&model("a", key), expect!["model a: the variable NO_KEY holds no key"]).await;
}

#[tokio::test]
async fn a_model_has_nothing_of_another_provider() {
    refused(
        &model("a", "provider = \"mock\"\nbase_url = \"http://a\""),
        expect!["model a: the provider mock has no base_url"],
    )
    .await;
    let seeded = "provider = \"openai\"\nmodel = \"m\"\nseed = 1";
    refused(&model("a", seeded), expect!["model a: the provider openai has no seed"]).await;
    let field = "provider = \"anthropic\"\nmodel = \"m\"\nmax_tokens_field = \"max_tokens\"";
    refused(&model("a", field), expect!["model a: the provider anthropic has no max_tokens_field"])
        .await;
}

#[tokio::test]
async fn names_lead_somewhere_and_only_there() {
    let mock = "provider = \"mock\"";
    refused(&model("", mock), expect!["model : name must be one word of at most 128 bytes"]).await;
    refused(&model("*", mock), expect!["model *: name must be one word of at most 128 bytes"])
        .await;
    refused(&[model("a", mock), model("a", mock)].concat(), expect!["model a is there twice"])
        .await;
    refused(
        &model("a", "provider = \"mock\"\nfallbacks = [\"b\"]"),
        expect![[r#"model a: fallbacks names "b", and there is no such model"#]],
    )
    .await;
    refused(
        &model("a", "provider = \"mock\"\nfallbacks = [\"a\"]"),
        expect!["model a: fallbacks must name other models"],
    )
    .await;
    let own = model("b", "provider = \"mock\"\ntenant = \"north\"");
    let general = model("a", "provider = \"mock\"\nfallbacks = [\"b\"]");
    refused(
        &[own, general].concat(),
        expect![[r#"model a: fallbacks names "b", and there is no such model"#]],
    )
    .await;
    let record = |name: &str, through: &str| {
        let mode = "provider = \"cassette\"\nmode = \"record\"\ncassette = \"tape\"";
        model(name, &format!("{mode}\nthrough = \"{through}\""))
    };
    refused(
        &[record("a", "b"), record("b", "a")].concat(),
        expect![[r#"model a: through names "b", and there is no such model"#]],
    )
    .await;
}

#[tokio::test]
async fn values_are_checked() {
    for url in ["ftp://a", "https://", "https://user@host/v1", "https://host/v1?key=1"] {
        let config = format!("provider = \"openai\"\nmodel = \"m\"\nbase_url = \"{url}\"");
        let error = stage_with(&model("a", &config), "").await.err().unwrap().to_string();
        assert_eq!(
            error,
            "model a: base_url must be http(s)://host[:port]/path, without user, query or fragment"
        );
    }
    let never = "provider = \"openai\"\nmodel = \"m\"\ntimeout_ms = 0";
    refused(&model("a", never), expect!["model a: timeout_ms must be more than 0"]).await;
    let mute = "provider = \"mock\"\nmax_tokens_default = 0";
    refused(&model("a", mute), expect!["model a: max_tokens_default must be more than 0"]).await;
    refused(
        &model("a", "provider = \"mock\"\nscript = [{ when = \"x\" }]"),
        expect!["model a: script must have in each line text, tool_calls or both, or failure"],
    )
    .await;
    let both = "provider = \"mock\"\nscript = [{ text = \"x\", failure = { code = \"y\" } }]";
    refused(
        &model("a", both),
        expect!["model a: script must have in each line text, tool_calls or both, or failure"],
    )
    .await;
}
