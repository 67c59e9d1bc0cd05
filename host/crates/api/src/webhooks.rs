//! Webhooks of a tenant: made, changed, removed, tried; what they were told, and told once more.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wforge_engine::{WebhookMade, WebhookPut};
use wforge_model::webhook::{
    Delivery, DeliveryAttempt, DeliveryStatus, HookEvent, SwitchedOff, Webhook,
};
use wforge_model::{DeliveryId, HookName, Labels, Object, Role, RunId, Seq, Timestamp, Value};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, PathOf, QueryOf, named};
use crate::resource::{Page, PageQuery, Resource};
use crate::run_filter::labels_of;
use crate::state::Api;

/// What a webhook is told, and where: the body of [`add`], and of [`put`], which may leave out the
/// name.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookAdd)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Its name.
    name: String,
    /// Where deliveries go.
    url: String,
    /// What it is told of.
    #[schema(min_items = 1)]
    events: BTreeSet<HookEvent>,
    /// Runs of this workflow only.
    #[serde(default)]
    workflow: Option<String>,
    /// Runs that have all of these labels only.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Whether `run.completed` carries the run's output.
    #[serde(default)]
    include_output: bool,
    /// Whether anything is sent to it.
    #[serde(default = "yes")]
    active: bool,
}

/// What holds where nothing is said.
pub(crate) const fn yes() -> bool {
    true
}

/// A webhook without its secret, but in the answer that made one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookFields)]
pub(crate) struct ShownWebhook {
    name: HookName,
    /// Where deliveries go; of that only the host for whoever may not change workflows, since paths
    /// and queries of receivers are often secret.
    url: String,
    events: BTreeSet<HookEvent>,
    workflow: Option<String>,
    /// Labels that a run must have, all of them; empty: it is told of any.
    labels: Labels,
    include_output: bool,
    active: bool,
    /// Since when and why nothing is sent to it.
    off: Option<SwitchedOff>,
    created_at: Timestamp,
    updated_at: Timestamp,
    by: String,
    /// The secret: in the answer that made it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// One thing that a webhook is or was told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryFields)]
pub(crate) struct ShownDelivery {
    webhook: HookName,
    event: HookEvent,
    run: Option<RunId>,
    /// The place in the run's log.
    seq: Option<Seq>,
    at: Timestamp,
    status: DeliveryStatus,
    attempts_made: u32,
    /// The newest attempts.
    attempts: Vec<DeliveryAttempt>,
    next_at: Option<Timestamp>,
    /// What it is about, as it is sent; without output.
    data: Value,
}

/// The variable part of a path about one webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookPath {
    webhook: String,
}

/// The variable parts of a path about one delivery.
#[derive(Debug, Deserialize)]
pub(crate) struct DeliveryPath {
    webhook: String,
    delivery: String,
}

/// The query of [`deliveries`].
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// How many deliveries a page has at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only those that are `pending`, `delivered` or `given_up`.
    #[param(inline)]
    status: Option<DeliveryStatus>,
}

/// Lists the webhooks, by name.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownWebhook>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let webhooks = api.parts.engine.webhooks(&principal.tenant).await?;
    let items = webhooks.iter().map(|webhook| resource(webhook, &principal, None)).collect();
    Ok(Json(Page::of_whole(items, &at)))
}

/// Makes a webhook; its secret is in the answer, once.
pub(crate) async fn add(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(webhook): JsonOf<NewWebhook>,
) -> Result<Response, ApiError> {
    let put = WebhookPut { is_new: true, ..put_of(webhook)? };
    let (shown, _) = save(&api, &principal, put).await?;
    Ok(shown.respond(StatusCode::CREATED))
}

/// Shows a webhook.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(WebhookPath { webhook }): PathOf<WebhookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownWebhook>>, ApiError> {
    let found = api.parts.engine.webhook(&principal.tenant, &webhook).await?;
    Ok(Json(resource(&found, &principal, None)))
}

/// Changes a webhook, or makes it; only where it is made its secret is in the answer, once.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    PathOf(WebhookPath { webhook }): PathOf<WebhookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(fields): JsonOf<Object>,
) -> Result<Response, ApiError> {
    let put = put_of(named(fields, &webhook)?)?;
    let (shown, is_new) = save(&api, &principal, put).await?;
    Ok(shown.respond(if is_new { StatusCode::CREATED } else { StatusCode::OK }))
}

fn put_of(webhook: NewWebhook) -> Result<WebhookPut, ApiError> {
    let NewWebhook { name, url, events, workflow, labels, include_output, active } = webhook;
    let labels = labels_of(labels)?;
    Ok(WebhookPut { name, url, events, workflow, labels, include_output, active, is_new: false })
}

async fn save(
    api: &Api,
    principal: &Principal,
    put: WebhookPut,
) -> Result<(Resource<ShownWebhook>, bool), ApiError> {
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let put = async move { engine.put_webhook(&tenant, put, &by).await };
    let WebhookMade { webhook, secret } = api.whole(put).await?;
    let is_new = secret.is_some();
    Ok((resource(&webhook, principal, secret), is_new))
}

