//! Every route of the server with the least role that may call it: the one table.
//!
//! The router is built from the rows, so a handler without a row is served nowhere, and a row
//! cannot be written without saying who may call it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use futures::future::{Either, select};

use wforge_model::access::Noun;
use wforge_model::{Role, Scope};

use crate::auth::{Known, Principal, Standing, Unknown, authenticate, refusal};
use crate::envelope::{handled, join};
use crate::error::ApiError;
use crate::serve::Peer;
use crate::state::{Api, ApiParts};
use crate::{
    audit, blobs, bulk, codes, events, export, grants, health, inbound, interrupts, keys, kv,
    log_level, members, metrics, openapi, plugins, quarantine, replay, run_views, runs, schedules,
    secrets, steering, stream, system, tenants, thread_changes, threads, trust, usage, webhooks,
    workflow_views, workflows,
};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody who reaches the server.
    Open,
    /// A credential with this role or more, unless it was narrowed to other scopes.
    Role {
        /// The least role.
        least: Role,
        /// The scope.
        scope: Scope,
    },
}

/// One row of the table, as it can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`.
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

macro_rules! access {
    ($method:ident open) => {
        Access::Open
    };
    ($method:ident $role:ident $noun:ident) => {
        Access::Role {
            least: Role::$role,
            scope: Scope { noun: Noun::$noun, write: is_change(stringify!($method)) },
        }
    };
}

/// Whether requests with that method change something.
const fn is_change(method: &str) -> bool {
    !matches!(method.as_bytes(), b"GET")
}

macro_rules! rows {
    ($($method:ident $path:literal [$($access:tt)*] => $handler:path;)*) => {
        /// All routes.
        pub const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            access: access!($method $($access)*),
        }),*];

        fn rows() -> Vec<Row> {
            vec![$(Row {
                route: Route {
                    method: stringify!($method),
                    path: $path,
                    access: access!($method $($access)*),
                },
                served: on(MethodFilter::$method, $handler),
            }),*]
        }
    };
}

