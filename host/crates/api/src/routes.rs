//! Every route of the server with the least role that may call it: the one table.
//!
//! The router is built from the rows, so a handler without a row is served nowhere, and a row
//! cannot be written without saying who may call it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use futures::future::{Either, select};

use crate::auth::{Role, authenticate};
use crate::error::ApiError;
use crate::state::Api;
use crate::{
    codes, events, health, interrupts, metrics, plugins, runs, steering, stream, system,
    thread_changes, threads, workflows,
};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody who reaches the server.
    Open,
    /// A credential with this role or more.
    Role(Role),
}

/// One row of the table, as it can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with its variable parts in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

struct Row {
    route: Route,
    served: MethodRouter<Api>,
}

macro_rules! rows {
    ($($method:ident $path:literal $access:expr => $handler:path;)*) => {
        /// All routes.
        pub const ROUTES: &[Route] =
            &[$(Route { method: stringify!($method), path: $path, access: $access }),*];

        fn rows() -> Vec<Row> {
            vec![$(Row {
                route: Route { method: stringify!($method), path: $path, access: $access },
                served: on(MethodFilter::$method, $handler),
            }),*]
        }
    };
}

const VIEWER: Access = Access::Role(Role::Viewer);
const OPERATOR: Access = Access::Role(Role::Operator);
const DEVELOPER: Access = Access::Role(Role::Developer);

rows! {
    GET "/healthz" Access::Open => health::alive;
    GET "/readyz" Access::Open => health::ready;
    GET "/metrics" Access::Open => metrics::show;
    GET "/v1/system" VIEWER => system::show;
    GET "/v1/plugins" VIEWER => plugins::list;
    POST "/v1/plugins" DEVELOPER => plugins::install;
    GET "/v1/plugins/{publisher}/{name}" VIEWER => plugins::show;
    POST "/v1/components" DEVELOPER => plugins::admit;
    GET "/v1/components/{digest}" VIEWER => plugins::show_component;
    GET "/v1/workflows" VIEWER => workflows::list;
    POST "/v1/workflows" DEVELOPER => workflows::register;
    GET "/v1/workflows/{name}" VIEWER => workflows::show;
    GET "/v1/runs" VIEWER => runs::list;
    POST "/v1/runs" OPERATOR => runs::start;
    GET "/v1/runs/{run}" VIEWER => runs::show;
    GET "/v1/runs/{run}/workflow" VIEWER => runs::workflow;
    GET "/v1/runs/{run}/events" VIEWER => events::stream;
    GET "/v1/runs/{run}/stream" VIEWER => stream::stream;
    POST "/v1/runs/{run}/resume" OPERATOR => runs::resume;
    POST "/v1/runs/{run}/cancel" OPERATOR => runs::cancel;
    POST "/v1/runs/{run}/pause" OPERATOR => steering::pause;
    POST "/v1/runs/{run}/continue" OPERATOR => steering::go_on;
    POST "/v1/runs/{run}/retry" OPERATOR => steering::retry;
    GET "/v1/interrupts" VIEWER => interrupts::list;
    GET "/v1/threads" VIEWER => threads::list;
    GET "/v1/threads/{thread}" VIEWER => threads::show;
    GET "/v1/threads/{thread}/history" VIEWER => threads::history;
    POST "/v1/threads/{thread}/state" OPERATOR => thread_changes::update;
    POST "/v1/threads/{thread}/fork" OPERATOR => thread_changes::fork;
    POST "/v1/threads/{thread}/replay" OPERATOR => thread_changes::replay;
    POST "/v1/threads/{thread}/copy" OPERATOR => thread_changes::copy;
    POST "/v1/threads/{thread}/prune" OPERATOR => thread_changes::prune;
    POST "/v1/threads/{thread}/migrate" OPERATOR => thread_changes::migrate;
}

/// A router of all rows, each behind the check of its role.
pub(crate) fn table(api: &Api) -> Router<Api> {
    rows().into_iter().fold(Router::new(), |router, Row { route, served }| {
        let check = from_fn_with_state((Arc::clone(api), route.access), admit);
        router.route(route.path, served.route_layer(check))
    })
}

/// Lets a request through to its handler if its credential may call it and the tenant's share of
/// requests is not used up, and ends it when it takes longer than any may.
async fn admit(
    State((api, access)): State<(Api, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Access::Role(least) = access else {
        return Ok(next.run(request).await);
    };
    let clock = &api.parts.clock;
    let principal = authenticate(request.headers(), api.parts.credentials.as_ref(), clock.now())?;
    tracing::Span::current().record("tenant", principal.tenant.as_str());
    principal.require(least, "this route")?;
    let _permit = api.requests.enter(&principal.tenant)?;
    request.extensions_mut().insert(principal);

    let end = clock.sleep_until(clock.now().after(api.parts.limits.request_timeout));
    match select(Box::pin(next.run(request)), end).await {
        Either::Left((response, _)) => Ok(response),
        Either::Right(((), _)) => {
            let detail = "the request was given up; what it changed, if anything, is kept";
            Err(ApiError::new(&codes::TIMEOUT, detail))
        }
    }
}
