//! The document as it is served, and the page that shows it.
//!
//! The page is ours and small: Swagger UI would bring megabytes of assets, which its crate fetches
//! while it builds, and styles inside of elements, which a strict policy refuses. It asks nobody
//! but this server, and keeps the key that a person types in memory only.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::text;

/// What a browser may load for the page: its own script and style, and answers of this server.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether that route is the page itself, the only one to which [`PAGE_POLICY`] applies.
pub(crate) fn is_page(route: &str) -> bool {
    route == "/docs"
}

/// `GET /openapi.json`: this API, as OpenAPI 3.1.
pub(crate) async fn document() -> Response {
    sent("application/json", text())
}

/// `GET /docs`: a page to browse this API and to try it.
pub(crate) async fn page() -> Response {
    sent("text/html; charset=utf-8", include_str!("page/docs.html"))
}

/// `GET /docs/docs.js`: the script of that page.
pub(crate) async fn script() -> Response {
    sent("text/javascript; charset=utf-8", include_str!("page/docs.js"))
}

/// `GET /docs/docs.css`: the style of that page.
pub(crate) async fn style() -> Response {
    sent("text/css; charset=utf-8", include_str!("page/docs.css"))
}

fn sent(media_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
