//! The pure workflow engine: validate, decide, apply.
//!
//! Never here: a clock, randomness, input or output, or the language of expressions, which comes
//! in through [`Expressions`]. The loop that performs what is decided is `wforge-engine`'s.
#![no_std]

extern crate alloc;

pub mod expressions;
pub mod problem;

pub use expressions::{ExprError, ExprInfo, Expressions, RunFacts, Scope, State};
pub use problem::{Place, Problem, Severity};
