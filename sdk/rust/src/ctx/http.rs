//! HTTP through the host. Needs `http:<rule>`.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ctx;
use crate::bindings::workflowforge::plugin::secrets::Secret;
use crate::host::{self, Answers, only};
use crate::http::{Body, Credential, Request, Response};
use crate::json::{read, write};
use crate::{Blob, Failure};

impl Ctx {
    /// Sends one HTTP request. A response is one whatever its status.
    ///
    /// # Errors
    /// Denied, over budget, or not answered.
    pub fn fetch(&self, request: Request<'_>) -> Result<Response, Failure> {
        only(self.fetch_all(&[request]))
    }

    /// Sends several HTTP requests at once.
    ///
    /// # Errors
    /// None of them could be sent.
    pub fn fetch_all(&self, requests: &[Request<'_>]) -> Answers<Response> {
        host::fetch(&self.rehearsal, requests)
    }
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
            options: "{}".to_owned(),
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