/// Removes a webhook with its secret and all that it was told.
pub(crate) async fn remove(
    State(api): State<Api>,
    principal: Principal,
    PathOf(WebhookPath { webhook }): PathOf<WebhookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownWebhook>>, ApiError> {
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let remove = async move { engine.remove_webhook(&tenant, &webhook, &by).await };
    let gone = api.whole(remove).await?;
    Ok(Json(resource(&gone, &principal, None)))
}

/// Makes a new secret, which is in the answer, once; the old one signs beside it for a while.
pub(crate) async fn rotate(
    State(api): State<Api>,
    principal: Principal,
    PathOf(WebhookPath { webhook }): PathOf<WebhookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownWebhook>>, ApiError> {
    let (engine, tenant, by) =
        (api.parts.engine.clone(), principal.tenant.clone(), principal.actor());
    let rotate = async move { engine.rotate_webhook(&tenant, &webhook, &by).await };
    let WebhookMade { webhook, secret } = api.whole(rotate).await?;
    Ok(Json(resource(&webhook, &principal, secret)))
}

/// Sends a ping; how it went is found at the delivery.
pub(crate) async fn test(
    State(api): State<Api>,
    principal: Principal,
    PathOf(WebhookPath { webhook }): PathOf<WebhookPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Response, ApiError> {
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let ping = async move { engine.ping_webhook(&tenant, &webhook).await };
    Ok(delivery_resource(api.whole(ping).await?).respond(StatusCode::ACCEPTED))
}

/// Lists what a webhook is and was told, the newest first.
pub(crate) async fn deliveries(
    State(api): State<Api>,
    principal: Principal,
    PathOf(WebhookPath { webhook }): PathOf<WebhookPath>,
    QueryOf(DeliveriesQuery { limit, cursor, status }): QueryOf<DeliveriesQuery>,
) -> Result<Json<Page<ShownDelivery>>, ApiError> {
    let at = PageQuery::of(limit, cursor).checked(&api.parts.limits)?;
    let cursor = at.cursor_as::<DeliveryId>()?;
    let all = api.parts.engine.deliveries(&principal.tenant, &webhook).await?;
    let is_meant = |delivery: &Delivery| {
        cursor.is_none_or(|cursor| delivery.id < cursor)
            && status.is_none_or(|status| delivery.status == status)
    };
    let items = all.into_iter().filter(is_meant).take(at.items_max + 1);
    Ok(Json(Page::cut(items.map(delivery_resource).collect(), at.items_max)))
}

/// Shows one delivery with its attempts.
pub(crate) async fn delivery(
    State(api): State<Api>,
    principal: Principal,
    PathOf(DeliveryPath { webhook, delivery }): PathOf<DeliveryPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownDelivery>>, ApiError> {
    let found = api.parts.engine.delivery(&principal.tenant, &webhook, &delivery).await?;
    Ok(Json(delivery_resource(found)))
}

/// Sends a delivery that has ended once more, under its own id.
pub(crate) async fn redeliver(
    State(api): State<Api>,
    principal: Principal,
    PathOf(DeliveryPath { webhook, delivery }): PathOf<DeliveryPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Response, ApiError> {
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let again = async move { engine.redeliver(&tenant, &webhook, &delivery).await };
    Ok(delivery_resource(api.whole(again).await?).respond(StatusCode::ACCEPTED))
}

fn resource(
    webhook: &Webhook,
    principal: &Principal,
    secret: Option<String>,
) -> Resource<ShownWebhook> {
    let (id, href) = (webhook.name.to_string(), href(&webhook.name));
    let sees_all = principal.require(Role::Developer, "").is_ok();
    let shown = ShownWebhook {
        name: webhook.name.clone(),
        url: if sees_all { webhook.url.clone() } else { origin(&webhook.url) },
        events: webhook.events.clone(),
        workflow: webhook.workflow.clone(),
        labels: webhook.labels.clone(),
        include_output: webhook.include_output,
        active: webhook.off.is_none(),
        off: webhook.off,
        created_at: webhook.created_at,
        updated_at: webhook.updated_at,
        by: webhook.by.clone(),
        secret,
    };
    Resource::new("webhook", id, href, shown)
}

fn href(name: &HookName) -> String {
    format!("/v1/webhooks/{name}")
}

/// Scheme and host of a canonical URL.
fn origin(url: &str) -> String {
    let rest = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(rest..).and_then(|it| it.find('/')).map_or(url.len(), |at| rest + at);
    format!("{}/…", url.get(..end).unwrap_or_default())
}

fn delivery_resource(delivery: Delivery) -> Resource<ShownDelivery> {
    let id = delivery.id.to_string();
    let href = format!("{}/deliveries/{id}", href(&delivery.webhook));
    let shown = ShownDelivery {
        webhook: delivery.webhook,
        event: delivery.event,
        run: delivery.run,
        seq: delivery.seq,
        at: delivery.at,
        status: delivery.status,
        attempts_made: delivery.attempts_made,
        attempts: delivery.attempts,
        next_at: delivery.next_at,
        data: delivery.data,
    };
    Resource::new("delivery", id, href, shown)
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn of_a_url_the_rest_may_be_secret() {
        assert_eq!(
            origin("https://hooks.example:8443/T0/B1?key=x"),
            "https://hooks.example:8443/…"
        );
        assert_eq!(origin("http://h/"), "http://h/…");
    }
}
