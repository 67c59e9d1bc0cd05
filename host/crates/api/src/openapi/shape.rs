//! The schemas that operations name, taken from the types that are really sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A schema with those that it names, which go into the document's components.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(super) schema: Value,
    pub(super) parts: BTreeMap<String, Value>,
}

impl Shape {
    /// The type as it is.
    pub(crate) fn of<T: ToSchema>() -> Self {
        let mut shape = Self::parts_of::<T>();
        let name = T::name();
        shape.parts.insert(name.to_string(), json_of(&T::schema()));
        Self { schema: reference(&name), ..shape }
    }

    /// The type as a resource of that kind: `{kind, id, href}` and its own fields beside them.
    pub(crate) fn resource<T: ToSchema>(name: &str, kind: &str) -> Self {
        let mut shape = Self::parts_of::<T>();
        let whole = json!({ "allOf": [frame(kind), json_of(&T::schema())] });
        shape.parts.insert(name.to_owned(), whole);
        Self { schema: reference(name), ..shape }
    }

    /// The type as a schema of that name, in which one of its fields may be left out.
    pub(crate) fn optional<T: ToSchema>(name: &str, field: &str) -> Self {
        let mut shape = Self::parts_of::<T>();
        let mut whole = json_of(&T::schema());
        if let Some(required) = whole.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|required| required != field);
        }
        shape.parts.insert(name.to_owned(), whole);
        Self { schema: reference(name), ..shape }
    }

    /// A page of a list of these.
    pub(crate) fn page(mut self) -> Self {
        let items = self.schema;
        let named = items.get("$ref").and_then(Value::as_str).and_then(|it| it.rsplit('/').next());
        let name = format!("{}Page", named.unwrap_or("Item"));
        let page = json!({
            "type": "object",
            "description": "One page of a list.",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": { "type": "array", "items": items },
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": "What to send as cursor for the next page; null: this is the \
                                    last.",
                },
            },
        });
        self.parts.insert(name.clone(), page);
        Self { schema: reference(&name), ..self }
    }

    /// Any JSON.
    pub(crate) fn anything() -> Self {
        Self { schema: json!({}), parts: BTreeMap::new() }
    }

    /// A text, whatever it says.
    pub(crate) fn text() -> Self {
        Self { schema: json!({ "type": "string" }), parts: BTreeMap::new() }
    }

    fn parts_of<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let parts = named.into_iter().map(|(name, schema)| (name, json_of(&schema)));
        Self { schema: Value::Null, parts: parts.collect() }
    }
}

/// What every resource has.
fn frame(kind: &str) -> Value {
    json!({
        "type": "object",
        "required": ["kind", "id", "href"],
        "properties": {
            "kind": { "type": "string", "const": kind, "description": "What it is." },
            "id": { "type": "string", "description": "Which one." },
            "href": { "type": "string", "description": "Where it is found on this server." },
        },
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What has no JSON, which no schema is, would be seen as null by the test of the document.
pub(super) fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
