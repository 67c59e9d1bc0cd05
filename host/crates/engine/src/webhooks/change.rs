//! Webhooks are made, changed and removed. A secret is shown when it is made and never again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::warn;
use wforge_model::webhook::{HookEvent, OffReason, SwitchedOff, Webhook};
use wforge_model::{HookName, Labels, TenantId, Version, WorkflowRef};
use wforge_ports::store::{Change, Collection, Put};

use super::sign::HookSecrets;
use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::{Directory, Entry, invalid, living, to_value, within_storage, write};

/// Documents that are read or deleted at once.
const PAGE: usize = 256;

/// What a webhook becomes.
#[derive(Debug, Clone)]
pub struct WebhookPut {
    /// Its name.
    pub name: String,
    /// Where deliveries go.
    pub url: String,
    /// What it is told of.
    pub events: BTreeSet<HookEvent>,
    /// Runs of this workflow only.
    pub workflow: Option<String>,
    /// Runs that have all of these labels only.
    pub labels: Labels,
    /// Whether `run.completed` carries the run's output.
    pub include_output: bool,
    /// Whether anything is sent to it.
    pub active: bool,
    /// Whether it may not be there yet.
    pub is_new: bool,
}

/// A webhook, and its secret where one was made.
#[derive(Clone)]
pub struct WebhookMade {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// The secret with which deliveries are signed, for this once.
    pub secret: Option<String>,
}

/// Without the secret.
impl std::fmt::Debug for WebhookMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookMade").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// Makes a webhook, or changes what it is told and where.
pub(crate) async fn put_webhook(
    shared: &Shared,
    tenant: &TenantId,
    put: WebhookPut,
    by: &str,
) -> Result<WebhookMade, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    living(shared, tenant)?;
    within_storage(shared, tenant)?;
    let name: HookName = put.name.parse().map_err(|error| bad("bad_name", &error))?;
    let before = shared.webhooks.get(tenant, &name);
    let webhook = changed(shared, tenant, before.as_deref(), name, put, by)?;
    let secrets = before.is_none().then(|| HookSecrets::make(shared.parts.entropy.as_ref()));
    let also = secrets.as_ref().map(|secrets| secrets_put(&webhook.name, secrets)).transpose()?;
    let action = if before.is_some() { "webhook.put" } else { "webhook.create" };
    save(shared, tenant, &webhook, also, (action, webhook.name.to_string(), by)).await?;
    let secret = secrets.map(|secrets| secrets.text().to_owned());
    Ok(WebhookMade { webhook: known(shared, tenant, webhook), secret })
}

/// Knows it from now on, with what that means for what waits.
fn known(shared: &Shared, tenant: &TenantId, webhook: Webhook) -> Arc<Webhook> {
    let webhook = Arc::new(webhook);
    shared.webhooks.know(tenant, webhook.clone());
    if webhook.off.is_some() {
        shared.webhooks.queue().park_all(tenant, &webhook.name);
    } else {
        let now = shared.parts.clock.now();
        shared.webhooks.queue().unpark(tenant, &webhook.name, now);
        shared.webhooks.wake();
    }
    webhook
}

fn changed(
    shared: &Shared,
    tenant: &TenantId,
    before: Option<&Webhook>,
    name: HookName,
    put: WebhookPut,
    by: &str,
) -> Result<Webhook, EngineError> {
    let now = shared.parts.clock.now();
    if before.is_some() && put.is_new {
        return Err(EngineError::Conflict {
            code: "webhook_exists",
            message: format!("there is a webhook {name}; change it, or take another name"),
        });
    }
    let count_max = shared.options.webhooks.count_max;
    if before.is_none() && shared.webhooks.of(tenant).len() >= count_max {
        let message = format!(
            "the tenant has {count_max} webhooks, as many as it may (limits.webhooks.count_max): \
             remove one that nobody uses"
        );
        return Err(EngineError::Conflict { code: "too_many_webhooks", message });
    }
    let off = match before.and_then(|before| before.off) {
        _ if put.active => None,
        Some(off) => Some(off),
        None => Some(SwitchedOff { at: now, reason: OffReason::Asked }),
    };
    Ok(Webhook {
        name,
        url: checked_url(shared, &put.url)?,
        events: checked_events(put.events)?,
        workflow: put.workflow.map(checked_workflow).transpose()?,
        labels: put.labels,
        include_output: put.include_output,
        given_up_in_row: before.filter(|_| off.is_some()).map_or(0, |it| it.given_up_in_row),
        off,
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
        by: by.to_owned(),
    })
}

