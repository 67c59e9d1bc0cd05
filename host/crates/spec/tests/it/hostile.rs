//! Expressions that would take a host down. Cost is counted in units of work, not in time, so
//! these tests say the same on every machine.

use expect_test::expect;
use serde_json::{Value, json};
use wforge_graph::Expressions;
use wforge_spec::Cel;

use crate::support::{World, answer, show};

/// A list of so many items.
fn items(count: usize) -> Value {
    json!({ "x": (0..count).collect::<Vec<_>>() })
}

/// What an expression gives on a list of so many items, shortened.
fn on(count: usize, source: &str) -> String {
    let mut answer = answer(source, &World::of(&items(count)));
    answer.truncate(120);
    answer
}

#[test]
fn a_short_expression_cannot_visit_a_million_items() {
    let triple = "state.x.all(a,state.x.all(b,state.x.all(c,a>b)))";
    assert_eq!(triple.len(), 48);
    expect!["expression_limit: comprehensions nest at most 2 deep"].assert_eq(&on(100, triple));
    let double = "state.x.all(a, state.x.all(b, a * b >= 0))";
    expect!["true"].assert_eq(&on(100, double));
    expect!["expression_limit: the expression would visit 1001000 items, the most is 100000"]
        .assert_eq(&on(1_000, double));
}

#[test]
fn visits_are_counted_before_the_first_body_runs() {
    // The body would fail at once; that the limit is named shows that it never ran.
    let source = "state.x.map(a, 1 / 0)";
    expect!["expression_limit: the expression would visit 100001 items, the most is 100000"]
        .assert_eq(&on(100_001, source));
    expect!["type: / by zero"].assert_eq(&on(10, source));
    // Ranges inside count by the item that they depend on.
    let lists: Vec<Vec<u32>> = vec![vec![0; 400]; 300];
    let world = World::of(&json!({ "x": lists }));
    let source = "state.x.map(a, a.map(b, 1 / 0))";
    expect!["expression_limit: the expression would visit 120300 items, the most is 100000"]
        .assert_eq(&answer(source, &world));
}

#[test]
fn long_and_deep_sources_are_refused_by_their_shape() {
    let sum = vec!["1"; 20_000].join("+");
    expect!["expression_limit: an expression has at most 4096 bytes, this one has 39999"]
        .assert_eq(&on(1, &sum));
    for deep in [
        vec!["1"; 2_000].join("+"),
        format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000)),
        "(".repeat(4_000),
        format!("{}1", "true?1:".repeat(580)),
        format!("state{}", ".a".repeat(2_000)),
        format!("state{}", "[0]".repeat(1_300)),
        format!("1{}", ".size()".repeat(580)),
    ] {
        let answer = on(1, &deep);
        assert!(answer.starts_with("expression_limit: an expression nests at most 32"), "{answer}");
    }
    // Signs in a row cancel each other in the grammar, so they are no depth.
    expect!["false"].assert_eq(&on(1, &format!("{}true", "!".repeat(4_001 - 2))));
    let wide = format!("[{}]", vec!["1"; 600].join(","));
    expect!["expression_limit: an expression has at most 500 terms"].assert_eq(&on(1, &wide));
}

#[test]
fn garbage_is_an_error_and_never_a_crash() {
    for source in [
        "\0",
        "'",
        "\"\"\"",
        "r'\\",
        "]]]]",
        "a b c",
        "state..x",
        "?:",
        "1..2",
        "\u{feff}1",
        "`a`",
        "0x",
        "1e999",
        "99999999999999999999",
        "{1: 2",
        "has(",
        "x.map(",
        "\u{1f600}",
        "@in",
        "@x",
        "a.map(@result, 1)",
        "__x__ + (",
        "'\\u12'",
        "b'\\xff'",
        "- - 1)",
        "//",
        "",
    ] {
        let answer = on(1, source);
        assert!(answer.contains(": "), "{source:?} gives {answer}");
    }
}

#[test]
fn work_on_large_text_is_bounded() {
    let megabyte = "ab".repeat(1 << 19);
    let state = json!({ "text": megabyte, "x": (0..1_000).collect::<Vec<_>>() });
    let world = World::of(&state);
    let costs_too_much = "expression_limit: the expression needs more than 500000 units of work on this state; \
         compute it in an agent, or in several `set` nodes";
    for source in [
        "state.x.map(i, state.text.contains('c')).size()",
        "state.x.map(i, state.text + state.text).size()",
        "state.x.map(i, state.text == state.text + '')",
        "state.x.map(i, state.text)",
        "state.x.map(i, state.x.map(j, state.text.size() > 1 ? j : i))",
        "state.x.map(i, split(state.text, 'a').size())",
    ] {
        let answer = answer(source, &world);
        let limited = answer == costs_too_much || answer.contains("would visit");
        assert!(limited, "{source} gives {}", answer.get(..80).unwrap_or(&answer));
    }
    expect!["type: matches() looks at most at 262144 bytes of text"]
        .assert_eq(&answer("state.text.matches('a')", &world).replace("expression_limit", "type"));
}

#[test]
fn patterns_run_in_linear_time_and_are_small() {
    let world = World::of(&json!({ "a": "a".repeat(50_000), "x": items(100)["x"] }));
    expect!["false"].assert_eq(&answer("state.a.matches('(a+)+$b')", &world));
    expect!["type: no pattern: error: look-around, including look-ahead and look-behind, is not supported"]
        .assert_eq(&answer("state.a.matches('(?=a)b')", &world));
    let large = answer("state.a.matches('(\\\\w{100}){100}')", &world);
    assert!(large.starts_with("type: no pattern"), "{large}");
    // Another pattern for each item is as costly as it is useless.
    let many = answer("state.x.map(i, 'a'.matches('a{' + string(i) + '}'))", &world);
    assert!(many.starts_with("expression_limit"), "{many}");
}

#[test]
fn a_failure_is_kept_like_a_program_and_the_cache_is_bounded() {
    let cel = Cel::new();
    let world = World::of(&json!({}));
    for at in 0..5_000 {
        let _ = cel.evaluate(&format!("missing_{at}"), &world.scope());
    }
    assert!(cel.cached() <= 2_048, "{}", cel.cached());
    let twice = [(); 2].map(|()| show(cel.inspect("1 +").map(|_| String::new())));
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn a_large_state_costs_nothing_until_it_is_part_of_the_answer() {
    // Far more values than one evaluation may look at, were it to look at them.
    let large: Vec<u32> = (0..1_000_000).collect();
    let world = World::of(&json!({ "large": { "items": large }, "round": 1 }));
    expect!["2"].assert_eq(&answer("state.round + 1", &world));
    expect!["999999"].assert_eq(&answer("state.large.items[999999]", &world));
    expect!["1000000"].assert_eq(&answer("size(state.large.items)", &world));
    let whole = Cel::new().evaluate("state.large.items", &world.scope()).expect("a list");
    assert_eq!(whole.as_array().map(Vec::len), Some(1_000_000));
    let copies = answer("[state.large, state.large]", &world);
    assert!(copies.starts_with("expression_limit"), "{}", &copies[..80]);
}
