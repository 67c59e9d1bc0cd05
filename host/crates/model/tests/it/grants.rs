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
        assert!(denial.hint.contains("acme/x") && denial.hint.contains(wanted), "{denial:?}");
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
    check("http:https://a.example", "http:https://a.example.evil", "http:https://a.example", false);
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
