//! Workflow files with lines, CEL expressions and JSON Schema: text in, checked data out.
//!
//! Never here: decisions about a run (`wforge-graph`), files, clocks or randomness. What is wrong
//! with a workflow as a whole (edges, reachability) is found by `wforge_graph`; this crate knows
//! in which line.

pub mod cache;
pub mod digest;
pub mod editor;
pub mod expression;
pub mod parse;
pub mod schema;
pub mod suite;

pub use digest::{DigestError, digest};
pub use editor::{WORKFLOW_SCHEMA, schema_for_editors};
pub use expression::Cel;
pub use parse::dev::DevFile;
pub use parse::{Parsed, Position, Report, SourceMap, Valid, parse, validate};
pub use schema::{CoerceError, Schemas, coerce};
