//! Chat completions, as OpenAI has them and many servers understand.

mod answer;
mod request;

use wforge_model::{Failure, Value};

use self::answer::Gathered;
use super::answer::Answer;
use super::config::MaxTokensField;
use super::models::Asking;
use super::remote::Dialect;

/// The type of a part that the model refused with; it is taken back as it came.
const REFUSAL: &str = "refusal";

/// A model at such a server.
#[derive(Debug)]
pub(crate) struct Openai {
    pub(crate) model: String,
    pub(crate) max_tokens_field: MaxTokensField,
}

impl Dialect for Openai {
    const PATH: &'static str = "/chat/completions";
    const HEADERS: &'static [(&'static str, &'static str)] = &[];
    type Gathered = Gathered;

    fn body(&self, asking: &Asking<'_>) -> Result<Value, Failure> {
        request::body(self, asking)
    }

    fn whole(body: Value) -> Result<Answer, Failure> {
        answer::whole(body)
    }
}
