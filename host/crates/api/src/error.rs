//! The one error of the API, and how it reads: RFC 9457 for the client, a cause for the log.
//!
//! The client never hears the cause, the log never shows the detail (which may quote the request);
//! code and request id join the two. `crate::envelope` adds the request id and writes the log.

use std::sync::Arc;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wforge_engine::EngineError;
use wforge_model::trust::DistrustCode;
use wforge_ports::BoxError;
use wforge_ports::workflows::Report;

use crate::codes::{self, Code};

/// Where the page of a code is found.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/errors/");

/// Why a request is refused.
#[derive(Debug)]
pub struct ApiError {
    /// What programs compare.
    pub code: &'static Code,
    /// What the client hears: what is wrong with this request, and the fix.
    pub detail: String,
    /// The stable name that the engine has for it, where it comes from there.
    pub reason: Option<&'static str>,
    /// Each place that is wrong, where there are several.
    pub errors: Vec<ErrorItem>,
    /// When to come back.
    pub retry_after_ms: Option<u64>,
    /// What only the log keeps.
    pub cause: Option<BoxError>,
}

/// One place of a request that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ErrorItem {
    /// The file, as the request called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// A stable name in `snake_case`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl From<Report> for ErrorItem {
    fn from(report: Report) -> Self {
        Self {
            file: Some(report.file),
            line: Some(report.line),
            column: Some(report.column),
            code: Some(report.code),
            message: report.message,
            help: report.help,
        }
    }
}

/// The body of a refusal, by RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[ErrorItem]>::is_empty")]
    errors: &'a [ErrorItem],
}

impl ApiError {
    /// A refusal with that code and what the client hears.
    #[must_use]
    pub fn new(code: &'static Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            reason: None,
            errors: Vec::new(),
            retry_after_ms: None,
            cause: None,
        }
    }

    /// A failure of the host itself: the client hears nothing of the cause.
    #[must_use]
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        let detail = "the request could not be completed; the server's log has the reason";
        Self { cause: Some(cause.into()), ..Self::new(&codes::INTERNAL, detail) }
    }

    /// The tenant has no such thing. The same for what another tenant has.
    #[must_use]
    pub fn not_found(kind: &str, name: &str) -> Self {
        Self::new(&codes::NOT_FOUND, format!("no {kind} \"{name}\""))
    }

    /// The same, telling when to come back.
    #[must_use]
    pub const fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// The same, with each place that is wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: impl IntoIterator<Item = ErrorItem>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// The same under a more telling code, where it has the general one for what is unacceptable.
    #[must_use]
    pub fn unacceptable_as(mut self, code: &'static Code) -> Self {
        if self.code == &codes::UNACCEPTABLE {
            self.code = code;
        }
        self
    }

    /// The response, with the id of the request that it answers.
    pub(crate) fn respond(&self, instance: Option<&str>) -> Response {
        let mut response = (self.code.status, Json(self.problem(instance))).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
        }
        if self.code.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    /// The body as one line, for where no response can be sent any more.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(&self.problem(None)).unwrap_or_default()
    }

    fn problem<'a>(&'a self, instance: Option<&'a str>) -> Problem<'a> {
        Problem {
            r#type: format!("{PAGES}{}.md", self.code.id),
            title: self.code.title,
            status: self.code.status.as_u16(),
            detail: &self.detail,
            code: self.code.id,
            instance,
            reason: self.reason,
            errors: &self.errors,
        }
    }

    /// The cause and its causes, for the log.
    pub(crate) fn causes(&self) -> String {
        let mut text = String::new();
        let mut next = self.cause.as_deref().map(|cause| cause as &dyn std::error::Error);
        while let Some(error) = next {
            let separator = if text.is_empty() { "" } else { ": " };
            text.push_str(separator);
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

/// The engine's name for a second use of an idempotency key.
const KEY_REUSED: &str = "idempotency_mismatch";

/// Whether the engine says by that name that it does not trust a plugin.
fn is_distrust(code: &str) -> bool {
    DistrustCode::ALL.iter().any(|distrust| distrust.as_str() == code)
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotFound { kind, name } => Self::not_found(kind, &name),
            EngineError::Invalid { code, message, details } => {
                let errors = details
                    .into_iter()
                    .map(|message| ErrorItem { message, ..ErrorItem::default() });
                let kind = match code {
                    KEY_REUSED => &codes::KEY_REUSED,
                    _ if is_distrust(code) => &codes::UNTRUSTED,
                    _ => &codes::UNACCEPTABLE,
                };
                Self { reason: Some(code), ..Self::new(kind, message) }.with_errors(errors)
            }
            EngineError::Conflict { code, message } => {
                let kind = match code {
                    "thread_busy" => &codes::THREAD_BUSY,
                    "thread_version" => &codes::THREAD_VERSION,
                    _ => &codes::CONFLICT,
                };
                Self { reason: Some(code), ..Self::new(kind, message) }
            }
            EngineError::Busy { message, retry_after_ms } => {
                Self::new(&codes::BUSY, message).retry_after_ms(retry_after_ms)
            }
            EngineError::Quota { quota, message, retry_after_ms } => {
                let over = Self::new(&codes::QUOTA, message).retry_after_ms(retry_after_ms);
                Self { reason: Some(quota), ..over }
            }
            EngineError::Host(cause) => Self::internal(cause),
        }
    }
}

/// The error travels with the response, so that the envelope can add the request id and log it.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.respond(None);
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(error: &ApiError, expected: &Expect) {
        let problem = serde_json::to_value(error.problem(None)).unwrap();
        expected.assert_eq(&format!("{problem:#}").replace(PAGES, "[pages]/"));
    }

    #[test]
    fn a_failure_of_the_host_tells_the_client_nothing_and_the_log_everything() {
        let cause = std::io::Error::other("disk /dev/sda1 is full");
        let error = ApiError::from(EngineError::Host(Box::new(cause)));
        check(
            &error,
            &expect![[r#"
                {
                  "code": "WF0500",
                  "detail": "the request could not be completed; the server's log has the reason",
                  "status": 500,
                  "title": "the server failed",
                  "type": "[pages]/WF0500.md"
                }"#]],
        );
        assert_eq!(error.causes(), "disk /dev/sda1 is full");
    }

    #[test]
    fn what_the_engine_finds_invalid_keeps_its_name_and_every_place() {
        let error = ApiError::from(EngineError::Invalid {
            code: "bad_input",
            message: "the input does not fit".into(),
            details: vec!["document: missing".into()],
        });
        check(
            &error,
            &expect![[r#"
                {
                  "code": "WF0422",
                  "detail": "the input does not fit",
                  "errors": [
                    {
                      "message": "document: missing"
                    }
                  ],
                  "reason": "bad_input",
                  "status": 422,
                  "title": "the request is not acceptable",
                  "type": "[pages]/WF0422.md"
                }"#]],
        );
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_rounded_up() {
        let error = ApiError::from(EngineError::Busy {
            message: "1,000 runs are live".into(),
            retry_after_ms: 1_001,
        });
        let response = error.respond(Some("req_1"));
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }

    #[test]
    fn a_reused_idempotency_key_has_a_code_of_its_own() {
        let error = ApiError::from(EngineError::Invalid {
            code: KEY_REUSED,
            message: "the key was used".into(),
            details: Vec::new(),
        });
        assert_eq!(error.code.id, "WF1003");
    }
}
