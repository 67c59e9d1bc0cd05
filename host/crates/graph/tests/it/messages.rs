//! The reducer `messages`, as LangGraph's `add_messages` has it: what was there, what is written,
//! and what becomes of it.

use expect_test::{Expect, expect};

use crate::harness::{Bench, Start};

const TEXT: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { talk: { reducer: messages } }
input: [talk]
output: [talk]
nodes:
  a: { agent: t/a }
edges: [{ from: START, to: a }]
";

/// Shorthand: `1 hi` is the message "hi" with id 1, `- hi` one without an id, `!1` removes.
fn messages(text: &str) -> String {
    let one = |text: &str| match text.trim().split_once(' ') {
        Some(("-", text)) => format!("{{\"content\":\"{text}\"}}"),
        Some((id, text)) => format!("{{\"id\":\"{id}\",\"content\":\"{text}\"}}"),
        None => format!("{{\"remove\":\"{}\"}}", text.trim().trim_start_matches('!')),
    };
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    format!("[{}]", parts.map(one).collect::<Vec<_>>().join(","))
}

/// The conversation as the same shorthand, hashed ids as `#1` and so on, or why there is none.
fn talk(before: &str, written: &str) -> String {
    let input = format!("{{\"talk\":{before}}}");
    let script = format!("a: ok {{\"talk\":{written}}}");
    let mut bench = Bench::begin(TEXT, &script, Start { input: &input, ..Start::default() });
    bench.drain();
    if let Some(error) = &bench.run.error {
        return error.failure.as_ref().map_or(error.message.clone(), ToString::to_string);
    }
    let mut given: Vec<String> = Vec::new();
    let output = bench.run.output.as_ref().unwrap();
    let one = |message: &serde_json::Value| {
        let id = message["id"].as_str().unwrap().to_owned();
        let id = if id.starts_with("msg_") {
            let at = given.iter().position(|known| *known == id).unwrap_or_else(|| {
                given.push(id);
                given.len() - 1
            });
            format!("#{}", at + 1)
        } else {
            id
        };
        format!("{id} {}", message["content"].as_str().unwrap())
    };
    output["talk"].as_array().unwrap().iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Lines of `before | written`.
fn check(rows: &str, expected: &Expect) {
    let rows = rows.lines().map(str::trim).filter(|row| !row.is_empty());
    let told = rows.map(|row| {
        let (before, written) = row.split_once('|').unwrap();
        format!("{row}  =>  {}\n", talk(&messages(before), &messages(written)))
    });
    expected.assert_eq(&told.collect::<String>());
}

#[test]
fn messages_are_added_at_the_end() {
    check(
        "
        1 hi | 2 yes
        1 hi | 2 yes, 3 and
             | 1 hi
        1 hi |
             |
        - hi | - yes
        - hi | - hi
        ",
        &expect![[r#"
            1 hi | 2 yes  =>  1 hi, 2 yes
            1 hi | 2 yes, 3 and  =>  1 hi, 2 yes, 3 and
            | 1 hi  =>  1 hi
            1 hi |  =>  1 hi
            |  =>  
            - hi | - yes  =>  #1 hi, #2 yes
            - hi | - hi  =>  #1 hi, #2 hi
        "#]],
    );
}

#[test]
fn a_message_with_a_known_id_replaces_the_one_there_in_its_place() {
    check(
        "
        1 hi, 2 yes | 1 hello
        1 hi | 1 hello, 1 good day
             | 1 hi, 1 hello
        1 hi, 2 yes | 3 and, 1 hello, 2 no
        ",
        &expect![[r#"
            1 hi, 2 yes | 1 hello  =>  1 hello, 2 yes
            1 hi | 1 hello, 1 good day  =>  1 good day
            | 1 hi, 1 hello  =>  1 hello
            1 hi, 2 yes | 3 and, 1 hello, 2 no  =>  1 hello, 2 no, 3 and
        "#]],
    );
}

#[test]
fn messages_are_removed_by_their_id() {
    check(
        "
        1 hi, 2 yes | !1
        1 hi, 2 yes | !2, 3 and
        1 hi | !1, !1
        1 hi | !1, 1 hello, 1 good day
        1 hi, 2 yes | 1 hello, !1
             | 1 hi, !1
        1 hi | !2
             | !1
        1 hi, 2 yes | !1, 1 back
        ",
        &expect![[r#"
            1 hi, 2 yes | !1  =>  2 yes
            1 hi, 2 yes | !2, 3 and  =>  1 hi, 3 and
            1 hi | !1, !1  =>  
            1 hi | !1, 1 hello, 1 good day  =>  1 good day
            1 hi, 2 yes | 1 hello, !1  =>  2 yes
            | 1 hi, !1  =>  
            1 hi | !2  =>  bad_output (reducer_type): node a: messages cannot remove "2": there is no message with that id
            | !1  =>  bad_output (reducer_type): node a: messages cannot remove "1": there is no message with that id
            1 hi, 2 yes | !1, 1 back  =>  1 back, 2 yes
        "#]],
    );
}

#[test]
fn a_star_removes_everything_that_came_before() {
    check(
        "
        1 hi, 2 yes | !*
        1 hi, 2 yes | !*, 3 anew
        1 hi, 2 yes | 3 lost, !*, 4 anew
        1 hi | !*, 2 a, !*, 3 b
             | !*
        1 hi | !1, !*, 1 anew
        ",
        &expect![[r#"
            1 hi, 2 yes | !*  =>  
            1 hi, 2 yes | !*, 3 anew  =>  3 anew
            1 hi, 2 yes | 3 lost, !*, 4 anew  =>  4 anew
            1 hi | !*, 2 a, !*, 3 b  =>  3 b
            | !*  =>  
            1 hi | !1, !*, 1 anew  =>  1 anew
        "#]],
    );
}

#[test]
fn one_message_is_as_good_as_a_list_of_one() {
    let one = r#"{"id":"2","content":"yes"}"#;
    expect!["1 hi, 2 yes"].assert_eq(&talk(&messages("1 hi"), one));
    expect!["2 no"].assert_eq(&talk(one, &messages("2 no")));
    expect![[r#""#]].assert_eq(&talk(&messages("1 hi"), r#"{"remove":"1"}"#));
}

#[test]
fn what_is_no_message_is_refused() {
    expect![[r#"bad_output (reducer_type): node a: messages takes objects, not a number: write { role: "'user'", content: x }"#]].assert_eq(&talk("[]", "5"));
    expect![[r#"bad_output (reducer_type): node a: messages takes objects, not text: write { role: "'user'", content: x }"#]].assert_eq(&talk("[]", r#"["hi"]"#));
    expect![[r#"bad_output (reducer_type): node a: messages takes objects, not a list: write { role: "'user'", content: x }"#]].assert_eq(&talk("[]", r#"[[{"id":"1"}]]"#));
    expect!["bad_output (reducer_type): node a: the id of a message is text, not a number"]
        .assert_eq(&talk("[]", r#"[{"id":1,"content":"hi"}]"#));
    expect!["#1 no id"].assert_eq(&talk("[]", r#"[{"id":null,"content":"no id"}]"#));
    // With anything beside it, it is a message that happens to have such a field.
    expect!["2 kept"].assert_eq(&talk("[]", r#"[{"remove":"1","id":"2","content":"kept"}]"#));
}

#[test]
fn ids_are_the_same_in_a_run_that_is_done_again_and_differ_between_tasks() {
    let text = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { talk: { reducer: messages }, items: { default: [1, 2] } }
input: []
output: [talk]
nodes:
  a: { agent: mock, mock: { output: null }, out: { talk: [{ content: \"'hi'\" }, { content: \"'hi'\" }] } }
  b: { set: { talk: { content: \"'again'\" } } }
edges:
  - { from: START, each: state.items, as: i, to: a }
  - { from: a, to: b }
";
    let ids = || {
        let mut bench = Bench::begin(text, "", Start::default());
        bench.drain();
        let talk = bench.run.output.unwrap()["talk"].as_array().unwrap().clone();
        talk.iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = ids();
    assert_eq!(first, ids());
    let distinct: std::collections::BTreeSet<&String> = first.iter().collect();
    assert_eq!((first.len(), distinct.len()), (5, 5), "{first:?}");
}

#[test]
fn writers_of_one_step_add_one_after_the_other_and_an_overwrite_replaces_the_talk() {
    let two = |a: &str, b: &str| {
        let text = format!(
            "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ talk: {{ reducer: messages, default: [{{ id: '0', content: old }}] }} }}
input: []
output: [talk]
nodes:
  a: {{ set: {{ talk: {a} }} }}
  b: {{ set: {{ talk: {b} }} }}
edges: [{{ from: START, to: [a, b] }}]
"
        );
        let mut bench = Bench::begin(&text, "", Start::default());
        bench.drain();
        bench.story().lines().last().unwrap().to_owned()
    };
    let message = |id: &str, text: &str| format!("[{{ id: \"'{id}'\", content: \"'{text}'\" }}]");
    expect![[r#"completed: {"talk":[{"content":"old","id":"0"},{"content":"by b","id":"1"}]}"#]]
        .assert_eq(&two(&message("1", "by a"), &message("1", "by b")));
    expect![[r#"completed: {"talk":[{"content":"by b","id":"0"}]}"#]]
        .assert_eq(&two("[{ remove: \"'0'\" }]", &message("0", "by b")));
    expect![[r#"completed: {"talk":[{"content":"only","id":"2"}]}"#]].assert_eq(&two(
        &message("1", "by a"),
        &format!("{{ overwrite: {} }}", message("2", "only")),
    ));
}
