//! The API as OpenAPI 3.1, made from the table of routes and from the types that are sent.
//!
//! Each row of [`ROUTES`] has exactly one [`Operation`]; a route of the platform about a tenant,
//! `/v1/tenants/{tenant}/…`, has that of the tenant's own `/v1/…` where it has none of its own.
//! Schemas are utoipa's, by derive; operations are a table here and not `#[utoipa::path]` on the
//! handlers, for that would say of each handler once for each of its routes what it does.
//!
//! To add a route: its row in `crate::routes`, its operation in `operations/`, the place of its
//! example in `story`. The tests below say which of them is missing.

mod operation;
mod operations;
mod page;
mod parts;
mod refusals;
mod render;
mod shape;
mod story;

use std::sync::LazyLock;

use bytes::Bytes;
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};

use crate::error::Problem;
use crate::routes::{ROUTES, Route};
use operation::Operation;
pub(crate) use page::{PAGE_POLICY, is_page};
pub(crate) use page::{
    document as show_document, page as show_page, script as show_script, style as show_style,
};
use shape::Shape;

const ABOUT: &str = "Runs other people's agents, sandboxed, as workflows that survive a crash.\n\n\
    A thing is `{kind, id, href, …}`, a list `{items, next_cursor}`. A refusal is a problem by \
    RFC 9457 with a stable `code`, which has a page of its own; `x-wforge-codes` lists those of \
    each status. Times are milliseconds since 1970 in UTC.\n\n\
    The tenant comes from the credential and from nowhere else. `x-wforge-role` is the least role \
    that may call an operation, `x-wforge-scope` what a narrowed credential needs besides. \
    `x-wforge-example` says where the example stands in the order in which the tests run them, \
    which status it gives, and what of its answer later examples name.";

/// The document as it is served, made once.
static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut text = Vec::new();
    // Two spaces for each of its many levels would be a fifth of it.
    let narrow = PrettyFormatter::with_indent(b" ");
    // What is JSON already is written to memory, which cannot fail.
    let _ = document().serialize(&mut Serializer::with_formatter(&mut text, narrow));
    text.push(b'\n');
    Bytes::from(text)
});

/// The document's text: the same bytes each time.
#[must_use]
pub fn text() -> Bytes {
    TEXT.clone()
}

/// The description of the whole API, by OpenAPI 3.1.
#[must_use]
pub fn document() -> Value {
    let operations = operations::all();
    let (mut paths, mut schemas, mut responses) = (Map::new(), Map::new(), Map::new());
    let mut tags: Vec<&str> = Vec::new();
    schemas.extend(Shape::of::<Problem<'static>>().parts);
    for route in ROUTES {
        let Some(operation) = of_route(&operations, route) else { continue };
        let refusals = refusals::of(operation, route);
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.to_ascii_lowercase()] = render::render(operation, route, &refusals);
        responses.extend(refusals.values().map(|refusal| (refusal.name(), refusal.response())));
        let tag = render::tag(operation, route);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        for shape in shapes(operation) {
            schemas.extend(shape.parts.clone());
        }
    }
    schemas.values_mut().for_each(plain);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "WorkflowForge",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/", "description": "The server that this document came from." }],
        "security": [{ "key": [] }, { "token": [] }],
        "tags": tags.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas, "responses": responses, "securitySchemes": credentials(),
        },
    })
}

/// What the derive leaves as it is in the code. Names that comments link to are only names here;
/// and generators take an object of which nothing is said for an empty one.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            if is_any_object(fields) {
                fields.insert("additionalProperties".to_owned(), json!(true));
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

fn is_any_object(schema: &Map<String, Value>) -> bool {
    let is_object = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        kind => kind.is_some_and(|kind| kind == "object"),
    };
    is_object && !["properties", "additionalProperties"].iter().any(|it| schema.contains_key(*it))
}

/// What is said of a route: its own operation, else that of the same route about the own tenant.
fn of_route<'a>(operations: &'a [Operation], route: &Route) -> Option<&'a Operation> {
    let of = |path: &str| operations.iter().find(|it| it.method == route.method && it.path == path);
    let own = || route.path.strip_prefix(parts::OF_TENANT).map(|rest| format!("/v1{rest}"));
    of(route.path).or_else(|| of(&own()?))
}

fn shapes(operation: &Operation) -> impl Iterator<Item = &Shape> {
    let answers = operation.answers.iter().flat_map(|answer| &answer.content);
    operation.body.iter().map(|body| &body.shape).chain(answers.map(|(_, shape)| shape))
}

fn credentials() -> Value {
    let scheme = |format: &str, about: &str| json!({ "type": "http", "scheme": "bearer", "bearerFormat": format, "description": about });
    json!({
        "key": scheme("wf_<id>_<secret>_<checksum>", "An API key of the tenant."),
        "token": scheme("JWT", "A token of the identity provider that the operator named."),
    })
}

#[cfg(test)]
mod tests;
