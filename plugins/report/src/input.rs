//! What was collected about a document. A mock agent may have written any part of it, so that only
//! the outline of the shape is taken for granted.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use workflowforge_sdk::Value;

/// Everything that the report shows.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The document's sections.
    pub outline: Outline,
    /// Digests by the section's id.
    #[serde(default, deserialize_with = "or_empty")]
    pub digests: BTreeMap<String, Digest>,
    /// Findings by the section's id.
    #[serde(default, deserialize_with = "or_empty")]
    pub findings: BTreeMap<String, Vec<Finding>>,
}

/// The document's sections.
#[derive(Debug, Deserialize)]
pub struct Outline {
    /// The document's title.
    #[serde(default)]
    pub title: String,
    /// The sections in order.
    pub sections: Vec<Section>,
}

/// One section.
#[derive(Debug, Deserialize)]
pub struct Section {
    /// Unique in the document.
    pub id: String,
    /// The heading.
    #[serde(default)]
    pub title: String,
    /// The line in which its text begins.
    #[serde(default)]
    pub line: u64,
    /// Words of prose.
    #[serde(default)]
    pub words: u64,
    /// Links.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Checklist items.
    #[serde(default)]
    pub checklist: Vec<Item>,
    /// Code blocks.
    #[serde(default)]
    pub code_blocks: Vec<Value>,
}

impl Section {
    /// The heading, or the id where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.title.is_empty() { &self.id } else { &self.title }
    }
}

/// A link.
#[derive(Debug, Deserialize)]
pub struct Link {
    /// What the reader sees.
    #[serde(default)]
    pub text: String,
    /// Where it leads.
    #[serde(default)]
    pub url: String,
    /// Its line.
    #[serde(default)]
    pub line: u64,
}

/// An item of a checklist.
#[derive(Debug, Deserialize)]
pub struct Item {
    /// What is to do.
    #[serde(default)]
    pub text: String,
    /// Whether it is done.
    #[serde(default)]
    pub done: bool,
    /// Its line.
    #[serde(default)]
    pub line: u64,
}

/// A section's digest.
#[derive(Debug, Default, Deserialize)]
pub struct Digest {
    /// The summary.
    #[serde(default)]
    pub summary: String,
    /// The keywords.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// The share of the section that the summary covers.
    #[serde(default)]
    pub coverage: f64,
}

/// A finding; the state of a workflow need not say of which types its parts are.
#[derive(Debug, Deserialize)]
pub struct Finding {
    /// What it is.
    #[serde(default)]
    pub kind: Value,
    /// What it says.
    #[serde(default)]
    pub text: Value,
    /// Its line.
    #[serde(default)]
    pub line: Value,
    /// Its column.
    #[serde(default)]
    pub column: Value,
}

/// A value as text, without the quotes that JSON puts around a string.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A key that nobody wrote is null.
pub(crate) fn or_empty<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
