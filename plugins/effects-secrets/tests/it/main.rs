//! What is said, and in which forms.

use wforge_effects_secrets::Leak;
use wforge_effects_secrets::agent::{hold, leak};
use workflowforge_sdk::{Failure, MockHost, Value, json};

fn said(end: &str) -> Result<Value, Failure> {
    leak(
        &MockHost::new().ctx(),
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
fn a_secret_is_said_in_the_same_forms_and_published() {
    let host = MockHost::new().secret("token", "a b/c");
    let forms = &host.run(leak, json!({ "name": "token" })).unwrap()["forms"];
    assert_eq!(forms[1], "YSBiL2M=");
    assert_eq!(host.events()[0], ("leak".to_owned(), json!({ "a b/c": "a b/c" })));
    assert_eq!(host.logs()[1], "warn field form=a b/c");
}

#[test]
fn what_is_held_is_sent_and_never_seen() {
    let host = MockHost::new().secret("token", "a b/c").http("https://a.example", "ok");
    let told = host.run(hold, json!({ "name": "token", "url": "https://a.example" }));
    assert_eq!(told, Ok(json!({ "status": 200, "body": "ok" })));
    assert_eq!(host.done(), ["secret token", "http GET https://a.example"]);
}

#[test]
fn a_secret_that_nobody_granted_is_denied() {
    let told = MockHost::new().run(leak, json!({ "name": "token" }));
    assert!(matches!(told, Err(Failure::Denied(_))));
}
