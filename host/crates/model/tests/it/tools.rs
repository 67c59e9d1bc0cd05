//! Agents as tools: what caller and tool may do together, and whose a child task is.

use wforge_model::effect::{child_register, child_task};
use wforge_model::{Grants, TaskId};

fn grants(text: &str) -> Grants {
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn check(one: &str, other: &str, both: &str) {
    let (one, other, both) = (grants(one), grants(other), grants(both));
    assert_eq!(one.shared_with(&other), both);
    assert_eq!(other.shared_with(&one), both, "whoever calls whom");
}

#[test]
fn only_what_both_may_do_is_left() {
    check("ask kv:run", "", "");
    check("ask kv:run", "ask llm:fast", "ask");
    check("http:*", "http:api.example.com", "http:api.example.com");
    check("kv:run", "kv:run:ro", "kv:run:ro");
    check("tool:*", "tool:*", "tool:*");
    check("secret:a:hold", "secret:a:reveal", "");
}

#[test]
fn a_child_follows_from_its_callers_task_and_the_place_of_the_call() {
    let (one, other) = (TaskId::from_bytes([1; 16]), TaskId::from_bytes([2; 16]));
    let all = [child_task(one, 0), child_task(one, 1), child_task(other, 0), child_register(one)];
    for id in all {
        assert_eq!(all.iter().filter(|other| **other == id).count(), 1, "{id}");
    }
    assert_eq!(child_task(one, 0).to_string(), "task_6fd2b1ea1219d24f97252421379adff4");
}
