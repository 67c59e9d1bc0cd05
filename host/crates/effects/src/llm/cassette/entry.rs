//! One line of a cassette: `{"hash", "request", "answer"}`, or `failure` in place of `answer`.
//! Without a hash it is that of the request; without a request the hash alone finds it.

use serde::{Deserialize, Serialize};
use wforge_model::effect::{Operation, RequestHash};
use wforge_model::{Failure, Value};

/// A request and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CassetteEntry {
    /// The request's hash.
    pub hash: RequestHash,
    /// The request; none where only its hash is known.
    pub request: Option<Value>,
    /// The answer, as the guest got it.
    pub answer: Result<Value, Failure>,
}

/// A line that is no entry of a cassette.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct CassetteError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

impl CassetteEntry {
    /// Reads the lines of a cassette; empty ones are left out.
    ///
    /// # Errors
    /// The first line that is no entry.
    pub fn parse(text: &str) -> Result<Vec<Self>, CassetteError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let entries = lines.map(|(at, line)| {
            Self::parse_line(line).map_err(|reason| CassetteError { line: at + 1, reason })
        });
        entries.collect()
    }

    fn parse_line(text: &str) -> Result<Self, String> {
        let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let of_request =
            line.request.as_ref().map(|request| RequestHash::of(Operation::LlmComplete, request));
        let written = line.hash.as_deref().map(|text| {
            read_hex(text).ok_or_else(|| "the hash must be 32 hexadecimal digits".to_owned())
        });
        let hash = match (written.transpose()?, of_request) {
            (Some(written), Some(found)) if written != found => {
                return Err(format!("the request has the hash {found:?}, not {written:?}"));
            }
            (None, None) => return Err("neither a hash nor a request".to_owned()),
            (Some(hash), _) | (None, Some(hash)) => hash,
        };
        let answer = match (line.answer, line.failure) {
            (Some(answer), None) => Ok(answer),
            (None, Some(failure)) => Err(failure),
            _ => return Err("exactly one of answer and failure is needed".to_owned()),
        };
        Ok(Self { hash, request: line.request, answer })
    }

    /// The entry as a line, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let (answer, failure) = match self.answer.clone() {
            Ok(answer) => (Some(answer), None),
            Err(failure) => (None, Some(failure)),
        };
        let hash = Some(format!("{:?}", self.hash));
        let line = Line { hash, request: self.request.clone(), answer, failure };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

fn read_hex(text: &str) -> Option<RequestHash> {
    if text.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, place) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(RequestHash(bytes))
}
