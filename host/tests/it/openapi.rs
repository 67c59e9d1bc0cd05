//! The API's own description: every example in it is sent to a real server in the order that the
//! document says, and every answer must be what the document says of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Cli, Reply, TestHost, component};

/// One operation, with where it is.
struct Told<'d> {
    method: String,
    path: &'d str,
    operation: &'d Value,
}

fn document(host: &TestHost) -> Value {
    host.get_as("/openapi.json", None).status(200).json()
}

/// All operations, in the order of their examples.
fn in_order(document: &Value) -> Vec<Told<'_>> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            all.push(Told { method: method.to_uppercase(), path, operation });
        }
    }
    all.sort_by_key(|told| told.operation["x-wforge-example"]["order"].as_u64());
    all
}

#[test]
fn every_example_gives_what_the_document_says() {
    let host = TestHost::start();
    let document = document(&host);
    let mut names = BTreeMap::new();
    let mut wrong = Vec::new();
    let all = in_order(&document);
    for told in &all {
        let reply = send(&host, told, &names);
        let id = &told.operation["operationId"];
        if let Err(why) = check(&document, told, &reply) {
            wrong.push(format!("{id}: {why}"));
        }
        learn(told, &reply, &mut names);
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(all.len(), wforge_api::ROUTES.len(), "one operation a route");
}

/// The text with what earlier answers gave in the place of the names that the examples use. The
/// longest first: a checkpoint's name has a run's in it.
fn meant(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut by_length: Vec<_> = names.iter().collect();
    by_length.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    by_length.into_iter().fold(text.to_owned(), |text, (name, real)| text.replace(name, real))
}

fn send(host: &TestHost, told: &Told<'_>, names: &BTreeMap<String, String>) -> Reply {
    let path = address(told, names);
    let example = &told.operation["x-wforge-example"];
    if let Some(plugin) = example["component"].as_str() {
        let bytes = fs_err::read(component(plugin)).expect("a component");
        return host.post_bytes_as(&path, "application/wasm", &bytes, host.key());
    }
    let content = told.operation["requestBody"]["content"].as_object();
    let written =
        content.and_then(|content| content.iter().find(|(_, it)| it.get("example").is_some()));
    let (media_type, body) = written.map_or(("application/json", String::new()), |(kind, it)| {
        let body = it["example"].as_str().map_or_else(|| it["example"].to_string(), str::to_owned);
        (kind.as_str(), body)
    });
    match told.method.as_str() {
        "GET" => host.get(&path),
        method => host.send_by(method, &path, media_type, &meant(&body, names), None),
    }
}

/// The path with the examples of its parts and of the query.
fn address(told: &Told<'_>, names: &BTreeMap<String, String>) -> String {
    let (mut path, mut query) = (told.path.to_owned(), Vec::new());
    for parameter in told.operation["parameters"].as_array().expect("parameters") {
        let Some(example) = parameter.get("example") else { continue };
        let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        let text = meant(&text, names);
        match (&parameter["in"], parameter["name"].as_str().expect("a name")) {
            (place, name) if place == "path" => path = path.replace(&format!("{{{name}}}"), &text),
            (place, name) if place == "query" => query.push(format!("{name}={text}")),
            _ => {}
        }
    }
    assert!(!path.contains('{'), "{path}: a part has no example");
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

fn check(document: &Value, told: &Told<'_>, reply: &Reply) -> Result<(), String> {
    let expected = &told.operation["x-wforge-example"]["status"];
    if *expected != json!(reply.status) {
        return Err(format!("{} in place of {expected}: {}", reply.status, reply.text));
    }
    let response = meant_by(document, &told.operation["responses"][reply.status.to_string()]);
    let content = response["content"].as_object().and_then(|content| content.iter().next());
    let Some((_, content)) = content.filter(|(kind, _)| is_json(kind)) else {
        return Ok(());
    };
    let value = serde_json::from_str(&reply.text).map_err(|error| error.to_string())?;
    fits(document, &content["schema"], &value)
}

/// What a part of the document refers to; itself, where it refers to nothing.
fn meant_by<'d>(document: &'d Value, part: &'d Value) -> &'d Value {
    let place = part["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    place.map_or(part, |place| document.pointer(place).expect("what is referred to"))
}

/// Lines of JSON are a text.
fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// Schemas of the document refer to nothing outside of it.
struct Nothing;

impl jsonschema::Retrieve for Nothing {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} lies outside of the document").into())
    }
}

/// The schemas that this one names, and those that they name.
fn named(document: &Value, schema: &Value, found: &mut serde_json::Map<String, Value>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            if let Some(name) = name.and_then(|it| it.strip_prefix("#/components/schemas/"))
                && !found.contains_key(name)
            {
                let named_one = document["components"]["schemas"][name].clone();
                found.insert(name.to_owned(), named_one.clone());
                named(document, &named_one, found);
            }
            fields.values().for_each(|field| named(document, field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| named(document, item, found)),
        _ => {}
    }
}

fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let mut whole = schema.clone();
    let mut schemas = serde_json::Map::new();
    named(document, schema, &mut schemas);
    whole["components"] = json!({ "schemas": schemas });
    let validator = jsonschema::options().with_retriever(Nothing).build(&whole);
    let validator = validator.map_err(|error| error.to_string())?;
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:?} in {value}")) }
}

fn learn(told: &Told<'_>, reply: &Reply, names: &mut BTreeMap<String, String>) {
    let gives = told.operation["x-wforge-example"]["gives"].as_object().expect("names");
    if gives.is_empty() {
        return;
    }
    let value: Value = serde_json::from_str(&reply.text).unwrap_or_default();
    for (place, name) in gives {
        if let Some(real) = value.pointer(place).and_then(Value::as_str) {
            names.insert(name.as_str().expect("a name").to_owned(), real.to_owned());
        }
    }
}

#[test]
fn refusals_are_problems_as_the_document_says() {
    let host = TestHost::start();
    let document = document(&host);
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let unknown = host.get("/v1/runs/run_00000000000000000000000000000001").status(404).json();
    fits(&document, &schema, &unknown).unwrap();
    let nobody = host.get_as("/v1/runs", None).status(401).json();
    fits(&document, &schema, &nobody).unwrap();
    let file = host.post_text("/v1/workflows", "application/yaml", "name: 7").status(422).json();
    fits(&document, &schema, &file).unwrap();
}

#[test]
fn the_document_is_printed_without_a_server_and_is_the_one_that_is_served() {
    let printed = Cli::new().run(["openapi"]).exits(0).json();
    assert_eq!(printed["openapi"], "3.1.0");
    assert_eq!(printed, document(&TestHost::start()));
}

#[test]
fn the_page_asks_nobody_but_its_server() {
    let host = TestHost::start();
    for path in ["/docs", "/docs/docs.js", "/docs/docs.css"] {
        let text = host.get_as(path, None).status(200).text.clone();
        assert!(!text.contains("://"), "{path} names another server");
    }
    let policy = |path: &str| host.header(path, "content-security-policy");
    assert!(policy("/docs").contains("script-src 'self'"), "{}", policy("/docs"));
    assert_eq!(policy("/docs/docs.js"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(policy("/openapi.json"), "default-src 'none'; frame-ancestors 'none'");
}