/// The URL as it is sent to. In production what is sent is encrypted.
fn checked_url(shared: &Shared, url: &str) -> Result<String, EngineError> {
    let url = shared.parts.posts.canonical(url);
    let url = url.map_err(|error| invalid("bad_url", format!("url: {error}")))?;
    if shared.options.production && !url.starts_with("https://") {
        return Err(invalid("bad_url", "url: in production it begins with https://"));
    }
    Ok(url)
}

fn checked_events(events: BTreeSet<HookEvent>) -> Result<BTreeSet<HookEvent>, EngineError> {
    if events.is_empty() || events.contains(&HookEvent::Ping) {
        let all = HookEvent::ALL.map(HookEvent::as_str).join(", ");
        return Err(invalid("bad_events", format!("events: name one or more of {all}")));
    }
    Ok(events)
}

pub(super) fn checked_workflow(name: String) -> Result<String, EngineError> {
    match name.parse::<WorkflowRef>() {
        Ok(parsed) if parsed.to_string() == name && !name.contains('@') => Ok(name),
        _ => Err(invalid("bad_workflow", "workflow: name one workflow, without a version")),
    }
}

/// Removes a webhook with its secrets and all that it was told.
pub(crate) async fn remove_webhook(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    by: &str,
) -> Result<Arc<Webhook>, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    let before = existing(shared, tenant, name)?;
    let secrets =
        Put { collection: Collection::HookSecrets, key: secrets_key(&before.name), value: None };
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Webhooks,
        key: before.name.to_string(),
        value: None,
        also: vec![secrets],
        action: "webhook.remove",
        resource: before.name.to_string(),
        by,
    };
    write(shared, entry).await?;
    shared.webhooks.forget_hook(tenant, &before.name);
    forget_deliveries(shared, tenant, &format!("{}/", before.name)).await?;
    Ok(before)
}

/// Deletes all deliveries whose keys begin so.
async fn forget_deliveries(
    shared: &Shared,
    tenant: &TenantId,
    prefix: &str,
) -> Result<(), EngineError> {
    loop {
        let store = &shared.parts.store;
        let page = store.documents(tenant, Collection::Deliveries, prefix, None, PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        let gone = |key| Put { collection: Collection::Deliveries, key, value: None };
        let change = Change {
            tenant: tenant.clone(),
            expected: None,
            puts: page.into_iter().map(|document| gone(document.key)).collect(),
            audit: Vec::new(),
            idempotent_reply: None,
        };
        let done = shared.parts.store.change(change).await;
        done.map_err(|error| EngineError::Host(Box::new(error)))?;
    }
}

/// Makes a new secret; the old one signs beside it for a while.
pub(crate) async fn rotate_webhook(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    by: &str,
) -> Result<WebhookMade, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    let webhook = existing(shared, tenant, name)?;
    let until = shared.parts.clock.now().after_ms(shared.options.webhooks.secret_overlap_ms);
    let before = secrets_of(shared, tenant, &webhook.name).await?;
    let secrets = before.rotated(shared.parts.entropy.as_ref(), until);
    let also = Some(secrets_put(&webhook.name, &secrets)?);
    save(shared, tenant, &webhook, also, ("webhook.rotate", name.to_owned(), by)).await?;
    Ok(WebhookMade { webhook, secret: Some(secrets.text().to_owned()) })
}

