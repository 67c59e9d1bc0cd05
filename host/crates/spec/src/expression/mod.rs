//! Expressions: CEL, compiled once, bounded, and evaluated without copying the state.
//!
//! The crate `cel` parses; what an expression means is ours ([`evaluate`]), for three reasons. Its
//! evaluator has no budget: a 48-character expression runs for many seconds. Its maps have no
//! order, and a replay must see the same order. It copies what it converts, and a state may hold
//! megabytes. A property test holds both to the same answers.
//!
//! Left out of CEL: bytes, timestamps, durations, types as values, message types and optional
//! values, none of which JSON holds. An unsigned literal is an int.

mod budget;
mod compile;
mod convert;
mod evaluate;
mod failure;
mod functions;
mod lower;
mod operators;
mod plan;
mod template;
mod value;

pub(crate) use convert::whole_double;

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;
use wforge_graph::{ExprError, ExprInfo, Expressions, Scope};

use self::evaluate::Evaluation;
use self::failure::of_one;
use self::functions::Patterns;
use self::plan::Plan;
use self::template::Piece;
use crate::cache::Cache;
use crate::schema::Schemas;

/// Entries of one generation of the caches of programs and patterns.
const CACHED_MAX: usize = 1_024;

/// CEL expressions and JSON Schemas for the engine. Clone an `Arc` of it: the caches are inside.
#[derive(Debug)]
pub struct Cel {
    plans: Cache<String, Result<Arc<Plan>, ExprError>>,
    patterns: Patterns,
    schemas: Schemas,
}

impl Cel {
    /// With empty caches.
    #[must_use]
    pub fn new() -> Self {
        Self {
            plans: Cache::new(CACHED_MAX),
            patterns: Cache::new(CACHED_MAX),
            schemas: Schemas::new(),
        }
    }

    /// How many programs, and failures to make one, are kept.
    #[must_use]
    pub fn cached(&self) -> usize {
        self.plans.len()
    }

    /// Failures are kept too, so that a hostile source costs a thread only once.
    fn plan(&self, source: &str) -> Result<Arc<Plan>, ExprError> {
        if let Some(plan) = self.plans.get(source) {
            return plan;
        }
        let plan = compile::compile(source).map(Arc::new);
        if source.len() <= compile::SOURCE_BYTES_MAX {
            self.plans.insert(source.to_owned(), plan.clone());
        }
        plan
    }
}

impl Default for Cel {
    fn default() -> Self {
        Self::new()
    }
}

impl Expressions for Cel {
    fn evaluate(&self, source: &str, scope: &Scope<'_>) -> Result<Value, ExprError> {
        let plan = self.plan(source)?;
        let mut evaluation = Evaluation::new(scope, &self.patterns);
        let value = evaluation.run(&plan)?;
        value.into_answer(&mut evaluation.budget)
    }

    fn render(&self, template: &str, scope: &Scope<'_>) -> Result<String, ExprError> {
        let mut text = String::new();
        for piece in template::split(template)? {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Expression(source) => {
                    match self.evaluate(source, scope).map_err(of_one(source))? {
                        Value::String(value) => text.push_str(&value),
                        value => drop(write!(text, "{value}")),
                    }
                }
            }
        }
        Ok(text)
    }

    fn inspect(&self, source: &str) -> Result<ExprInfo, ExprError> {
        self.plan(source).map(|plan| plan.info.clone())
    }

    fn inspect_template(&self, template: &str) -> Result<ExprInfo, ExprError> {
        let mut whole = ExprInfo::default();
        for piece in template::split(template)? {
            if let Piece::Expression(source) = piece {
                let info = self.inspect(source).map_err(of_one(source))?;
                whole.roots.extend(info.roots);
                whole.state_keys.extend(info.state_keys);
            }
        }
        Ok(whole)
    }

    fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        self.schemas.check(schema, value)
    }

    fn check_schema(&self, schema: &Value) -> Result<(), String> {
        self.schemas.check_schema(schema)
    }

    fn build(&self, schema: &Value, seed: u64) -> Value {
        self.schemas.build(schema, seed)
    }
}