rows! {
    GET "/healthz" [open] => health::alive;
    GET "/readyz" [open] => health::ready;
    GET "/metrics" [open] => metrics::show;
    GET "/openapi.json" [open] => openapi::show_document;
    GET "/docs" [open] => openapi::show_page;
    GET "/docs/docs.js" [open] => openapi::show_script;
    GET "/docs/docs.css" [open] => openapi::show_style;
    GET "/v1/system" [Viewer System] => system::show;
    GET "/v1/system/log-level" [Platform System] => log_level::show;
    PUT "/v1/system/log-level" [Platform System] => log_level::put;
    GET "/v1/plugins" [Viewer Plugins] => plugins::list;
    POST "/v1/plugins" [Developer Plugins] => plugins::install;
    GET "/v1/plugins/{publisher}/{name}" [Viewer Plugins] => plugins::show;
    GET "/v1/plugins/{publisher}/{name}/versions" [Viewer Plugins] => plugins::versions;
    POST "/v1/plugins/{publisher}/{name}/use" [Developer Plugins] => quarantine::choose;
    GET "/v1/grants" [Viewer Grants] => grants::list;
    POST "/v1/grants" [Developer Grants] => grants::request;
    GET "/v1/grants/explain" [Viewer Grants] => grants::explain;
    POST "/v1/grants/{grant}/approve" [Admin Grants] => grants::approve;
    POST "/v1/grants/{grant}/deny" [Admin Grants] => grants::deny;
    POST "/v1/grants/{grant}/revoke" [Admin Grants] => grants::revoke;
    GET "/v1/blobs" [Viewer Runs] => blobs::list;
    POST "/v1/blobs" [Operator Runs] => blobs::keep;
    GET "/v1/blobs/{blob}" [Operator Runs] => blobs::read;
    POST "/v1/blobs/gc" [Admin Runs] => blobs::sweep;
    POST "/v1/components" [Developer Plugins] => plugins::admit;
    GET "/v1/components/{digest}" [Viewer Plugins] => plugins::show_component;
    POST "/v1/components/{digest}/quarantine" [Admin Plugins] => quarantine::put;
    POST "/v1/components/{digest}/release" [Admin Plugins] => quarantine::release;
    GET "/v1/quarantines" [Viewer Plugins] => quarantine::list;
    POST "/v1/components/{digest}/precompile" [Admin Plugins] => plugins::precompile;
    GET "/v1/workflows" [Viewer Workflows] => workflows::list;
    POST "/v1/workflows" [Developer Workflows] => workflows::register;
    POST "/v1/workflows/validate" [Developer Workflows] => workflows::validate;
    GET "/v1/workflows/{name}" [Viewer Workflows] => workflows::show;
    GET "/v1/workflows/{name}/versions" [Viewer Workflows] => workflow_views::versions;
    GET "/v1/workflows/{name}/graph" [Viewer Workflows] => workflow_views::graph;
    GET "/v1/workflows/{name}/schemas" [Viewer Workflows] => workflow_views::schemas;
    GET "/v1/runs" [Viewer Runs] => runs::list;
    POST "/v1/runs" [Operator Runs] => runs::start;
    POST "/v1/runs/cancel" [Operator Runs] => bulk::cancel;
    POST "/v1/runs/retry" [Operator Runs] => bulk::retry;
    GET "/v1/runs/{run}" [Viewer Runs] => runs::show;
    GET "/v1/runs/{run}/workflow" [Viewer Runs] => runs::workflow;
    GET "/v1/runs/{run}/events" [Viewer Runs] => events::stream;
    GET "/v1/runs/{run}/logs" [Viewer Runs] => run_views::logs;
    GET "/v1/runs/{run}/receipt" [Viewer Runs] => run_views::receipt;
    GET "/v1/runs/{run}/report" [Viewer Runs] => run_views::report;
    GET "/v1/runs/{run}/stream" [Viewer Runs] => stream::stream;
    POST "/v1/runs/{run}/resume" [Operator Runs] => steering::resume;
    POST "/v1/runs/{run}/cancel" [Operator Runs] => runs::cancel;
    POST "/v1/runs/{run}/pause" [Operator Runs] => steering::pause;
    POST "/v1/runs/{run}/continue" [Operator Runs] => steering::go_on;
    POST "/v1/runs/{run}/step" [Operator Runs] => steering::step;
    POST "/v1/runs/{run}/retry" [Operator Runs] => steering::retry;
    POST "/v1/runs/{run}/replay" [Operator Runs] => replay::replay;
    GET "/v1/runs/{run}/cassette" [Viewer Runs] => replay::cassette;
    GET "/v1/interrupts" [Viewer Runs] => interrupts::list;
    GET "/v1/interrupts/{interrupt}" [Viewer Runs] => interrupts::show;
    POST "/v1/interrupts/{interrupt}/answer" [Operator Runs] => interrupts::answer;
    POST "/v1/interrupts/{interrupt}/assign" [Operator Runs] => interrupts::assign;
    GET "/v1/kv/{space}" [Viewer Runs] => kv::list;
    GET "/v1/kv/{space}/{entry}" [Operator Runs] => kv::show;
    PUT "/v1/kv/{space}/{entry}" [Operator Runs] => kv::put;
    DELETE "/v1/kv/{space}/{entry}" [Operator Runs] => kv::remove;
    GET "/v1/threads" [Viewer Threads] => threads::list;
    GET "/v1/threads/{thread}" [Viewer Threads] => threads::show;
    GET "/v1/threads/{thread}/history" [Viewer Threads] => threads::history;
    GET "/v1/threads/{thread}/events" [Viewer Threads] => events::of_thread;
    POST "/v1/threads/{thread}/state" [Operator Threads] => thread_changes::update;
    POST "/v1/threads/{thread}/fork" [Operator Threads] => thread_changes::fork;
    POST "/v1/threads/{thread}/replay" [Operator Threads] => thread_changes::replay;
    POST "/v1/threads/{thread}/copy" [Operator Threads] => thread_changes::copy;
    POST "/v1/threads/{thread}/prune" [Operator Threads] => thread_changes::prune;
    POST "/v1/threads/{thread}/migrate" [Operator Threads] => thread_changes::migrate;
    GET "/v1/schedules" [Viewer Schedules] => schedules::list;
    POST "/v1/schedules" [Developer Schedules] => schedules::create;
    POST "/v1/schedules/preview" [Viewer Schedules] => schedules::preview;
    GET "/v1/schedules/{schedule}" [Viewer Schedules] => schedules::show;
    PUT "/v1/schedules/{schedule}" [Developer Schedules] => schedules::put;
    DELETE "/v1/schedules/{schedule}" [Developer Schedules] => schedules::remove;
    GET "/v1/schedules/{schedule}/next" [Viewer Schedules] => schedules::next;
    POST "/v1/schedules/{schedule}/pause" [Operator Schedules] => schedules::pause;
    POST "/v1/schedules/{schedule}/continue" [Operator Schedules] => schedules::go_on;
    POST "/v1/schedules/{schedule}/trigger" [Operator Schedules] => schedules::trigger;
    GET "/v1/usage" [Viewer System] => usage::show;
    GET "/v1/keys" [Admin Keys] => keys::list;
    POST "/v1/keys" [Admin Keys] => keys::add;
    POST "/v1/keys/{key}/rotate" [Admin Keys] => keys::rotate;
    POST "/v1/keys/{key}/revoke" [Admin Keys] => keys::revoke;
    GET "/v1/members" [Admin Members] => members::list;
    POST "/v1/members" [Admin Members] => members::put;
    POST "/v1/members/{subject}/remove" [Admin Members] => members::remove;
    GET "/v1/secrets" [Admin Secrets] => secrets::list;
    PUT "/v1/secrets/{secret}" [Admin Secrets] => secrets::put;
    DELETE "/v1/secrets/{secret}" [Admin Secrets] => secrets::remove;
    GET "/v1/webhooks" [Viewer Webhooks] => webhooks::list;
    POST "/v1/webhooks" [Admin Webhooks] => webhooks::add;
    GET "/v1/webhooks/{webhook}" [Viewer Webhooks] => webhooks::show;
    PUT "/v1/webhooks/{webhook}" [Admin Webhooks] => webhooks::put;
    DELETE "/v1/webhooks/{webhook}" [Admin Webhooks] => webhooks::remove;
    POST "/v1/webhooks/{webhook}/rotate" [Admin Webhooks] => webhooks::rotate;
    POST "/v1/webhooks/{webhook}/test" [Operator Webhooks] => webhooks::test;
    GET "/v1/webhooks/{webhook}/deliveries" [Viewer Webhooks] => webhooks::deliveries;
    GET "/v1/webhooks/{webhook}/deliveries/{delivery}" [Viewer Webhooks] => webhooks::delivery;
    POST "/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver" [Operator Webhooks]
        => webhooks::redeliver;
    GET "/v1/hooks" [Viewer Webhooks] => inbound::list;
    POST "/v1/hooks" [Admin Webhooks] => inbound::add;
    GET "/v1/hooks/{hook}" [Viewer Webhooks] => inbound::show;
    PUT "/v1/hooks/{hook}" [Admin Webhooks] => inbound::put;
    DELETE "/v1/hooks/{hook}" [Admin Webhooks] => inbound::remove;
    POST "/v1/hooks/{hook}/rotate" [Admin Webhooks] => inbound::rotate;
    POST "/v1/hooks/{hook}/url" [Admin Webhooks] => inbound::url;
    POST "/in/{hook}/{expires}/{signature}" [open] => inbound::post;
    GET "/v1/trust/keys" [Viewer Trust] => trust::list;
    POST "/v1/trust/keys" [Admin Trust] => trust::add;
    POST "/v1/trust/keys/{signer}/revoke" [Admin Trust] => trust::revoke;
    POST "/v1/trust/keys/{signer}/restore" [Admin Trust] => trust::restore;
    GET "/v1/trust/policy" [Viewer Trust] => trust::policy;
    POST "/v1/trust/policy" [Admin Trust] => trust::change_policy;
    POST "/v1/tokens/revoke" [Admin Members] => tenants::revoke_tokens;
    GET "/v1/audit" [Admin Audit] => audit::list;
    GET "/v1/audit/verify" [Admin Audit] => audit::verify;
    GET "/v1/export" [Admin Audit] => export::write;
    GET "/v1/platform/plugins" [Platform Tenants] => plugins::list_of_platform;
    POST "/v1/platform/plugins" [Platform Tenants] => plugins::install_for_platform;
    GET "/v1/platform/quarantines" [Platform Tenants] => quarantine::list_of_platform;
    POST "/v1/platform/components/{digest}/quarantine" [Platform Tenants]
        => quarantine::put_for_all;
    POST "/v1/platform/components/{digest}/release" [Platform Tenants]
        => quarantine::release_for_all;
    GET "/v1/tenants" [Platform Tenants] => tenants::list;
    POST "/v1/tenants" [Platform Tenants] => tenants::create;
    GET "/v1/tenants/{tenant}" [Platform Tenants] => tenants::show;
    POST "/v1/tenants/{tenant}/suspend" [Platform Tenants] => tenants::suspend;
    POST "/v1/tenants/{tenant}/resume" [Platform Tenants] => tenants::resume;
    POST "/v1/tenants/{tenant}/quotas" [Platform Tenants] => tenants::quotas;
    POST "/v1/tenants/{tenant}/plugins" [Platform Tenants] => tenants::plugins;
    POST "/v1/tenants/{tenant}/tokens/revoke" [Platform Tenants] => tenants::revoke_tokens;
    POST "/v1/tenants/{tenant}/erase" [Platform Tenants] => tenants::erase;
    GET "/v1/tenants/{tenant}/usage" [Platform Tenants] => usage::show;
    GET "/v1/tenants/{tenant}/export" [Platform Tenants] => export::write;
    POST "/v1/tenants/{tenant}/blobs/gc" [Platform Tenants] => blobs::sweep;
    GET "/v1/tenants/{tenant}/audit" [Platform Tenants] => audit::list;
    GET "/v1/tenants/{tenant}/audit/verify" [Platform Tenants] => audit::verify;
    GET "/v1/tenants/{tenant}/keys" [Platform Tenants] => keys::list;
    POST "/v1/tenants/{tenant}/keys" [Platform Tenants] => keys::add;
    POST "/v1/tenants/{tenant}/keys/{key}/rotate" [Platform Tenants] => keys::rotate;
    POST "/v1/tenants/{tenant}/keys/{key}/revoke" [Platform Tenants] => keys::revoke;
    GET "/v1/tenants/{tenant}/members" [Platform Tenants] => members::list;
    POST "/v1/tenants/{tenant}/members" [Platform Tenants] => members::put;
    POST "/v1/tenants/{tenant}/members/{subject}/remove" [Platform Tenants] => members::remove;
    GET "/v1/tenants/{tenant}/secrets" [Platform Tenants] => secrets::list;
    PUT "/v1/tenants/{tenant}/secrets/{secret}" [Platform Tenants] => secrets::put;
    DELETE "/v1/tenants/{tenant}/secrets/{secret}" [Platform Tenants] => secrets::remove;
    GET "/v1/tenants/{tenant}/trust/keys" [Platform Tenants] => trust::list;
    POST "/v1/tenants/{tenant}/trust/keys" [Platform Tenants] => trust::add;
    POST "/v1/tenants/{tenant}/trust/keys/{signer}/revoke" [Platform Tenants] => trust::revoke;
    POST "/v1/tenants/{tenant}/trust/keys/{signer}/restore" [Platform Tenants] => trust::restore;
    GET "/v1/tenants/{tenant}/trust/policy" [Platform Tenants] => trust::policy;
    POST "/v1/tenants/{tenant}/trust/policy" [Platform Tenants] => trust::change_policy;
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
    let Access::Role { least, scope } = access else {
        return Ok(handled(&api, request, next).await);
    };
    let principal = {
        // A request cannot be shared over an await, for its body cannot.
        let peer = request.extensions().get::<Peer>().copied();
        let (parts, body) = request.into_parts();
        let principal = identify(&api, &parts.headers, peer).await;
        request = Request::from_parts(parts, body);
        principal?
    };
    join(&api, request.headers());
    tracing::Span::current().record("tenant", principal.tenant.as_str());
    if api.parts.credentials.standing(&principal.tenant) == Standing::Suspended {
        let detail = "the tenant is suspended; whoever runs the server knows why";
        return Err(ApiError::new(&codes::SUSPENDED, detail));
    }
    principal.require(least, "this route")?;
    principal.require_scope(scope)?;
    api.rates.check(&principal.tenant, &api.parts.engine.quotas(&principal.tenant))?;
    let _permit = api.requests.enter(&principal.tenant)?;
    request.extensions_mut().insert(principal);

    let clock = &api.parts.clock;
    let end = clock.sleep_until(clock.now().after(api.parts.limits.request_timeout));
    match select(Box::pin(handled(&api, request, next)), end).await {
        Either::Left((response, _)) => Ok(response),
        Either::Right(((), _)) => {
            let detail = "the request was given up; what it changed, if anything, is kept";
            Err(ApiError::new(&codes::TIMEOUT, detail))
        }
    }
}

/// Who asks. Whoever is wrong about that too often is told to come back later.
async fn identify(
    api: &Api,
    headers: &HeaderMap,
    peer: Option<Peer>,
) -> Result<Principal, ApiError> {
    let ApiParts { credentials, pepper, tokens, clock, .. } = &api.parts;
    let known = Known { credentials: credentials.as_ref(), pepper, tokens: tokens.as_deref() };
    let Unknown { key_id } = match authenticate(headers, known, clock.now()).await {
        Ok(principal) => return Ok(principal),
        Err(unknown) => unknown,
    };
    let address = peer.map(|Peer(address)| address.ip());
    match api.failures.count(address, key_id.as_deref()) {
        None => Err(refusal()),
        Some(ms) => {
            let detail = "too many requests with a credential that is not valid; check it first";
            Err(ApiError::new(&codes::FAILURES, detail).retry_after_ms(ms))
        }
    }
}
