//! What can go wrong with a registry, split by what its user does next.

use oci_client::errors::{OciDistributionError, OciEnvelope};
use wforge_model::Digest;

/// The most characters of a registry's own words that are shown.
const SAID_CHARS_MAX: usize = 500;

/// Why a registry did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// 401: log in.
    #[error("{registry} does not know who is asking{}", and_said(.said))]
    Unauthorized {
        /// Its host.
        registry: String,
        /// What it said.
        said: String,
    },
    /// 403: ask for access, or another repository.
    #[error("{registry} does not allow it{}", and_said(.said))]
    Denied {
        /// Its host.
        registry: String,
        /// What it said.
        said: String,
    },
    /// 404.
    #[error("{registry} does not have it{}", and_said(.said))]
    NotFound {
        /// Its host.
        registry: String,
        /// What it said.
        said: String,
    },
    /// 429: wait.
    #[error("{registry} has too many requests{}", and_said(.said))]
    Busy {
        /// Its host.
        registry: String,
        /// What it said.
        said: String,
    },
    /// Any other status.
    #[error("{registry} answered {status}{}", and_said(.said))]
    Status {
        /// Its host.
        registry: String,
        /// The status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// Nobody answers there, or not in time.
    #[error("{registry} cannot be reached")]
    Unreachable {
        /// Its host.
        registry: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// What is there is something else.
    #[error("that is no plugin: {0}")]
    NoPlugin(String),
    /// The bytes are others than those that were asked for.
    #[error("the registry gave other bytes than asked for: {found} instead of {wanted}")]
    Digest {
        /// Which were meant.
        wanted: Digest,
        /// Which came.
        found: String,
    },
    /// More bytes than are taken.
    #[error("{what} has more than {bytes_max} bytes")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        bytes_max: u64,
    },
    /// More of something than is read.
    #[error("the repository has more than {items_max} {what}: name a tag or a digest")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read.
        items_max: usize,
    },
    /// Anything else.
    #[error("{registry} answered in a way that is not understood")]
    Protocol {
        /// Its host.
        registry: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn and_said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl RegistryError {
    /// Of a status and the body that came with it.
    pub(super) fn of_status(registry: &str, status: u16, body: &[u8]) -> Self {
        let (registry, said) = (registry.to_owned(), words(body));
        match status {
            401 => Self::Unauthorized { registry, said },
            403 => Self::Denied { registry, said },
            404 => Self::NotFound { registry, said },
            429 => Self::Busy { registry, said },
            _ => Self::Status { registry, status, said },
        }
    }

    /// Of a request that got no answer.
    pub(super) fn of_request(registry: &str, error: reqwest::Error) -> Self {
        match error.status() {
            Some(status) => Self::of_status(registry, status.as_u16(), b""),
            // An address may carry a token in its query.
            None => {
                Self::Unreachable { registry: registry.to_owned(), source: error.without_url() }
            }
        }
    }

    /// Of the client's own.
    pub(super) fn of_client(registry: &str, error: OciDistributionError) -> Self {
        match error {
            OciDistributionError::ServerError { code, message, .. } => {
                Self::of_status(registry, code, message.as_bytes())
            }
            OciDistributionError::RegistryError { envelope, .. } => {
                let said = of_envelope(&envelope);
                Self::of_status(registry, status_of(&envelope), said.as_bytes())
            }
            OciDistributionError::UnauthorizedError { .. } => Self::of_status(registry, 401, b""),
            OciDistributionError::AuthenticationFailure(said) => {
                Self::of_status(registry, 401, said.as_bytes())
            }
            OciDistributionError::RequestError(error) => Self::of_request(registry, error),
            other => Self::Protocol { registry: registry.to_owned(), source: Box::new(other) },
        }
    }
}

/// The status that goes with a code of the specification; the client keeps the code alone.
fn status_of(envelope: &OciEnvelope) -> u16 {
    use oci_client::errors::OciErrorCode as Code;
    match envelope.errors.first().map(|error| &error.code) {
        Some(Code::Unauthorized) => 401,
        Some(Code::Denied) => 403,
        Some(Code::Toomanyrequests) => 429,
        Some(Code::BlobUnknown | Code::ManifestUnknown | Code::NameUnknown | Code::NotFound) => 404,
        _ => 400,
    }
}

fn of_envelope(envelope: &OciEnvelope) -> String {
    let messages = envelope.errors.iter().map(|error| error.message.as_str());
    messages.filter(|message| !message.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What a body says to a person: the messages of the specification's form, else its beginning.
fn words(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<OciEnvelope>(body) {
        Ok(envelope) => of_envelope(&envelope),
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    let is_page = text.starts_with('<');
    if is_page { String::new() } else { text.chars().take(SAID_CHARS_MAX).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_registry_said() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no such scope","detail":{}}]}"#;
        let error = RegistryError::of_status("r.example", 403, body).to_string();
        assert_eq!(error, "r.example does not allow it: no such scope");
        let error = RegistryError::of_status("r.example", 429, b"").to_string();
        assert_eq!(error, "r.example has too many requests");
        let error = RegistryError::of_status("r.example", 502, b"<html>").to_string();
        assert_eq!(error, "r.example answered 502");
        let long = RegistryError::of_status("r.example", 500, &vec![b'x'; 9_000]).to_string();
        assert!(long.len() < 600, "{long}");
    }

    #[test]
    fn a_code_without_a_status_has_the_status_of_the_specification() {
        let of = |code: &str| {
            let envelope = serde_json::json!({ "errors": [{ "code": code, "message": "m" }] });
            let envelope = serde_json::from_value(envelope).unwrap();
            let url = "https://r.example".to_owned();
            let error = OciDistributionError::RegistryError { envelope, url };
            RegistryError::of_client("r.example", error).to_string()
        };
        assert_eq!(of("UNAUTHORIZED"), "r.example does not know who is asking: m");
        assert_eq!(of("TOOMANYREQUESTS"), "r.example has too many requests: m");
        assert_eq!(of("NAME_UNKNOWN"), "r.example does not have it: m");
        assert_eq!(of("SIZE_INVALID"), "r.example answered 400: m");
    }
}
