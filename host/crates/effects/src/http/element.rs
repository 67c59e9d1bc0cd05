//! The JSON of one request, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use wforge_model::{Digest, Failure, Problem, Value};

use crate::secrets::Credential;

/// What is there beside method and URL.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) headers: Vec<(String, String)>,
    pub(super) credentials: Vec<Credential>,
    pub(super) body: Body,
    pub(super) timeout_ms: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Body {
    None,
    Inline(Vec<u8>),
    Blob(Digest),
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    credentials: Vec<Credential>,
    #[serde(default)]
    body: WrittenBody,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    options: Value,
}

#[derive(Default, Deserialize)]
#[serde(untagged, expecting = "a body is {\"base64\"}, a blob reference or null")]
enum WrittenBody {
    Inline {
        base64: String,
    },
    Blob {
        #[serde(rename = "$blob")]
        digest: Digest,
    },
    #[default]
    None,
}

impl Element {
    pub(super) fn read(element: &Value) -> Result<Self, Failure> {
        let written = Written::deserialize(element).map_err(|error| bad(&error))?;
        let body = match written.body {
            WrittenBody::None => Body::None,
            WrittenBody::Inline { base64 } => {
                Body::Inline(STANDARD.decode(base64).map_err(|error| bad(&error))?)
            }
            WrittenBody::Blob { digest } => Body::Blob(digest),
        };
        if let Some((name, _)) =
            written.options.as_object().and_then(|options| options.iter().next())
        {
            let message = format!("there is no option {name:?} of http.fetch");
            return Err(Failure::InvalidInput(Problem::new("unknown_option", message)));
        }
        let Written { headers, credentials, timeout_ms, .. } = written;
        Ok(Self { headers, credentials, body, timeout_ms })
    }
}

fn bad(error: &impl std::fmt::Display) -> Failure {
    let message = format!("the request is not of the contract's shape: {error}");
    Failure::InvalidInput(Problem::new("bad_request", message))
}
