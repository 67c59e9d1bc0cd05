//! Capabilities: the one check, deny by default.

use wforge_model::mock::MockMode;
use wforge_model::{Capability, Grants};

fn all(text: &str) -> Vec<Capability> {
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// Needs, what the operator granted, what is wanted; then whether it may be done.
fn check(needs: &str, granted: &str, wanted: &str, allowed: bool) {
    let grants = Grants::intersect(&all(needs), &all(granted));
    let answer = grants.require("acme/x", &wanted.parse().unwrap());
    assert_eq!(answer.is_ok(), allowed, "needs [{needs}], granted [{granted}], wanted {wanted}");
    if let Err(denial) = answer {
        let line = format!("wforge grants approve acme/x {wanted};");
        assert!(denial.hint.contains(&line), "{denial:?}");
    }
}

#[test]
fn only_what_is_needed_and_granted_may_be_done() {
    check("", "ask", "ask", false);
    check("ask", "", "ask", false);
    check("ask", "ask", "ask", true);
    check("llm:fast", "llm:*", "llm:fast", true);
    check("llm:fast", "llm:*", "llm:slow", false);
    check("kv:run", "kv:run", "kv:run:ro", true);
    check("kv:run:ro", "kv:run", "kv:run", false);
    check("kv:run", "kv:run:ro", "kv:run", false);
    check("secret:a:hold", "secret:a:hold", "secret:a:reveal", false);
    check("http:a.example", "http:a.example.evil", "http:a.example", false);
    check("http:a.example", "http:*", "http:GET@a.example/v1", true);
    check("http:GET@a.example", "http:a.example", "http:POST@a.example/v1", false);
    check("http:a.example", "http:a.example", "http.raw:a.example", false);
    check("http.raw:a.example", "http.raw:*.example", "http.raw:a.example/v1", true);
}

#[test]
fn a_workflow_can_narrow_and_never_widen() {
    let grants = Grants::intersect(&all("ask llm:fast"), &all("ask llm:fast"));
    let narrowed = grants.narrow(&all("ask kv:run"));
    assert_eq!(narrowed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ask"]);
}

#[test]
fn what_is_no_capability_is_refused() {
    for text in ["", "asks", "ask:me", "llm", "llm:", "http:a b", "kv:run\n", "file:/etc"] {
        assert!(text.parse::<Capability>().is_err(), "\"{text}\" was taken");
    }
}

#[test]
fn a_hint_says_a_request_in_the_shortest_form() {
    let wanted = Capability::of("http", "GET@https://a.example:443/v1");
    let denial = Grants::default().require("acme/x", &wanted).unwrap_err();
    assert_eq!(denial.resource, "GET@https://a.example:443/v1");
    assert!(denial.hint.contains(" acme/x http:GET@a.example/v1;"), "{denial:?}");
    let long = Capability::of("http", &format!("GET@a.example/{}", "x".repeat(600)));
    let denial = Grants::default().require("acme/x", &long).unwrap_err();
    assert!(denial.hint.contains(" acme/x http:GET@a.example;"), "{denial:?}");
}

#[test]
fn what_is_wrong_with_a_rule_is_said() {
    let error = "http:Example.com".parse::<Capability>().unwrap_err().to_string();
    assert_eq!(error, "\"http:Example.com\" is no capability: write the host in small letters");
}

#[test]
fn what_is_no_rule_covers_nothing_not_even_itself() {
    let broken = Capability::of("http", "a.example/../b");
    assert!(!broken.covers(&broken) && !all("http:*").iter().any(|all| all.covers(&broken)));
}

#[test]
fn the_strictest_mode_that_is_set_holds() {
    use MockMode::{Always, Fallback, Node, Off};
    let check = |set: &[Option<MockMode>], expected| {
        assert_eq!(MockMode::strictest(set.iter().copied()), expected, "{set:?}");
    };
    check(&[None, None], Node);
    check(&[Some(Always), None], Always);
    check(&[Some(Always), Some(Fallback)], Fallback);
    check(&[Some(Off), Some(Always)], Off);
}
