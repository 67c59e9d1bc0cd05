//! What is said, and in which forms.

use wforge_effects_secrets::{Leak, agent::leak};
use workflowforge_sdk::{Ctx, Failure, Value, json};

fn said(end: &str) -> Result<Value, Failure> {
    let ctx = Ctx::for_test(&Value::Null);
    // The host has remembered it, and has kept the blob.
    ctx.rehearsal().answer(Ok(Value::Null));
    ctx.rehearsal()
        .answer(Ok(json!({ "$blob": "sha256:00", "size": 1, "media_type": "text/plain" })));
    leak(
        &ctx,
        Leak {
            text: Some("a b/c".to_owned()),
            key: "k".to_owned(),
            end: end.to_owned(),
            ..Leak::default()
        },
    )
}

#[test]
fn a_text_is_said_in_four_forms() {
    let forms = &said("").unwrap()["forms"];
    assert_eq!(*forms, json!(["a b/c", "YSBiL2M=", "6120622f63", "a%20b%2Fc"]));
}

#[test]
fn a_failure_says_them_as_well() {
    assert!(said("fails").unwrap_err().to_string().contains("6120622f63"));
}

#[test]
fn outside_of_a_host_there_is_no_secret() {
    let ctx = Ctx::for_test(&Value::Null);
    let told = leak(&ctx, Leak { name: "token".to_owned(), ..Leak::default() });
    assert!(matches!(told, Err(Failure::Denied(_))));
}
