//! An operation as OpenAPI writes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::{Answer, Body, Operation};
use super::parts;
use super::refusals::Refusal;
use super::story;
use crate::routes::{Access, Route};

/// The operation of a route that refuses so.
pub(super) fn render(
    operation: &Operation,
    route: &Route,
    refusals: &BTreeMap<u16, Refusal>,
) -> Value {
    let is_platforms = route.path != operation.path;
    let id = if is_platforms { format!("{}OfTenant", operation.id) } else { operation.id.into() };
    let mut json = json!({
        "operationId": &id,
        "summary": summary(operation, is_platforms),
        "tags": [tag(operation, route)],
        "parameters": parameters(operation, route),
        "responses": responses(operation, refusals),
        "x-wforge-example": example(operation, story::place(&id)),
    });
    let about = [Some(operation.about.to_owned()), parts::about_platform(route.path)];
    let about: Vec<String> = about.into_iter().flatten().filter(|it| !it.is_empty()).collect();
    if !about.is_empty() {
        put(&mut json, "description", json!(about.join(" ")));
    }
    if let Some(body) = &operation.body {
        put(&mut json, "requestBody", request_body(body));
    }
    match route.access {
        Access::Open => put(&mut json, "security", json!([])),
        Access::Role { least, scope } => {
            put(&mut json, "x-wforge-role", json!(least.as_str()));
            put(&mut json, "x-wforge-scope", json!(scope.to_string()));
        }
    }
    json
}

fn summary(operation: &Operation, is_platforms: bool) -> String {
    let summary = operation.summary;
    if is_platforms { format!("{summary} (of a tenant, by the platform)") } else { summary.into() }
}

/// What the route is about: the noun of its scope, as the roles' table has it. An open route has no
/// scope, and its operation says it.
pub(super) fn tag(operation: &Operation, route: &Route) -> &'static str {
    match route.access {
        Access::Open => operation.tag,
        Access::Role { scope, .. } => scope.noun.as_str(),
    }
}

fn parameters(operation: &Operation, route: &Route) -> Vec<Value> {
    let mut all = parts::parameters(route.path, &operation.example.path);
    all.extend(operation.parameters.iter().cloned());
    all
}

/// Puts a field into an object.
fn put(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn request_body(body: &Body) -> Value {
    let content = body.media_types.iter().map(|media_type| {
        let mut content = json!({ "schema": body.shape.schema });
        // A text's example is one of its first type.
        let is_first = body.media_types.first() == Some(media_type);
        if let Some(example) = body.example.as_ref().filter(|_| is_first) {
            put(&mut content, "example", example.clone());
        }
        ((*media_type).to_owned(), content)
    });
    json!({ "required": body.required, "content": content.collect::<Map<_, _>>() })
}

fn example(operation: &Operation, place: Option<usize>) -> Value {
    let first = operation.answers.first().map(|answer| answer.status);
    let gives: Map<String, Value> = operation
        .example
        .gives
        .iter()
        .map(|(place, name)| ((*place).to_owned(), json!(name)))
        .collect();
    let mut json = json!({
        "order": place,
        "status": operation.example.status.or(first),
        "gives": gives,
    });
    if let Some(component) = operation.example.component {
        put(&mut json, "component", json!(component));
    }
    json
}

fn responses(operation: &Operation, refusals: &BTreeMap<u16, Refusal>) -> Value {
    let mut all: Map<String, Value> = operation
        .answers
        .iter()
        .map(|answer| (answer.status.to_string(), good(operation, answer)))
        .collect();
    for (status, refusal) in refusals {
        all.insert(status.to_string(), refusal.reference());
    }
    Value::Object(all)
}

fn good(operation: &Operation, answer: &Answer) -> Value {
    let mut headers = Map::new();
    headers.insert("x-request-id".into(), header("The id of the request, as the log has it."));
    for (name, about) in &answer.headers {
        headers.insert((*name).to_owned(), header(about));
    }
    if operation
        .parameters
        .iter()
        .any(|it| it.get("name").is_some_and(|name| name == "Idempotency-Key"))
    {
        let about = "true, where an earlier request with the same key had done it all.";
        headers.insert("idempotency-replayed".into(), header(about));
    }
    let mut json = json!({ "description": answer.what, "headers": headers });
    let content = answer
        .content
        .iter()
        .map(|(media_type, shape)| ((*media_type).to_owned(), json!({ "schema": shape.schema })));
    let content: Map<String, Value> = content.collect();
    if !content.is_empty() {
        put(&mut json, "content", Value::Object(content));
    }
    json
}

/// A header with a text.
pub(super) fn header(about: &str) -> Value {
    json!({ "description": about, "schema": { "type": "string" } })
}
