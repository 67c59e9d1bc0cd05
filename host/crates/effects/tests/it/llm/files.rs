//! Files in messages: what providers get of them, and which are refused before any is asked.

use expect_test::expect;
use serde_json::{Value, json};

use super::stage::{Stage, question, says, stage, stage_with};

const SERVERS: &str = r#"
[[model]]
name = "fast"
provider = "PROVIDER"
base_url = "{url}"
model = "m"
max_tokens_default = 100
"#;

const MOCK: &str = "[[model]]\nname = \"fast\"\nprovider = \"mock\"\n";

async fn stage_of(provider: &str) -> Stage {
    stage(&SERVERS.replace("PROVIDER", provider)).await
}

fn asks(parts: &Value) -> Value {
    question(json!([{ "role": "user", "parts": parts }]))
}

/// A text beside a text file and an image.
fn several(stage: &Stage) -> Value {
    let text = stage.files.part(1, "text/markdown; charset=utf-8", b"# Title");
    let image = stage.files.part(2, "image/png", &[0x89, b'P', b'N', b'G']);
    asks(&json!([{ "type": "text", "text": "compare" }, text, image]))
}

#[tokio::test]
async fn chat_completions_get_text_as_text_and_images_as_data_urls() {
    let stage = stage_of("openai").await;
    let _ = stage.ask(&several(&stage)).await;
    expect![[r##"
        max_tokens: 100
        - {"content":[{"text":"compare","type":"text"},{"text":"# Title","type":"text"},{"image_url":{"url":"data:image/png;base64,iVBORw=="},"type":"image_url"}],"role":"user"}
        model: "m"
    "##]]
    .assert_eq(&stage.only_body());
}

#[tokio::test]
async fn the_messages_interface_gets_them_as_blocks() {
    let stage = stage_of("anthropic").await;
    let _ = stage.ask(&several(&stage)).await;
    expect![[r##"
        max_tokens: 100
        - {"content":[{"text":"compare","type":"text"},{"text":"# Title","type":"text"},{"source":{"data":"iVBORw==","media_type":"image/png","type":"base64"},"type":"image"}],"role":"user"}
        model: "m"
    "##]]
    .assert_eq(&stage.only_body());
}

#[tokio::test]
async fn an_image_alone_is_no_text_and_an_empty_file_is_no_block() {
    let stage = stage_of("openai").await;
    let image = stage.files.part(1, "image/webp", b"webp");
    let _ = stage.ask(&asks(&json!([image]))).await;
    let body = &stage.provider.seen()[0].body;
    assert_eq!(body["messages"][0]["content"][0]["type"], "image_url");
    let stage = stage_of("anthropic").await;
    let empty = stage.files.part(1, "text/plain", b"");
    let _ = stage.ask(&asks(&json!([{ "type": "text", "text": "x" }, empty]))).await;
    let body = &stage.provider.seen()[0].body;
    assert_eq!(body["messages"][0]["content"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_mock_says_what_it_was_shown() {
    let stage = stage(MOCK).await;
    expect![[r#""#]].assert_eq(&stage.told(&several(&stage)).await);
    let image = stage.files.part(3, "image/gif", b"GIF89a");
    expect![[r#""#]].assert_eq(&stage.told(&asks(&json!([image]))).await);
}

/// What is said of each, one after the other.
async fn refused(model: &str) -> String {
    let stage = stage(model).await;
    let files = &stage.files;
    let missing = json!({ "type": "blob", "blob": {
        "$blob": format!("sha256:{}", "ab".repeat(32)), "size": 1, "media_type": "text/plain",
    } });
    let parts = [
        files.part(1, "application/pdf", b"%PDF"),
        files.part(2, "image/svg+xml", b"<svg/>"),
        files.part(3, "text/plain", &[0xff, 0xfe]),
        missing,
        json!({ "type": "blob", "blob": { "media_type": "text/plain" } }),
        files.part(4, "text/plain", &[b'x'; 101]),
    ];
    let mut told = String::new();
    for part in parts {
        told += &format!("{}\n", stage.told(&asks(&json!([part]))).await);
    }
    // Each time that a file is named it is sent.
    let twice = files.part(5, "image/png", &[0; 51]);
    told += &format!("{}\n", stage.told(&asks(&json!([twice, twice]))).await);
    assert_eq!(stage.provider.seen().len(), 0);
    told
}

#[tokio::test]
async fn what_models_cannot_take_is_refused_before_any_is_asked() {
    let told = refused(&SERVERS.replace("PROVIDER", "openai")).await;
    expect![[r#"
        invalid-input (blob_media_type)
        models take files of text/… and image/png, image/jpeg, image/gif, image/webp, not of "application/pdf"; pass what it says
        invalid-input (blob_media_type)
        models take files of text/… and image/png, image/jpeg, image/gif, image/webp, not of "image/svg+xml"; pass what it says
        invalid-input (blob_text)
        the blob sha256:0303030303030303030303030303030303030303030303030303030303030303 is said to be text and is no UTF-8
        invalid-input (no_blob)
        there is no blob sha256:abababababababababababababababababababababababababababababababab
        invalid-input (blob_reference)
        a part of the type blob has no reference to one
        limit (file_bytes)
        the files of a question may have 100 bytes
        limit (file_bytes)
        the files of a question may have 100 bytes
    "#]]
    .assert_eq(&told);
    assert_eq!(refused(MOCK).await, told);
}

#[tokio::test]
async fn a_cassette_knows_a_file_by_its_digest() {
    let recording = format!(
        "[[model]]\nname = \"fast\"\nprovider = \"cassette\"\nmode = \"record\"\n\
         cassette = \"tape\"\nthrough = \"real\"\n{}",
        MOCK.replace("fast", "real")
    );
    let recording = stage(&recording).await;
    let asked = several(&recording);
    let said = recording.told(&asked).await;
    assert!(!recording.tape.text().contains("Title"), "the file itself is not on it");
    let replay = "[[model]]\nname = \"fast\"\nprovider = \"cassette\"\nmode = \"replay\"\n\
                  cassette = \"tape\"\n";
    let played = stage_with(replay, &recording.tape.text()).await.unwrap();
    assert_eq!(several(&played), asked);
    assert_eq!(played.told(&asked).await, said);
    let other = played.files.part(9, "text/markdown", b"# Title");
    let parts = json!([{ "type": "text", "text": "compare" }, other]);
    let missed = played.told(&asks(&parts)).await;
    assert!(missed.starts_with("failed (cassette_miss)"), "{missed}");
}

#[tokio::test]
async fn a_file_counts_where_tokens_are_held() {
    let stage = stage(MOCK).await;
    stage.ask(&says("x")).await.unwrap();
    let text = stage.files.part(1, "text/plain", &[b'x'; 90]);
    let bare = says("x").to_string().len();
    let asked = asks(&json!([{ "type": "text", "text": "x" }, text]));
    stage.ask(&asked).await.unwrap();
    let held = |bytes: usize| format!("held {}", (bytes as u64).div_ceil(3) + 4_096);
    let told = stage.tokens.told();
    assert!(told.starts_with(&held(bare)), "{told}");
    assert!(told.contains(&held(asked.to_string().len() + 90)), "{told}");
}
