//! What expressions mean.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use wforge_graph::Expressions;
use wforge_spec::Cel;

use crate::support::{World, answer, brief, show, table};

fn check(expressions: &str, expected: &Expect) {
    let world = brief();
    expected.assert_eq(&table(expressions, |source| answer(source, &world)));
}

#[test]
fn selections_read_the_state_and_the_as_names() {
    check(
        r#"
        state.round
        section
        section.id
        state.outline.sections[1].id
        state["round"]
        state.digests["a"].keywords
        sent
        sent == null ? state.round : state.round + 2
        run.step
        run.started_at
        run.thread
        "#,
        &expect![[r#"
            state.round  =>  1
            section  =>  {"id":"a","text":"One two."}
            section.id  =>  "a"
            state.outline.sections[1].id  =>  "b"
            state["round"]  =>  1
            state.digests["a"].keywords  =>  ["x","y"]
            sent  =>  null
            sent == null ? state.round : state.round + 2  =>  1
            run.step  =>  3
            run.started_at  =>  "2023-11-14T22:13:20.000Z"
            run.thread  =>  null
        "#]],
    );
}

#[test]
fn what_is_not_there_is_named_with_a_suggestion() {
    check(
        r#"
        state.approval
        state.approval.approve
        state["approval"]
        has(state.approval)
        has(state.round)
        state.outline.sectoins
        state.outline.zzz
        section.id.x
        sectoin.id
        result
        state.outline.sections[7]
        state.round.x
        "#,
        &expect![[r#"
            state.approval  =>  unwritten_key: state.approval is read before it is written
            state.approval.approve  =>  unwritten_key: state.approval is read before it is written
            state["approval"]  =>  unwritten_key: state.approval is read before it is written
            has(state.approval)  =>  false
            has(state.round)  =>  true
            state.outline.sectoins  =>  unknown_name: state.outline has no field "sectoins"; did you mean "sections"?
            state.outline.zzz  =>  unknown_name: state.outline has no field "zzz"; there is sections
            section.id.x  =>  type: section.id is string, it has no field "x"
            sectoin.id  =>  unknown_name: there is no name "sectoin"; did you mean "section"?
            result  =>  unknown_name: result exists in `out` only
            state.outline.sections[7]  =>  type: state.outline.sections has 2 items, none at 7
            state.round.x  =>  type: state.round is int, it has no field "x"
        "#]],
    );
}

#[test]
fn numbers_are_int_or_double_and_only_compare_together() {
    check(
        r#"
        1 + 1
        1.0
        7 / 2
        7 % 2
        7.0 / 2.0
        state.round + 1
        state.score * 2
        state.score * 2.0
        state.score * double(state.round)
        1 == 1.0
        state.score < 1
        2 > 1.5
        9223372036854775807 + 1
        1 / 0
        1.0 / 0.0
        state.huge
        state.huge > 1
        state.huge + 1
        1u + 1
        -state.round
        int(2.9)
        int("12")
        double("x")
        "#,
        &expect![[r#"
            1 + 1  =>  2
            1.0  =>  1.0
            7 / 2  =>  3
            7 % 2  =>  1
            7.0 / 2.0  =>  3.5
            state.round + 1  =>  2
            state.score * 2  =>  type: * takes two int or two double, here are double and int: write 2.0 or double(x)
            state.score * 2.0  =>  1.0
            state.score * double(state.round)  =>  0.5
            1 == 1.0  =>  true
            state.score < 1  =>  true
            2 > 1.5  =>  true
            9223372036854775807 + 1  =>  type: the result of + does not fit an int
            1 / 0  =>  type: / by zero
            1.0 / 0.0  =>  type: inf is no JSON number
            state.huge  =>  18446744073709551615
            state.huge > 1  =>  true
            state.huge + 1  =>  type: + does not go between int and int
            1u + 1  =>  2
            -state.round  =>  -1
            int(2.9)  =>  2
            int("12")  =>  12
            double("x")  =>  type: "x" cannot be made double
        "#]],
    );
}

#[test]
fn the_added_functions_take_int_and_double_together() {
    check(
        r#"
        sum([])
        sum([1, 2])
        sum([1, 2.5])
        avg([])
        avg([1, 2])
        avg(values(state.digests).map(d, d.coverage))
        min([])
        max([])
        min([2, 1.5])
        max(2, 1.5)
        max("a", "b")
        max(1, "b")
        round(2.5)
        round(-2.5)
        round(2.345, 2)
        round(1)
        round(1, 99)
        sum(["a"])
        sum(1)
        "#,
        &expect![[r#"
            sum([])  =>  0
            sum([1, 2])  =>  3
            sum([1, 2.5])  =>  3.5
            avg([])  =>  0.0
            avg([1, 2])  =>  1.5
            avg(values(state.digests).map(d, d.coverage))  =>  0.75
            min([])  =>  type: min() of nothing; write size(list) == 0 ? 0 : min(list)
            max([])  =>  type: max() of nothing; write size(list) == 0 ? 0 : max(list)
            min([2, 1.5])  =>  1.5
            max(2, 1.5)  =>  2
            max("a", "b")  =>  "b"
            max(1, "b")  =>  type: max() cannot compare string and int
            round(2.5)  =>  3.0
            round(-2.5)  =>  -3.0
            round(2.345, 2)  =>  2.35
            round(1)  =>  1.0
            round(1, 99)  =>  type: round() keeps 0 to 15 digits
            sum(["a"])  =>  type: sum() takes a list of numbers, an item is string
            sum(1)  =>  type: sum() takes a list, here is int
        "#]],
    );
}

#[test]
fn lists_maps_and_text_have_their_functions() {
    check(
        r#"
        keys(state.digests)
        values(state.digests).map(d, d.summary)
        state.digests.keys()
        join(["a", "b"], ", ")
        ["a", "b"].join("-")
        join([1])
        split("a,b,,c", ",")
        split("abc", "")
        unique([1, 1.0, 2, "a", "a", [1], [1.0]])
        default(state.approval, "none")
        default(state.round, 9)
        default(state.nothing, 9)
        default(section.nope, "x")
        default(1 / 0, 9)
        size(state.document)
        size("äö")
        size(state.digests)
        state.document.contains("two")
        state.document.startsWith("One")
        state.document.endsWith("four.")
        state.document.matches("^One .*four\\.$")
        "a".matches("(")
        "a" in ["a"]
        "a" in state.digests
        "approval" in state
        [1, 2] + [3]
        {"a": 1, "b": [state.round]}
        {"a": 1} == {"a": 1.0}
        string(1) + string(1.5) + string(true)
        "#,
        &expect![[r#"
            keys(state.digests)  =>  ["a","b"]
            values(state.digests).map(d, d.summary)  =>  ["one","three"]
            state.digests.keys()  =>  ["a","b"]
            join(["a", "b"], ", ")  =>  "a, b"
            ["a", "b"].join("-")  =>  "a-b"
            join([1])  =>  type: join() takes a list of strings, item 0 is int
            split("a,b,,c", ",")  =>  ["a","b","","c"]
            split("abc", "")  =>  ["a","b","c"]
            unique([1, 1.0, 2, "a", "a", [1], [1.0]])  =>  [1,2,"a",[1]]
            default(state.approval, "none")  =>  "none"
            default(state.round, 9)  =>  1
            default(state.nothing, 9)  =>  9
            default(section.nope, "x")  =>  "x"
            default(1 / 0, 9)  =>  type: / by zero
            size(state.document)  =>  20
            size("äö")  =>  2
            size(state.digests)  =>  2
            state.document.contains("two")  =>  true
            state.document.startsWith("One")  =>  true
            state.document.endsWith("four.")  =>  true
            state.document.matches("^One .*four\\.$")  =>  true
            "a".matches("(")  =>  type: no pattern: error: unclosed group
            "a" in ["a"]  =>  true
            "a" in state.digests  =>  true
            "approval" in state  =>  false
            [1, 2] + [3]  =>  [1,2,3]
            {"a": 1, "b": [state.round]}  =>  {"a":1,"b":[1]}
            {"a": 1} == {"a": 1.0}  =>  true
            string(1) + string(1.5) + string(true)  =>  "11.5true"
        "#]],
    );
}

#[test]
fn comprehensions_go_over_variables_and_their_fields() {
    check(
        r#"
        state.outline.sections.map(s, s.id)
        state.outline.sections.filter(s, s.id == "b").size()
        state.outline.sections.map(s, s.id == "b", s.text)
        state.outline.sections.exists(s, s.id == "b")
        state.outline.sections.all(s, size(s.text) > 100)
        state.outline.sections.exists_one(s, s.id == "a")
        state.digests.map(k, k)
        state.digests.all(k, state.digests[k].coverage > 0)
        state.outline.sections.exists(s, s.nope == 1 || s.id == "b")
        state.outline.sections.exists(s, s.nope == 1)
        [1, 2].map(x, x)
        state.outline.sections.filter(s, true).map(s, s.id)
        state.round.map(x, x)
        state.outline.sections.map(s, state)
        "#,
        &expect![[r#"
            state.outline.sections.map(s, s.id)  =>  ["a","b"]
            state.outline.sections.filter(s, s.id == "b").size()  =>  1
            state.outline.sections.map(s, s.id == "b", s.text)  =>  ["Three four."]
            state.outline.sections.exists(s, s.id == "b")  =>  true
            state.outline.sections.all(s, size(s.text) > 100)  =>  false
            state.outline.sections.exists_one(s, s.id == "a")  =>  true
            state.digests.map(k, k)  =>  ["a","b"]
            state.digests.all(k, state.digests[k].coverage > 0)  =>  true
            state.outline.sections.exists(s, s.nope == 1 || s.id == "b")  =>  true
            state.outline.sections.exists(s, s.nope == 1)  =>  unknown_name: s has no field "nope"; there is id, text
            [1, 2].map(x, x)  =>  expression_limit: a comprehension goes over a variable, its fields, or keys() or values() of those; filter and map at once with list.map(x, condition, value), or compute the list in a `set` node
            state.outline.sections.filter(s, true).map(s, s.id)  =>  expression_limit: a comprehension goes over a variable, its fields, or keys() or values() of those; filter and map at once with list.map(x, condition, value), or compute the list in a `set` node
            state.round.map(x, x)  =>  type: state.round is int, a comprehension goes over a list or a map
            state.outline.sections.map(s, state)  =>  [{"digests":{"a":{"coverage":0.5,"keywords":["x","y"],"summary":"one"},"b":{"coverage":1,"keywords":["y"],"summary":"three"}},"document":"One two. Three four.","huge":18446744073709551615,"nothing":null,"outline":{"sections":[{"id":"a","text":"One two."},{"id":"b","text":"Three four."}]},"round":1,"score":0.5},{"digests":{"a":{"coverage":0.5,"keywords":["x","y"],"summary":"one"},"b":{"coverage":1,"keywords":["y"],"summary":"three"}},"document":"One two. Three four.","huge":18446744073709551615,"nothing":null,"outline":{"sections":[{"id":"a","text":"One two."},{"id":"b","text":"Three four."}]},"round":1,"score":0.5}]
        "#]],
    );
}

#[test]
fn errors_beside_a_deciding_side_do_not_matter() {
    check(
        r#"
        state.approval || true
        true || state.approval
        state.approval && false
        state.approval && true
        has(state.approval) && state.approval.approve
        1 && true
        "#,
        &expect![[r#"
            state.approval || true  =>  true
            true || state.approval  =>  true
            state.approval && false  =>  false
            state.approval && true  =>  unwritten_key: state.approval is read before it is written
            has(state.approval) && state.approval.approve  =>  false
            1 && true  =>  type: the value is int, not bool
        "#]],
    );
}

#[test]
fn what_can_never_be_evaluated_says_why() {
    check(
        r#"
        1 +
        foo(1)
        summ([1])
        size()
        b"x"
        duration("1s")
        Foo{a: 1}
        has(1)
        state.x.map(1, 2)
        state.?x
        "unclosed
        "#,
        &expect![[r#"
            1 +  =>  syntax: the expression ends too early (column 4 of the expression)
            foo(1)  =>  unknown_name: there is no function foo(); did you mean "bool"?
            summ([1])  =>  unknown_name: there is no function summ(); did you mean "sum"?
            size()  =>  type: size() takes 1 arguments, not 0
            b"x"  =>  type: JSON holds no bytes; write text without the b
            duration("1s")  =>  unknown_name: there is no function duration(); there is avg, bool, contains, default, double, endsWith, int, join, …
            Foo{a: 1}  =>  syntax: there are no message types such as Foo; write a map: {'key': value}
            has(1)  =>  syntax: has() takes one field: has(state.key) or has(item.field)
            state.x.map(1, 2)  =>  syntax: the first argument of map() names the item
            state.?x  =>  syntax: unsupported syntax '.?' (column 6 of the expression)
            "unclosed  =>  syntax: token recognition error at: '"unclosed' (column 1 of the expression)
        "#]],
    );
}

#[test]
fn inspection_tells_free_names_and_keys_and_chains() {
    let sources = r#"
        state.round
        result
        section.id
        avg(values(state.digests).map(d, d.coverage))
        state["a"] + state.b.c
        has(state.x) ? run.step : sent
        state.list.map(section, section.id + other)
        keys(state)
    "#;
    let inspected = table(sources, |source| {
        let info = Cel::new().inspect(source).expect("a good expression");
        let chain = info.select_chain.map_or(String::new(), |parts| parts.join("/"));
        format!("{:?} {:?} [{chain}]", info.roots, info.state_keys)
    });
    expect![[r#"
        state.round  =>  {"state"} {"round"} [state/round]
        result  =>  {"result"} {} [result]
        section.id  =>  {"section"} {} [section/id]
        avg(values(state.digests).map(d, d.coverage))  =>  {"state"} {"digests"} []
        state["a"] + state.b.c  =>  {"state"} {"a", "b"} []
        has(state.x) ? run.step : sent  =>  {"run", "sent", "state"} {"x"} []
        state.list.map(section, section.id + other)  =>  {"other", "state"} {"list"} []
        keys(state)  =>  {"state"} {} []
    "#]]
    .assert_eq(&inspected);
}

#[test]
fn templates_write_strings_bare_and_everything_else_as_json() {
    let world = brief();
    let templates = r#"
        Publish? Score {{ round(state.score, 2) }}
        {{ section.id }}/{{ section }}
        {{ "}}" }} and {{ {"a": 1}["a"] }}
        no expression { here }
        {{ state.approval }}
        {{ open
    "#;
    let rendered = table(templates, |template| show(Cel::new().render(template, &world.scope())));
    expect![[r#"
        Publish? Score {{ round(state.score, 2) }}  =>  Publish? Score 0.5
        {{ section.id }}/{{ section }}  =>  a/{"id":"a","text":"One two."}
        {{ "}}" }} and {{ {"a": 1}["a"] }}  =>  }} and 1
        no expression { here }  =>  no expression { here }
        {{ state.approval }}  =>  unwritten_key: state.approval is read before it is written
        {{ open  =>  syntax: "{{" without "}}"
    "#]]
    .assert_eq(&rendered);
    let info = Cel::new().inspect_template("{{ state.a }} {{ section.id }}").expect("a template");
    assert_eq!((info.roots.len(), info.state_keys.len(), info.select_chain), (2, 1, None));
}

/// What the crate's own evaluator says, where it can say something.
fn reference(source: &str, state: &Value) -> Option<Value> {
    let program = cel::Program::compile(source).ok()?;
    let mut context = cel::Context::default();
    context.add_variable_from_value("state", to_cel(state));
    to_json(&program.execute(&context).ok()?)
}

fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| cel::Value::Float(number.as_f64().expect("finite")), cel::Value::Int),
        Value::String(text) => cel::Value::from(text.as_str()),
        Value::Array(items) => cel::Value::from(items.iter().map(to_cel).collect::<Vec<_>>()),
        Value::Object(map) => {
            let map = map.iter().map(|(key, value)| (key.as_str(), to_cel(value)));
            cel::Value::from(map.collect::<std::collections::HashMap<_, _>>())
        }
    }
}

fn to_json(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => json!(value),
        cel::Value::Int(int) => json!(int),
        cel::Value::Float(double) => Value::Number(serde_json::Number::from_f64(*double)?),
        cel::Value::String(text) => json!(**text),
        cel::Value::List(items) => items.iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        _ => return None,
    })
}

mod agreement {
    //! Our evaluator and the crate's give the same answers.

    use proptest::prelude::*;

    use super::*;

    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            (-3_i64..4).prop_map(|int| if int < 0 { format!("({int})") } else { int.to_string() }),
            (0_i32..8).prop_map(|half| format!("{:?}", f64::from(half) / 2.0)),
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("null".to_owned()),
            Just("'a'".to_owned()),
            Just("state.i".to_owned()),
            Just("state.d".to_owned()),
            Just("state.s".to_owned()),
            Just("state.l".to_owned()),
            Just("state.o.x".to_owned()),
            Just("state.o.missing".to_owned()),
            Just("has(state.o.missing)".to_owned()),
            Just("[1, 2.0, 'a']".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let operators = prop::sample::select(vec![
                "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
            ]);
            prop_oneof![
                (inner.clone(), operators, inner.clone())
                    .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(test, yes, no)| format!("({test} ? {yes} : {no})")),
                inner.clone().prop_map(|value| format!("!{value}")),
                inner.clone().prop_map(|value| format!("size({value})")),
                inner.clone().prop_map(|value| format!("state.s.contains({value})")),
                inner.clone().prop_map(|index| format!("state.l[{index}]")),
                inner.clone().prop_map(|body| format!("state.l.map(x, [x, {body}])")),
                inner.clone().prop_map(|body| format!("state.l.filter(x, x == {body})")),
                inner.clone().prop_map(|body| format!("state.l.exists(x, x == {body})")),
                inner.clone().prop_map(|body| format!("state.l.all(x, {body})")),
                inner.prop_map(|body| format!("state.l.exists_one(x, x == {body})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 600,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn our_answer_is_the_crates_answer(source in expression()) {
            let state = json!({
                "i": 2, "d": 2.0, "s": "abc", "l": [1, 2.5, "a", 2], "o": { "x": 1 },
            });
            let ours = Cel::new().evaluate(&source, &World::of(&state).scope());
            // Only the limits are ours alone.
            prop_assume!(ours.as_ref().err().is_none_or(|error| error.code != "expression_limit"));
            prop_assert_eq!(ours.ok(), reference(&source, &state), "{}", source);
        }
    }
}
