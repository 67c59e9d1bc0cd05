//! Schemas: checks, hostile schemas, built values, and text that a person types.

use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};
use wforge_spec::{Schemas, coerce};

use crate::support::table;

fn checked(schema: &Value, value: &Value) -> String {
    match Schemas::new().check(schema, value) {
        Ok(()) => "fits\n".to_owned(),
        Err(messages) => messages.iter().map(|message| format!("{message}\n")).collect(),
    }
}

#[test]
fn a_miss_names_each_place_in_a_sentence() {
    let schema = json!({
        "type": "object", "required": ["id", "tags"], "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "pattern": "^[a-z]+$" },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] }, "maxItems": 2 },
            "when": { "type": "string", "format": "date-time" },
        },
    });
    let fits = json!({ "id": "x", "tags": ["a"], "when": "2024-01-01T00:00:00Z" });
    assert_eq!(checked(&schema, &fits), "fits\n");
    let wrong = json!({ "id": "X", "tags": ["a", "c", 1], "when": "soon", "more": 1 });
    expect![[r#"
        /id: the value does not match "^[a-z]+$"
        /tags: the value has more than 2 items
        /tags/1: the value is not one of "a" or "b"
        /tags/2: the value is not one of "a" or "b"
        /when: the value is not a "date-time"
        Additional properties are not allowed ('more' was unexpected)
    "#]]
    .assert_eq(&checked(&schema, &wrong));
    expect![[r#"
        the value is not of type "object"
    "#]]
    .assert_eq(&checked(&schema, &json!([])));
    let many: Vec<u32> = (0..100).collect();
    let each = json!({ "items": { "type": "string" } });
    assert_eq!(checked(&each, &json!(many)).lines().count(), 16);
}

#[test]
fn a_schema_that_could_harm_is_refused() {
    let deep = (0..70).fold(json!(true), |inner, _| json!({ "items": inner }));
    let diamond = |parts: &str| {
        let defs = (0..24).map(|at| {
            let next = json!({ "$ref": format!("#/$defs/d{}", at + 1) });
            let both = match parts {
                "same" => json!({ "allOf": [next, next] }),
                _ => json!({ "properties": { "x": next, "y": next } }),
            };
            (format!("d{at}"), both)
        });
        let mut defs: serde_json::Map<String, Value> = defs.collect();
        defs.insert("d24".to_owned(), json!({ "type": "string" }));
        json!({ "$defs": defs, "$ref": "#/$defs/d0" })
    };
    let twice = json!({ "items": { "allOf": [{ "$ref": "#" }, { "$ref": "#" }] } });
    let hidden = json!({
        "$defs": {
            "a": { "items": { "allOf": [{ "$ref": "#/$defs/b" }, { "$ref": "#/$defs/c" }] } },
            "b": { "items": { "$ref": "#/$defs/a" } },
            "c": { "items": { "$ref": "#/$defs/a" } },
        },
        "$ref": "#/$defs/a",
    });
    let names: serde_json::Map<String, Value> =
        (0..101).map(|at| (format!("^n{at}"), json!(true))).collect();
    let schemas = [
        ("http reference", json!({ "$ref": "https://example.com/s.json" })),
        ("file reference", json!({ "$ref": "file:///etc/passwd" })),
        ("missing definition", json!({ "$ref": "#/$defs/nope" })),
        ("reference to itself", json!({ "$ref": "#" })),
        (
            "circle",
            json!({
                "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "allOf": [{ "$ref": "#/$defs/a" }] } },
                "$ref": "#/$defs/a",
            }),
        ),
        ("dynamic reference", json!({ "$dynamicRef": "#x" })),
        ("inner id", json!({ "properties": { "a": { "$id": "http://x/" } } })),
        ("doubling at one place", diamond("same")),
        ("doubling by parts", diamond("parts")),
        ("doubling by recursion", twice),
        ("hidden doubling", hidden),
        ("deep", deep),
        ("large", json!({ "enum": vec!["x".repeat(1_000); 70] })),
        ("patterns", json!({ "allOf": vec![json!({ "pattern": "\\w{50}" }); 101] })),
        ("patterns of names", json!({ "items": { "patternProperties": names } })),
        ("no schema", json!({ "type": "strin" })),
        ("look-around", json!({ "pattern": "(?=a)b" })),
        ("unknown dialect", json!({ "$schema": "https://example.com/dialect" })),
        ("not an object", json!("string")),
    ];
    let mut shown = String::new();
    for (name, schema) in &schemas {
        let answer = Schemas::new().check_schema(schema).expect_err(name);
        shown.push_str(&format!("{name}: {answer}\n"));
    }
    expect![[r##"
        http reference: $ref "https://example.com/s.json" leads nowhere inside the schema; write it as #/$defs/name
        file reference: $ref "file:///etc/passwd" leads nowhere inside the schema; write it as #/$defs/name
        missing definition: $ref "#/$defs/nope" leads nowhere inside the schema; write it as #/$defs/name
        reference to itself: $ref # leads back to itself without entering a part
        circle: $ref #/$defs/a leads back to itself without entering a part
        dynamic reference: $dynamicRef is not supported; write $ref
        inner id: $id is supported at the top of a schema only
        doubling at one place: more than 1000 schemas apply to one place of a value
        doubling by parts: the schema expands to more than 10000 schemas
        doubling by recursion: two references apply recursion to the same place, so checking could take exponential time; keep one of them
        hidden doubling: two references apply recursion to the same place, so checking could take exponential time; keep one of them
        deep: the schema nests deeper than 64
        large: the schema has 70220 bytes, the most is 65536
        patterns: the schema has more than 100 patterns
        patterns of names: the schema has more than 100 patterns
        no schema: it is no JSON Schema at /type: this is not valid under any of the schemas listed in the 'anyOf' keyword
        look-around: it is no JSON Schema at /pattern: this is not a "regex"
        unknown dialect: it is no JSON Schema: Unknown meta-schema: 'https://example.com/dialect'. Custom meta-schemas must be registered in the registry before use
        not an object: it is no JSON Schema: this is not of types "boolean", "object"
    "##]].assert_eq(&shown);
}

#[test]
fn recursion_that_enters_a_part_is_fine() {
    let tree = json!({
        "$defs": { "node": {
            "type": "object", "required": ["name"],
            "properties": {
                "name": { "type": "string" },
                "left": { "$ref": "#/$defs/node" }, "right": { "$ref": "#/$defs/node" },
            },
        } },
        "$ref": "#/$defs/node",
    });
    let mut value = json!({ "name": "leaf" });
    for _ in 0..60 {
        value = json!({ "name": "node", "left": value });
    }
    assert_eq!(checked(&tree, &value), "fits\n");
    let built = Schemas::new().build(&tree, 1);
    assert_eq!(checked(&tree, &built), "fits\n");
}

#[test]
fn hostile_patterns_end() {
    let schema = json!({ "type": "string", "pattern": "^(a+)+$" });
    let text = format!("{}b", "a".repeat(100_000));
    assert!(Schemas::new().check(&schema, &json!(text)).is_err());
}

#[test]
fn built_values_are_readable_and_the_same_for_the_same_seed() {
    let schema = json!({
        "type": "object",
        "required": ["summary", "keywords", "coverage", "kind"],
        "properties": {
            "summary": { "type": "string" },
            "keywords": { "type": "array", "items": { "type": "string" } },
            "coverage": { "type": "number", "minimum": 0, "maximum": 1 },
            "count": { "type": "integer", "minimum": 3, "multipleOf": 5 },
            "mail": { "type": "string", "format": "email" },
            "code": { "type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$" },
        },
    });
    let schemas = Schemas::new();
    let built = serde_json::to_string_pretty(&schemas.build(&schema, 7)).expect("json");
    expect![[r#"
        {
          "code": "WW-458",
          "count": 45,
          "coverage": 0.61,
          "keywords": [
            "mock keywords 5369"
          ],
          "kind": "mock kind 15e6",
          "mail": "mock-b34e@example.com",
          "summary": "mock summary 6430"
        }"#]]
    .assert_eq(&built);
    assert_eq!(schemas.build(&schema, 7), schemas.build(&schema, 7));
    assert_ne!(schemas.build(&schema, 7), schemas.build(&schema, 8));
    assert_eq!(schemas.build(&json!({}), 7), Value::Null);
    assert_eq!(schemas.build(&json!(true), 7), Value::Null);
    assert_eq!(schemas.build(&json!({ "default": 3, "type": "integer" }), 7), json!(3));
}

#[test]
fn typed_text_becomes_what_the_schema_wants() {
    let approve = json!({
        "type": "object", "required": ["approve"],
        "properties": { "approve": { "type": "boolean" }, "why": { "type": "string" } },
    });
    let both = json!({
        "type": "object", "required": ["a", "b"],
        "properties": { "a": { "type": "string" }, "b": { "type": "integer" } },
    });
    let read = |schema: &Value, inputs: &str| {
        table(inputs, |text| match coerce(text, schema) {
            Ok(value) => value.to_string(),
            Err(error) => format!("error: {error}"),
        })
    };
    expect![[r#"
        yes  =>  {"approve":true}
        NO  =>  {"approve":false}
        approve=no  =>  {"approve":false}
        {"approve":true}  =>  {"approve":true}
        maybe  =>  error: "maybe" is no boolean
        1  =>  error: "1" is no boolean
    "#]]
    .assert_eq(&read(&approve, "yes\nNO\napprove=no\n{\"approve\":true}\nmaybe\n1"));
    expect![[r#"
        x  =>  error: "x" does not say which property it is; write JSON such as {"a": …, "b": …}
        b=2  =>  {"b":2}
        {"a":"x","b":1}  =>  {"a":"x","b":1}
    "#]]
    .assert_eq(&read(&both, "x\nb=2\n{\"a\":\"x\",\"b\":1}"));
    expect![[r#"
        12  =>  12
        1.5  =>  error: "1.5" is no integer
        x  =>  error: "x" is no integer
    "#]]
    .assert_eq(&read(&json!({ "type": "integer" }), "12\n1.5\nx"));
    expect![[r#"
        12  =>  "12"
        "quoted"  =>  "quoted"
        {"a":1}  =>  "{\"a\":1}"
    "#]]
    .assert_eq(&read(&json!({ "type": "string" }), "12\n\"quoted\"\n{\"a\":1}"));
    expect![[r#"
        12  =>  12
        x  =>  "x"
    "#]]
    .assert_eq(&read(&json!({ "type": ["string", "integer"] }), "12\nx"));
    expect![[r#"
        12  =>  12
        x  =>  "x"
        [1]  =>  [1]
    "#]]
    .assert_eq(&read(&json!({}), "12\nx\n[1]"));
    expect![[r#"
        [1]  =>  [1]
        x  =>  error: "x" is no array
    "#]]
    .assert_eq(&read(&json!({ "type": "array" }), "[1]\nx"));
}

/// Schemas of the subset that values are built for.
fn schema() -> impl Strategy<Value = Value> {
    let range = (-20_i64..20, 0_i64..20);
    let leaf = prop_oneof![
        Just(json!({ "type": "boolean" })),
        Just(json!({ "type": "null" })),
        Just(json!({ "const": { "a": [1] } })),
        Just(json!({ "enum": [1, "two", null] })),
        Just(json!({ "type": ["null", "string"] })),
        (0_u64..30, 0_u64..30).prop_map(|(least, more)| {
            json!({ "type": "string", "minLength": least, "maxLength": least + more })
        }),
        range.clone().prop_map(|(low, more)| {
            json!({ "type": "integer", "minimum": low, "maximum": low + more })
        }),
        range.clone().prop_map(|(low, more)| {
            json!({ "type": "number", "exclusiveMinimum": low, "maximum": low + more + 1 })
        }),
        (range, 1_i64..7).prop_map(|((low, _), step)| {
            json!({ "type": "integer", "minimum": low, "multipleOf": step })
        }),
        prop::sample::select(vec![
            "date-time",
            "date",
            "time",
            "email",
            "uri",
            "uuid",
            "ipv4",
            "ipv6",
            "hostname"
        ])
        .prop_map(|format| json!({ "type": "string", "format": format })),
        prop::sample::select(vec![
            "^[a-z]{3,5}$",
            "^a|b$",
            "^[0-9]+(\\.[0-9]+)?$",
            "x+y*z?",
            "^(\\w+)-(\\d{2})$"
        ])
        .prop_map(|pattern| json!({ "type": "string", "pattern": pattern })),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let named = prop::collection::btree_map("[a-d]", inner.clone(), 0..4);
        prop_oneof![
            (named.clone(), any::<bool>()).prop_map(|(properties, closed)| {
                let required: Vec<&String> = properties.keys().collect();
                json!({
                    "type": "object", "required": required, "additionalProperties": !closed,
                    "properties": properties,
                })
            }),
            inner
                .clone()
                .prop_map(|item| json!({ "type": "object", "additionalProperties": item })),
            (inner.clone(), 0_u64..4).prop_map(|(item, least)| {
                json!({ "type": "array", "items": item, "minItems": least })
            }),
            (inner.clone(), inner.clone()).prop_map(|(first, rest)| {
                json!({ "type": "array", "prefixItems": [first], "items": rest })
            }),
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| json!({ "anyOf": [left, right] })),
            (named.clone(), named).prop_map(|(left, right)| {
                json!({ "allOf": [
                    { "type": "object", "properties": left },
                    { "required": right.keys().collect::<Vec<_>>() },
                ] })
            }),
            inner.prop_map(|inner| {
                json!({ "$defs": { "it": inner }, "type": "object", "required": ["it"],
                    "properties": { "it": true } })
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn built_values_fit(schema in schema(), seed in any::<u64>()) {
        let schemas = Schemas::new();
        let built = schemas.build(&schema, seed);
        prop_assert!(schemas.check(&schema, &built).is_ok(), "{schema} gives {built}");
    }
}
