//! JSON Schemas for whoever must hold a value to one or make one up.

use std::fmt::Debug;

use wforge_model::Value;

/// Pure functions of schemas and values. A schema may be a stranger's: nothing is fetched for it,
/// and none takes exponential time.
pub trait Schemas: Debug + Send + Sync {
    /// Whether a value fits a schema.
    ///
    /// # Errors
    /// One sentence for each place where it does not; at least one, and not many.
    fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>>;

    /// Whether a schema can be used.
    ///
    /// # Errors
    /// Why not, in a sentence.
    fn check_schema(&self, schema: &Value) -> Result<(), String>;

    /// A value that fits the schema, the same for the same seed; one that does not fit where none
    /// could be built, which a check then says.
    fn build(&self, schema: &Value, seed: u64) -> Value;
}
