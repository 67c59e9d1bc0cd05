//! JSON Schemas: whether one can be used, whether a value fits it, and values that do.
//!
//! A schema may come from a stranger's plugin. So nothing is ever fetched for one, patterns run in
//! linear time, and [`structure`] refuses what could take exponential time. Building values is in
//! [`build`], reading a person's text in [`coerce`].

mod build;
mod coerce;
mod sample;
mod structure;

use std::error::Error;
use std::sync::Arc;

use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value;
use wforge_model::defence::{Defence, holds};

pub use coerce::{CoerceError, coerce};

use crate::cache::Cache;

/// Messages of one check.
const MESSAGES_MAX: usize = 16;
/// The longest message; an `enum` could be named in full.
const MESSAGE_CHARS_MAX: usize = 240;
/// Small validators of one generation of the cache; one with patterns takes the room of several.
const CACHED_MAX: usize = 256;
/// Memory of one compiled pattern.
const PATTERN_SIZE_MAX: usize = 256 << 10;

/// Compiled schemas by the schema itself.
#[derive(Debug)]
pub struct Schemas {
    validators: Cache<Value, Compiled>,
}

type Compiled = Result<Arc<Validator>, String>;

impl Schemas {
    /// With an empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self { validators: Cache::new(CACHED_MAX) }
    }

    /// Whether the value fits the schema.
    ///
    /// # Errors
    /// One sentence for each place where it does not, at most 16.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        let validator = self.validator(schema).map_err(|reason| vec![reason])?;
        if validator.is_valid(value) {
            return Ok(());
        }
        let errors = validator.iter_errors(value).take(MESSAGES_MAX);
        Err(errors.map(|error| sentence(&error)).collect())
    }

    /// Whether the schema can be used.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn check_schema(&self, schema: &Value) -> Result<(), String> {
        self.validator(schema).map(drop)
    }

    /// A value that fits the schema, the same for the same seed; null where the schema asks for
    /// nothing, or for something that cannot be built (a check of the value then says what).
    #[must_use]
    pub fn build(&self, schema: &Value, seed: u64) -> Value {
        if self.validator(schema).is_err() {
            return Value::Null;
        }
        build::build(schema, seed, |value| self.check(schema, value).is_ok())
    }

    fn validator(&self, schema: &Value) -> Compiled {
        if let Some(compiled) = self.validators.get(schema) {
            return compiled;
        }
        let weight = if holds(Defence::References) { structure::check(schema)? } else { 1 };
        let compiled = compile(schema);
        self.validators.insert_weighing(weight, schema.clone(), compiled.clone());
        compiled
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

fn compile(schema: &Value) -> Compiled {
    jsonschema::options()
        .with_retriever(Outside)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE_MAX))
        .should_validate_formats(true)
        .build(schema)
        .map(Arc::new)
        .map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            shorten(format!("it is no JSON Schema{place}: {}", error.masked_with("this")))
        })
}

/// What lies outside of a schema: nothing, as far as this host goes.
struct Outside;

impl Retrieve for Outside {
    #[expect(clippy::disallowed_methods, reason = "the proof of why nothing is ever read here")]
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        if holds(Defence::References) {
            return Err("a schema refers to nothing outside of itself".into());
        }
        Ok(serde_json::from_str(&std::fs::read_to_string(uri.path().as_str())?)?)
    }
}

fn sentence(error: &jsonschema::ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let message = error.masked_with("the value").to_string();
    shorten(if path.is_empty() { message } else { format!("{path}: {message}") })
}

fn shorten(message: String) -> String {
    match message.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", message.get(..at).unwrap_or_default()),
        None => message,
    }
}
