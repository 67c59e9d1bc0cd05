//! JSON Schemas of Rust types, in the form that a manifest has.

use schemars::JsonSchema;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::Value;

use crate::export::Way;

/// The schema of the type: of draft 2020-12, which is what a manifest means, so without `$schema`;
/// without references but those of a type to itself; and with a title only where the author wrote
/// one. None where it allows everything.
pub(crate) fn of<T: JsonSchema>(way: Way) -> Option<Value> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    settings.contract = match way {
        Way::In => Contract::Deserialize,
        Way::Out => Contract::Serialize,
    };
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let fields = schema.ensure_object();
    // Added where the author gave none, and a type's name is no help to a workflow's author.
    if fields.get("title").and_then(Value::as_str) == Some(&*T::schema_name()) {
        fields.remove("title");
    }
    (!fields.is_empty()).then(|| schema.to_value())
}
