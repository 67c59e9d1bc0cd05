//! What the crate promises, as text in and text out.

#![expect(clippy::expect_used, reason = "a test that cannot go on panics, helpers included")]
#![expect(clippy::indexing_slicing, reason = "as above")]
#![expect(clippy::too_many_lines, reason = "tables of inputs and what comes out of them")]

mod corpus;
mod editor;
mod expressions;
mod files;
mod hostile;
mod language;
mod limits;
mod lines;
mod schemas;
mod suites;
mod support;
mod whole;
