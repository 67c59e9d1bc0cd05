//! Between the contract's JSON text and the agent's types.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, unreadable, unwritable};

pub(crate) fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// Reads each answer that is there.
pub(crate) fn read_each<T: DeserializeOwned>(
    what: &str,
    answers: Vec<Result<String, Failure>>,
) -> Vec<Result<T, Failure>> {
    answers.into_iter().map(|answer| answer.and_then(|text| read(what, &text))).collect()
}

pub(crate) fn write(what: &str, value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| unwritable(what, &error))
}
