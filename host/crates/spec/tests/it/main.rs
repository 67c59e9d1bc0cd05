//! What the crate promises, as text in and text out.

mod expressions;
mod hostile;
mod schemas;
mod support;
