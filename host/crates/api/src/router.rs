//! The routes inside what is around every request.

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;

use crate::codes;
use crate::envelope::{envelope, panicked};
use crate::error::ApiError;
use crate::openapi;
use crate::routes::table;
use crate::state::{Api, ApiParts, Shared};

/// The whole API.
pub fn router(parts: ApiParts) -> Router {
    // Made now, so that no request waits for it.
    drop(openapi::text());
    let api: Api = Arc::new(Shared::new(parts));
    wrapped(table(&api), api)
}

/// The layers that go around: from the inside out, what catches a panic, then the envelope, which
/// has the last word on every response.
fn wrapped(routes: Router<Api>, api: Api) -> Router {
    routes
        .fallback(nothing_there)
        .method_not_allowed_fallback(no_such_method)
        .layer(api.parts.origins.layer())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&api), envelope))
        .with_state(api)
}

async fn nothing_there(uri: Uri) -> ApiError {
    ApiError::new(&codes::NOT_FOUND, format!("nothing is served at {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let detail = format!("{} does not serve {method}; the Allow header lists what", uri.path());
    ApiError::new(&codes::METHOD, detail)
}
