//! Where a request goes: read once, for the grant that it needs and for the request that is sent.

use reqwest::Url;
use wforge_model::{Capability, Failure, HttpRule, Problem, Value};

use crate::outbound::method;
use crate::outbound::url::{self, Peer, URL_BYTES_MAX};

/// Method and URL of a request, in the form in which they are checked and sent.
#[derive(Debug)]
pub struct Target {
    pub(super) method: String,
    pub(crate) url: Url,
    /// The set of this one request, as text.
    pub(crate) rule: String,
}

impl Target {
    /// Of one element of the call.
    pub(super) fn of(element: &Value) -> Result<Self, Failure> {
        let text = |field| element.get(field).and_then(Value::as_str).unwrap_or_default();
        Self::read(text("method"), text("url"))
    }

    /// Of a method and a URL.
    ///
    /// Whatever is read here has a rule, so there is no request that no grant could be asked for.
    ///
    /// # Errors
    /// Nothing is sent there, whoever asks; the reason is in words.
    pub fn read(method: &str, url: &str) -> Result<Self, Failure> {
        // On its own first: inside a rule, something else than a method could read as a host.
        method::read(method).map_err(|error| bad("bad_method", &error))?;
        let url = canonical(url)?;
        let rule = rule(method, &url);
        HttpRule::parse(&rule).map_err(|error| bad("bad_url", &error))?;
        Ok(Self { method: method.to_owned(), url, rule })
    }

    /// The URL that is sent to.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The set of this one request, as text: what a grant must cover.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

/// The capability that an element needs: `http:METHOD@scheme://host:port/path`. None where there is
/// no method or no URL to send to; such an element is refused before anything is sent.
pub(crate) fn wanted(element: &Value) -> Option<Capability> {
    Some(Capability::of("http", &Target::of(element).ok()?.rule))
}

/// The URL in the form in which it is checked and sent.
pub(crate) fn canonical(url: &str) -> Result<Url, Failure> {
    url::canonical(url, URL_BYTES_MAX).map_err(|error| bad("bad_url", &error))
}

fn rule(method: &str, url: &Url) -> String {
    let Peer { host, port } = Peer::of(url);
    // In a rule a star stands for what is below.
    let path = url.path().replace('*', "%2A");
    format!("{method}@{}://{host}:{port}{path}", url.scheme())
}

fn bad(code: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::InvalidInput(Problem::new(code, error.to_string()))
}
