//! What the crate promises, as text in and text out.

mod expressions;
mod files;
mod hostile;
mod schemas;
mod support;
