//! HTTP through the host. Needs `http:<rule>`.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ctx;
use crate::host::{Answers, only};
use crate::http::{Body, Response};
use crate::json::{read, write};
use crate::{Blob, Failure, Secret};

impl Ctx {
    /// Sends one HTTP request. A response is one whatever its status.
    ///
    /// # Errors
    /// Denied, over budget, or not answered.
    pub fn fetch(&self, request: Request<'_>) -> Result<Response, Failure> {
        only(self.fetch_all([request]))
    }

    /// Sends several HTTP requests at once.
    ///
    /// # Errors
    /// None of them could be sent.
    pub fn fetch_all<'a>(
        &self,
        requests: impl IntoIterator<Item = Request<'a>>,
    ) -> Answers<Response> {
        self.host.fetch(requests.into_iter().collect())
    }
}

/// One request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The method in capitals.
    pub method: String,
    /// An absolute URL without user information.
    pub url: String,
    /// Headers in order; names are not case-sensitive.
    pub headers: Vec<(String, String)>,
    /// Headers that the host fills.
    pub credentials: Vec<Credential<'a>>,
    /// The body, if any.
    pub body: Option<Body>,
    /// The longest time for the whole exchange, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// A header that the host fills from a secret, for hosts that the secret is meant for.
#[derive(Debug)]
pub struct Credential<'a> {
    /// The header's name, such as `authorization`.
    pub header: String,
    /// Its value with `{}` where the secret goes, such as `Bearer {}`.
    pub template: String,
    /// The secret.
    pub secret: &'a Secret,
}

impl<'a> Request<'a> {
    /// A request with that method in capitals, without headers and body yet.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            credentials: Vec::new(),
            body: None,
            timeout_ms: None,
        }
    }

    /// `GET` of that URL.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// `POST` to that URL.
    #[must_use]
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a header that the host fills from a secret: `Bearer {}`.
    #[must_use]
    pub fn credential(mut self, header: &str, template: &str, secret: &'a Secret) -> Self {
        let (header, template) = (header.to_owned(), template.to_owned());
        self.credentials.push(Credential { header, template, secret });
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Body::Bytes(body.into()));
        self
    }

    /// The same with a body by reference.
    #[must_use]
    pub fn blob(mut self, body: &Blob) -> Self {
        self.body = Some(Body::Blob(body.into()));
        self
    }

    /// The same with a body of JSON and the header that says so.
    ///
    /// # Errors
    /// The value is no JSON.
    pub fn json(self, body: &impl Serialize) -> Result<Self, Failure> {
        let text = write("body", body)?;
        Ok(self.header("content-type", "application/json").bytes(text))
    }

    /// The same with a longest time for the whole exchange.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout_ms = u64::try_from(time.as_millis()).ok();
        self
    }
}

impl Response {
    /// A response with that status and body; for what a test lets a server answer.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = Body::Bytes(body.into());
        Self { status, headers: Vec::new(), body, extra: "{}".to_owned() }
    }

    /// The first header of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text.
    ///
    /// # Errors
    /// It came by reference, or is no UTF-8.
    pub fn text(&self) -> Result<&str, Failure> {
        let unreadable = |message: &str| Failure::upstream("unreadable_body", message);
        match &self.body {
            Body::Bytes(bytes) => core::str::from_utf8(bytes)
                .map_err(|error| unreadable(&format!("the body is no UTF-8: {error}"))),
            Body::Blob(_) => Err(unreadable("the body is large and came as a blob: read that")),
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is no text, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read("response", self.text()?)
    }
}
