//! The pure workflow engine: validate, decide, apply.
//!
//! A [`Workflow`] is a checked file; a [`Run`] is folded from its log by [`apply`]; [`settle`] says
//! what follows from facts, as events and commands. Never here: a clock, randomness, input or
//! output, or the language of expressions, which comes in through [`Expressions`]. The loop that
//! performs what is decided is `wforge-engine`'s.
#![no_std]

extern crate alloc;

mod apply;
mod begin;
mod bindings;
mod call;
mod decide;
mod drawing;
mod expressions;
mod finish;
mod mocks;
mod policy;
mod problem;
mod reach;
mod reduce;
mod route;
mod run;
mod settle;
mod step;
mod template;
mod validate;
mod workflow;

pub use apply::apply;
pub use begin::{Beginning, begin, unserved};
pub use call::{call_of, input_of};
pub use decide::{Decision, decide};
pub use drawing::{Drawing, DrawnEdge, DrawnNode, draw};
pub use expressions::{ExprError, ExprInfo, Expressions, RunFacts, Scope, State};
pub use problem::{Place, Problem, Severity, nearest};
pub use run::{Run, Send, Task, TaskStatus};
pub use settle::{commands_after, next_wake, settle};
pub use validate::validate;
pub use workflow::Workflow;
