//! Which web pages may call the API. Nobody's, unless the operator names them.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::trust::SIGNATURE;

/// How long a browser may remember what it may do.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The origins of pages that may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    named: BTreeSet<String>,
    all: bool,
}

/// Text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no origin: write https://host or https://host:port, without a path")]
pub struct BadOrigin(String);

impl Origins {
    /// These; `*` is every page there is.
    ///
    /// # Errors
    /// One of them is no origin.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, BadOrigin> {
        let mut origins = Self::default();
        for text in texts {
            if text == "*" {
                origins.all = true;
            } else if is_origin(text) {
                origins.named.insert(text.to_ascii_lowercase());
            } else {
                return Err(BadOrigin(text.to_owned()));
            }
        }
        Ok(origins)
    }

    /// Whether every page may call.
    #[must_use]
    pub const fn are_all(&self) -> bool {
        self.all
    }

    pub(crate) fn allow(&self, origin: &HeaderValue) -> bool {
        let named = origin.to_str().is_ok_and(|origin| self.named.contains(origin));
        self.all || named
    }

    /// Answers browsers. Credentials are bearers in a header, so no cookie is ever asked for.
    pub(crate) fn layer(&self) -> CorsLayer {
        let allowed = if self.all {
            AllowOrigin::any()
        } else {
            AllowOrigin::list(self.named.iter().filter_map(|origin| origin.parse().ok()))
        };
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                HeaderName::from_static("idempotency-key"),
                HeaderName::from_static(SIGNATURE),
                HeaderName::from_static("last-event-id"),
                IF_NONE_MATCH,
            ])
            .expose_headers([
                HeaderName::from_static("x-request-id"),
                ETAG,
                HeaderName::from_static("idempotency-replayed"),
                HeaderName::from_static("retry-after"),
                HeaderName::from_static("location"),
            ])
            .max_age(REMEMBERED)
    }
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_authority = |rest: &str| {
        let parsed = rest.parse::<axum::http::uri::Authority>();
        parsed.is_ok_and(|authority| !authority.as_str().contains('@'))
    };
    rest.is_some_and(is_authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origins: &[&str], origin: &'static str) -> bool {
        let origins = Origins::parse(origins.iter().copied()).unwrap();
        origins.allow(&HeaderValue::from_static(origin))
    }

    #[test]
    fn only_what_is_named_may_call() {
        assert!(!check(&[], "https://a.example"));
        assert!(check(&["https://A.example"], "https://a.example"));
        for other in
            ["http://a.example", "https://a.example:8443", "https://a.example.evil", "null"]
        {
            assert!(!check(&["https://a.example"], other), "{other}");
        }
        assert!(check(&["*"], "null"));
    }

    #[test]
    fn what_is_no_origin_is_told() {
        for text in ["a.example", "https://a.example/", "https://u@a.example", "https://", ""] {
            assert_eq!(Origins::parse([text]), Err(BadOrigin(text.to_owned())));
        }
    }
}