/// Notes how deliveries to a webhook go. One to which so many were given up one after the other is
/// switched off.
pub(super) async fn note_health(
    shared: &Shared,
    tenant: &TenantId,
    name: &HookName,
    arrived: bool,
) -> Result<(), EngineError> {
    let is_well = |hook: &Webhook| hook.given_up_in_row == 0;
    if arrived && shared.webhooks.get(tenant, name).is_none_or(|hook| is_well(&hook)) {
        return Ok(());
    }
    let row_max = shared.options.webhooks.given_up_in_row_max;
    let turn = shared.directory.changing.lock().await;
    let Some(before) = shared.webhooks.get(tenant, name) else { return Ok(()) };
    let given_up_in_row = if arrived { 0 } else { before.given_up_in_row.saturating_add(1) };
    let hook = Webhook { given_up_in_row, ..Webhook::clone(&before) };
    let put = Put {
        collection: Collection::Webhooks,
        key: hook.name.to_string(),
        value: Some(to_value(&hook)?),
    };
    let change = Change {
        tenant: tenant.clone(),
        expected: None,
        puts: vec![put],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    let done = shared.parts.store.change(change).await;
    done.map_err(|error| EngineError::Host(Box::new(error)))?;
    shared.webhooks.know(tenant, Arc::new(hook));
    drop(turn);
    if !arrived && row_max > 0 && given_up_in_row >= row_max {
        switch_off(shared, tenant, name, OffReason::Failing).await?;
    }
    Ok(())
}

/// The host sends nothing to it any more, until somebody switches it on.
pub(super) async fn switch_off(
    shared: &Shared,
    tenant: &TenantId,
    name: &HookName,
    reason: OffReason,
) -> Result<(), EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let found = shared.webhooks.get(tenant, name).filter(|hook| hook.off.is_none());
    let Some(before) = found else { return Ok(()) };
    let off = Some(SwitchedOff { at: shared.parts.clock.now(), reason });
    let hook = Webhook { off, ..Webhook::clone(&before) };
    let resource = format!("{name} {}", reason.as_str());
    save(shared, tenant, &hook, None, ("webhook.switch_off", resource, "host")).await?;
    known(shared, tenant, hook);
    shared.webhooks.counts.switched_off.fetch_add(1, Ordering::Relaxed);
    warn!(%tenant, webhook = %name, reason = reason.as_str(), "webhook switched off");
    Ok(())
}

/// The webhook of that name. What is no name is none of one either.
pub(crate) fn existing(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<Arc<Webhook>, EngineError> {
    let found = name.parse::<HookName>().ok().and_then(|name| shared.webhooks.get(tenant, &name));
    found.ok_or_else(|| EngineError::NotFound { kind: "webhook", name: name.to_owned() })
}

/// The secrets of a webhook.
pub(super) async fn secrets_of(
    shared: &Shared,
    tenant: &TenantId,
    name: &HookName,
) -> Result<HookSecrets, EngineError> {
    let store = &shared.parts.store;
    let found = store.document(tenant, Collection::HookSecrets, &secrets_key(name)).await?;
    let found = found.ok_or_else(|| EngineError::Host("a webhook has no secret".into()))?;
    serde_json::from_value(found.value).map_err(|error| EngineError::Host(Box::new(error)))
}

fn secrets_key(name: &HookName) -> String {
    format!("out/{name}")
}

fn secrets_put(name: &HookName, secrets: &HookSecrets) -> Result<Put, EngineError> {
    let (collection, key) = (Collection::HookSecrets, secrets_key(name));
    Ok(Put { collection, key, value: Some(to_value(secrets)?) })
}

async fn save(
    shared: &Shared,
    tenant: &TenantId,
    webhook: &Webhook,
    also: Option<Put>,
    (action, resource, by): (&'static str, String, &str),
) -> Result<(), EngineError> {
    let entry = Entry {
        tenant,
        expected: None::<Version>,
        collection: Collection::Webhooks,
        key: webhook.name.to_string(),
        value: Some(to_value(webhook)?),
        also: also.into_iter().collect(),
        action,
        resource,
        by,
    };
    write(shared, entry).await
}

fn bad(code: &'static str, error: &dyn std::fmt::Display) -> EngineError {
    invalid(code, error.to_string())
}
