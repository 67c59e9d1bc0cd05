//! Inbound webhooks: made, changed, removed, given URLs; and posts to those URLs.
//!
//! Whoever posts has no credential but the URL. What is not valid is answered with one and the
//! same 404, and what is refused says nothing of the tenant; its audit log has the reason.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use wforge_engine::{
    EngineError, Idempotency, InboundMade, InboundPut, OpenedHook, PostedSignature, PostedUrl,
};
use wforge_model::inbound::{BodySignature, InboundAction, InboundHook};
use wforge_model::{HookName, Object, RunId, Timestamp, Value};

use crate::auth::{Principal, hex};
use crate::body::{self, BodyLimit};
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, JsonOrNothing, NoQuery, PathOf, QueryOf, named};
use crate::resource::{Page, PageQuery, Resource};
use crate::serve::Peer;
use crate::state::{Api, Shared};

/// Headers under which senders name what they send, the same when they send it again.
const SENT_AS: [&str; 3] = ["webhook-id", "x-github-delivery", "idempotency-key"];

/// What an inbound webhook does: the body of [`add`], and of [`put`], which may leave out the name.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = HookAdd)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHook {
    /// Its name.
    name: String,
    /// What a post does: it starts a run, or answers a question.
    action: InboundAction,
    /// How bodies are signed: `none`, `standard` or `github`.
    #[serde(default)]
    verify: BodySignature,
    /// The secret of whoever signs; without it one is made.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    secret: Value,
    /// Whether posts are taken.
    #[serde(default = "crate::webhooks::yes")]
    active: bool,
}

/// The body of [`url`].
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = HookUrlAsk)]
#[serde(deny_unknown_fields)]
pub(crate) struct UrlBody {
    /// How long it is good, in milliseconds; none: until the hook is rotated or removed.
    #[serde(default)]
    ttl_ms: Option<u64>,
}

/// An inbound webhook without its secrets, but in the answer that made one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HookFields)]
pub(crate) struct ShownHook {
    name: HookName,
    action: InboundAction,
    verify: BodySignature,
    active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    by: String,
    /// The secret with which bodies are to be signed: in the answer that made it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Where a hook can be posted to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HookUrlFields)]
pub(crate) struct HookUrl {
    /// The path, after the server's own address. Whoever has it may post.
    path: String,
    /// When it ends; none: when the hook is rotated or removed.
    expires_at: Option<Timestamp>,
}

/// What whoever posted hears.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PostAccepted)]
pub(crate) struct Accepted {
    accepted: bool,
    /// The run that was started or goes on.
    run: RunId,
}

/// The variable part of a path about one hook.
#[derive(Debug, Deserialize)]
pub(crate) struct HookPath {
    hook: String,
}

/// The variable parts of a URL that is posted to.
#[derive(Debug, Deserialize)]
pub(crate) struct PostPath {
    hook: String,
    expires: String,
    signature: String,
}

/// Lists the inbound webhooks, by name.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownHook>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let hooks = api.parts.engine.hooks(&principal.tenant).await?;
    let items = hooks.iter().map(|hook| resource(hook, None)).collect();
    Ok(Json(Page::of_whole(items, &at)))
}

/// Makes an inbound webhook; where bodies are to be signed and no secret is given, one is in the
/// answer, once.
pub(crate) async fn add(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(hook): JsonOf<NewHook>,
) -> Result<Response, ApiError> {
    let put = InboundPut { is_new: true, ..put_of(hook)? };
    Ok(save(&api, &principal, put).await?.respond(StatusCode::CREATED))
}

/// Shows an inbound webhook.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(HookPath { hook }): PathOf<HookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownHook>>, ApiError> {
    let found = api.parts.engine.hook(&principal.tenant, &hook).await?;
    Ok(Json(resource(&found, None)))
}

/// Changes an inbound webhook, or makes it. URLs of another workflow, run or question are good for
/// nothing from then on.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    PathOf(HookPath { hook }): PathOf<HookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(fields): JsonOf<Object>,
) -> Result<Json<Resource<ShownHook>>, ApiError> {
    save(&api, &principal, put_of(named(fields, &hook)?)?).await.map(Json)
}

/// The secret is looked at here, since a parser's message would repeat one that is no text.
fn put_of(hook: NewHook) -> Result<InboundPut, ApiError> {
    let NewHook { name, action, verify, secret, active } = hook;
    let secret = match secret {
        Value::Null => None,
        Value::String(text) => Some(text),
        _ => return Err(ApiError::new(&codes::UNACCEPTABLE, "\"secret\" is a text")),
    };
    Ok(InboundPut { name, action, verify, secret, active, is_new: false })
}

async fn save(
    api: &Api,
    principal: &Principal,
    put: InboundPut,
) -> Result<Resource<ShownHook>, ApiError> {
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let put = async move { engine.put_hook(&tenant, put, &by).await };
    let InboundMade { hook, secret } = api.whole(put).await?;
    Ok(resource(&hook, secret))
}

