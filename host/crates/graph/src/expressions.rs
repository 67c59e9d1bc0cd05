//! The expressions, schemas and built values that the engine needs, as a trait: `wforge-spec`
//! implements it with CEL and JSON Schema.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;

use wforge_model::{Key, RunId, ThreadId, Timestamp, Value};

/// The state: written keys only.
pub type State = BTreeMap<Key, Arc<Value>>;

/// Pure functions of text and values. The same arguments give the same answer, always.
pub trait Expressions: Debug + Send + Sync {
    /// The value of an expression.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence; a key that was not written yet is named.
    fn evaluate(&self, source: &str, scope: &Scope<'_>) -> Result<Value, ExprError>;

    /// The text with each `{{ expression }}` replaced by its value.
    ///
    /// # Errors
    /// As [`Expressions::evaluate`].
    fn render(&self, template: &str, scope: &Scope<'_>) -> Result<String, ExprError>;

    /// What an expression refers to, or why it can never be evaluated.
    ///
    /// # Errors
    /// Syntax, unknown functions, limits passed.
    fn inspect(&self, source: &str) -> Result<ExprInfo, ExprError>;

    /// What the expressions inside a `{{ }}` template refer to.
    ///
    /// # Errors
    /// As [`Expressions::inspect`].
    fn inspect_template(&self, template: &str) -> Result<ExprInfo, ExprError>;

    /// Whether a value fits a JSON Schema.
    ///
    /// # Errors
    /// One sentence for each place where it does not, at most 16.
    fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>>;

    /// Whether a JSON Schema can be used.
    ///
    /// # Errors
    /// Why not: not a schema, a reference outside itself, too large, too deep.
    fn check_schema(&self, schema: &Value) -> Result<(), String>;

    /// A value that fits the schema, built from the seed: arrays with at least one item, the same
    /// value for the same seed. Null where the schema asks for nothing.
    fn build(&self, schema: &Value, seed: u64) -> Value;
}

/// The names that an expression sees.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// `state`.
    pub state: &'a State,
    /// The `as` names.
    pub bindings: &'a BTreeMap<String, Arc<Value>>,
    /// `sent`; null where none was.
    pub sent: &'a Value,
    /// `result`; only in `out`.
    pub result: Option<&'a Value>,
    /// `context`.
    pub context: &'a Value,
    /// `run`.
    pub run: RunFacts,
}

/// The fields of `run`.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts {
    /// `run.id`.
    pub id: RunId,
    /// `run.thread`.
    pub thread: Option<ThreadId>,
    /// `run.step`.
    pub step: u32,
    /// `run.attempt`.
    pub attempt: u32,
    /// `run.started_at`, as RFC 3339 text.
    pub started_at: Timestamp,
    /// `run.degraded`, as of the beginning of the super-step.
    pub degraded: bool,
}

/// What an expression refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExprInfo {
    /// Free names at its root: `state`, `result`, `run`, `sent`, `context`, `as` names.
    pub roots: BTreeSet<String>,
    /// The keys of `state` that it reads by a written name.
    pub state_keys: BTreeSet<String>,
    /// Where the expression is a chain of plain selections (`result`, `result.a.b`), its parts.
    pub select_chain: Option<Vec<String>>,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// `syntax`, `unknown_name`, `unwritten_key`, `type`, `expression_limit`.
    pub code: &'static str,
    /// One sentence with the fix, where one is known.
    pub message: String,
    /// Which expression it is, where the text holds several.
    pub expression: Option<String>,
}
