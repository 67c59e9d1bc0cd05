//! The black box: the repository's own rules, and the real `wforge` binary from outside.
//!
//! One binary, since each that links against wasmtime costs a minute. `tidy` holds the rules of
//! the source tree; everything else starts the program as a person would.

mod direction;
mod repo;
mod tidy;