/// Removes an inbound webhook; its URLs are good for nothing.
pub(crate) async fn remove(
    State(api): State<Api>,
    principal: Principal,
    PathOf(HookPath { hook }): PathOf<HookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownHook>>, ApiError> {
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let remove = async move { engine.remove_hook(&tenant, &hook, &by).await };
    let gone = api.whole(remove).await?;
    Ok(Json(resource(&gone, None)))
}

/// Makes new secrets: all URLs of before are good for nothing.
pub(crate) async fn rotate(
    State(api): State<Api>,
    principal: Principal,
    PathOf(HookPath { hook }): PathOf<HookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownHook>>, ApiError> {
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let rotate = async move { engine.rotate_hook(&tenant, &hook, &by).await };
    let InboundMade { hook, secret } = api.whole(rotate).await?;
    Ok(Json(resource(&hook, secret)))
}

/// Makes a URL to which somebody can post without a credential.
pub(crate) async fn url(
    State(api): State<Api>,
    principal: Principal,
    PathOf(HookPath { hook }): PathOf<HookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(UrlBody { ttl_ms }): JsonOrNothing<UrlBody>,
) -> Result<Json<Resource<HookUrl>>, ApiError> {
    let expires_at = ttl_ms.map(|ms| api.parts.clock.now().after_ms(ms));
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let name = hook.clone();
    let made = async move { engine.hook_url(&tenant, &name, expires_at, &by).await };
    let path = api.whole(made).await?;
    let href = format!("/v1/hooks/{hook}");
    Ok(Json(Resource::new("hook_url", hook, href, HookUrl { path, expires_at })))
}

fn resource(hook: &InboundHook, secret: Option<String>) -> Resource<ShownHook> {
    let (id, href) = (hook.name.to_string(), format!("/v1/hooks/{}", hook.name));
    let shown = ShownHook {
        name: hook.name.clone(),
        action: hook.action.clone(),
        verify: hook.verify,
        active: hook.active,
        created_at: hook.created_at,
        updated_at: hook.updated_at,
        by: hook.by.clone(),
        secret,
    };
    Resource::new("hook", id, href, shown)
}

/// Takes a post to a signed URL: starts a run, or answers a question.
pub(crate) async fn post(
    State(api): State<Api>,
    peer: Option<Extension<Peer>>,
    PathOf(PostPath { hook, expires, signature }): PathOf<PostPath>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let url = PostedUrl { id: &hook, expires: &expires, signature: &signature };
    let Some(opened) = api.parts.engine.open_hook(url).await? else {
        return Err(unknown(&api, peer.map(|Extension(peer)| peer)));
    };
    tracing::Span::current().record("tenant", opened.tenant.as_str());
    api.hook_rates.check(opened.hook.id)?;
    let _permit = api.requests.enter(&opened.tenant)?;
    let limits = &api.parts.limits;
    let limit = BodyLimit { bytes_max: limits.json_bytes_max, timeout: limits.body_timeout };
    let bytes = body::read(&headers, body, limit, api.parts.clock.as_ref()).await?;
    if !opened.is_signed(signature_of(&headers), &bytes, api.parts.clock.now()) {
        api.parts.engine.note_post(&opened, "bad_body_signature").await;
        return Err(unknown(&api, None));
    }
    let Ok(value) = body::parse::<Value>(&bytes, limits.json_depth_max) else {
        api.parts.engine.note_post(&opened, "bad_body").await;
        return Err(refused("the body is no JSON, or nests too deep"));
    };
    let idempotency = idempotency(&api, &opened, &headers, &bytes);
    let engine = api.parts.engine.clone();
    let take = async move { Ok(engine.take_post(&opened, value, idempotency).await) };
    let run = api.whole(take).await?.map_err(told)?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: true, run })).into_response())
}

/// One answer for all that is not valid. Whoever tries too often is told to come back later.
fn unknown(api: &Shared, peer: Option<Peer>) -> ApiError {
    match api.failures.count(peer.map(|Peer(address)| address.ip()), None) {
        None => ApiError::new(&codes::NOT_FOUND, "nothing takes posts here"),
        Some(ms) => {
            let detail = "too many posts to URLs that are not valid; check the URL first";
            ApiError::new(&codes::FAILURES, detail).retry_after_ms(ms)
        }
    }
}

fn refused(detail: &str) -> ApiError {
    ApiError::new(&codes::UNACCEPTABLE, detail)
}

/// What whoever posted hears of a refusal: that the body does not fit, that it comes too late, or
/// when to come back.
fn told(error: EngineError) -> ApiError {
    match error {
        EngineError::Invalid { .. } => refused("the body does not fit what is taken here"),
        // The question was answered, the run has ended, the workflow is gone, the tenant stands
        // still.
        EngineError::NotFound { .. } | EngineError::Conflict { .. } => {
            ApiError::new(&codes::NOT_FOUND, "nothing takes posts here")
        }
        EngineError::Busy { retry_after_ms, .. } | EngineError::Quota { retry_after_ms, .. } => {
            ApiError::new(&codes::BUSY, "not now; come back later").retry_after_ms(retry_after_ms)
        }
        EngineError::Host(cause) => ApiError::internal(cause),
    }
}

fn signature_of(headers: &HeaderMap) -> PostedSignature<'_> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    PostedSignature {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        standard: text("webhook-signature"),
        github: text("x-hub-signature-256"),
    }
}

/// What was posted before under the same name is done once.
fn idempotency(
    api: &Shared,
    opened: &OpenedHook,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Idempotency> {
    let limits = &api.parts.limits;
    let visible = |text: &&str| {
        (1..=limits.idempotency_key_bytes_max).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let named = |name: &&str| headers.get(*name)?.to_str().ok().filter(visible);
    let key = SENT_AS.iter().find_map(named)?;
    Some(Idempotency {
        key: format!("in/{}/{key}", opened.hook.id),
        fingerprint: hex(&Sha256::digest(body)),
        expires_at: api.parts.clock.now().after(limits.idempotency_ttl),
    })
}
