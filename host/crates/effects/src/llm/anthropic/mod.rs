//! Messages, as Anthropic has them.

mod answer;
mod request;
mod schema;

use wforge_model::{Failure, Value};

use self::answer::Gathered;
use super::answer::Answer;
use super::models::Asking;
use super::remote::Dialect;

/// Types of blocks in which a model keeps what it thought; it wants them back as they came.
const THOUGHTS: [&str; 2] = ["thinking", "redacted_thinking"];

/// A model at such a server.
#[derive(Debug)]
pub(crate) struct Anthropic {
    pub(crate) model: String,
}

impl Dialect for Anthropic {
    const PATH: &'static str = "/messages";
    const HEADERS: &'static [(&'static str, &'static str)] = &[("anthropic-version", "2023-06-01")];
    type Gathered = Gathered;

    fn body(&self, asking: &Asking<'_>) -> Result<Value, Failure> {
        request::body(self, asking)
    }

    fn whole(body: Value) -> Result<Answer, Failure> {
        answer::whole(body)
    }
}
