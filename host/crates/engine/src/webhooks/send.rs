//! Sends what waits: one visible loop, and one task for each attempt.
//!
//! An attempt that nobody heard the end of is made again: deliveries arrive once or more often,
//! always under the same id.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{Instrument as _, debug, error, info_span, warn};
use wforge_model::event::EventKind;
use wforge_model::webhook::{
    Delivery, DeliveryAttempt, DeliveryStatus, HookEvent, OffReason, Webhook, delivery_key,
};
use wforge_model::{DeliveryId, Object, Seq, TenantId, Timestamp, Value};
use wforge_ports::posts::{Post, PostError, Posted};
use wforge_ports::store::{Change, Collection, Put};

use super::change::{note_health, secrets_of, switch_off};
use super::outbox::thin;
use super::queue::{Place, Room, Waits};
use super::sign::seconds;
use crate::load::load_run;
use crate::request::EngineError;
use crate::service::Shared;

/// Deliveries read at once.
const PAGE: usize = 256;
/// When the host itself failed at an attempt, the next one comes after so many milliseconds.
const HOST_RETRY_MS: u64 = 30_000;
/// The answer that says: never again.
const GONE: u16 = 410;

/// Reads what waits, and sends it until the process stops.
pub(crate) fn at_work(shared: &Arc<Shared>) {
    let (all, shutdown) = (shared.clone(), shared.shutdown.clone());
    let work = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work(&all) => {}
        }
    };
    shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
}

async fn work(shared: &Arc<Shared>) {
    load_all(shared).await;
    let limits = &shared.options.webhooks;
    let room = Room { of_tenant: limits.at_once_max, of_all: limits.total_at_once_max };
    loop {
        turn_off_crowded(shared).await;
        let now = shared.parts.clock.now();
        let is_open = |tenant: &TenantId| shared.directory.is_open(tenant);
        let (taken, next) = {
            let mut queue = shared.webhooks.queue();
            (queue.take(now, room, is_open), queue.next_due(now))
        };
        for place in taken {
            let span = info_span!("delivery", tenant = %place.tenant, id = %place.id);
            let work = attempt(shared.clone(), place).instrument(span);
            shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
        }
        let wake = async {
            match next {
                Some(at) => shared.parts.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.webhooks.changed.notified() => {}
            () = wake => {}
        }
    }
}

async fn turn_off_crowded(shared: &Shared) {
    let crowded = {
        let mut crowded = shared.webhooks.crowded.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *crowded)
    };
    for (tenant, name) in crowded {
        let off = switch_off(shared, &tenant, &name, OffReason::TooManyPending).await;
        if let Err(error) = off {
            warn!(%tenant, webhook = %name, %error, "a webhook cannot be switched off");
        }
    }
}

/// What a process before this one had not sent. What commits add meanwhile is known already.
async fn load_all(shared: &Shared) {
    let tenants = {
        let hooks = shared.webhooks.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.keys().cloned().collect::<Vec<_>>()
    };
    for tenant in tenants {
        if let Err(error) = load_tenant(shared, &tenant).await {
            error!(%tenant, %error, "deliveries cannot be read; they are sent after a restart");
        }
    }
}

async fn load_tenant(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    let (mut after, mut orphans) = (None::<String>, Vec::new());
    loop {
        let store = &shared.parts.store;
        let after_key = after.as_deref();
        let page = store.documents(tenant, Collection::Deliveries, "", after_key, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.key.clone());
        for document in page {
            let read = serde_json::from_value::<Delivery>(document.value);
            let delivery = read.map_err(|error| EngineError::Host(Box::new(error)))?;
            if !load_one(shared, tenant, &delivery) {
                orphans.push(document.key);
            }
        }
        if is_last {
            break;
        }
    }
    for key in orphans {
        delete(shared, tenant, key).await?;
    }
    Ok(())
}

/// Whether its webhook is still there.
fn load_one(shared: &Shared, tenant: &TenantId, delivery: &Delivery) -> bool {
    let Some(hook) = shared.webhooks.get(tenant, &delivery.webhook) else { return false };
    let (tenant, id) = (tenant.clone(), delivery.id);
    let place = Place { tenant, hook: delivery.webhook.clone(), id };
    let mut queue = shared.webhooks.queue();
    match (delivery.status, delivery.next_at) {
        (DeliveryStatus::Pending, next_at) => {
            let due = next_at.unwrap_or(delivery.at);
            queue.add(Waits { place: place.clone(), run: delivery.run.zip(delivery.seq), due });
            if hook.off.is_some() {
                queue.park_all(&place.tenant, &place.hook);
            }
        }
        (DeliveryStatus::Delivered | DeliveryStatus::GivenUp, _) => queue.add_ended(place),
    }
    true
}

/// What comes after an attempt.
enum Next {
    /// Another one.
    At(Timestamp),
    /// Its webhook is off: it waits until that is on again.
    Parked,
    /// It has ended; those go that are kept no longer.
    Ended(Vec<DeliveryId>),
    /// There is no such delivery, or its webhook is gone.
    Gone,
}

async fn attempt(shared: Arc<Shared>, place: Place) {
    // Before it is asked whether the tenant stands still: whoever has it stand still says so first
    // and cancels this afterwards.
    let stop = shared.stop_of(&place.tenant);
    // It is found again at the next start, or when the tenant goes on.
    let waits = || Ok(Next::At(shared.parts.clock.now()));
    let next = if shared.directory.is_open(&place.tenant) {
        tokio::select! {
            () = stop.cancelled() => waits(),
            next = once(&shared, &place) => next,
        }
    } else {
        waits()
    };
    let next = next.unwrap_or_else(|error| {
        warn!(webhook = %place.hook, %error, "a delivery could not be attempted");
        Next::At(shared.parts.clock.now().after_ms(HOST_RETRY_MS))
    });
    let mut queue = shared.webhooks.queue();
    match next {
        Next::At(due) => queue.again(&place, due),
        Next::Parked => queue.park(&place),
        Next::Ended(gone) => {
            queue.end(&place);
            for id in gone {
                queue.remove(&Place { id, ..place.clone() });
            }
        }
        Next::Gone => queue.remove(&place),
    }
    drop(queue);
    shared.webhooks.wake();
}

async fn once(shared: &Shared, place: &Place) -> Result<Next, EngineError> {
    let Place { tenant, hook, id } = place;
    let key = delivery_key(hook, *id);
    let found = shared.parts.store.document(tenant, Collection::Deliveries, &key).await?;
    let Some(found) = found else { return Ok(Next::Gone) };
    let delivery = serde_json::from_value::<Delivery>(found.value);
    let mut delivery = delivery.map_err(|error| EngineError::Host(Box::new(error)))?;
    let Some(webhook) = shared.webhooks.get(tenant, hook) else {
        delete(shared, tenant, key).await?;
        return Ok(Next::Gone);
    };
    if webhook.off.is_some() {
        return Ok(Next::Parked);
    }
    if delivery.status != DeliveryStatus::Pending {
        return Ok(Next::Ended(Vec::new()));
    }
    let (began, began_ns) = (shared.parts.clock.now(), shared.parts.clock.monotonic_ns());
    let post = post(shared, tenant, &webhook, &delivery).await?;
    let answer = shared.parts.posts.send(tenant, post).await;
    if shared.webhooks.get(tenant, hook).is_none() {
        // It was removed meanwhile, and with it all that it was told.
        return Ok(Next::Gone);
    }
    if let Err(PostError::Resting { retry_after_ms }) = answer {
        return rest(shared, tenant, delivery, retry_after_ms).await;
    }
    let elapsed_ns = shared.parts.clock.monotonic_ns().saturating_sub(began_ns);
    delivery.note(attempt_of(began, elapsed_ns / 1_000_000, &answer));
    settle(shared, place, delivery, &answer).await
}

fn attempt_of(
    at: Timestamp,
    elapsed_ms: u64,
    answer: &Result<Posted, PostError>,
) -> DeliveryAttempt {
    let (status, error) = match answer {
        Ok(posted) => (Some(posted.status), None),
        Err(error) => (None, Some(error.to_string())),
    };
    DeliveryAttempt { at, elapsed_ms, status, error }
}

/// Nothing was sent, so it counts for nothing; but a day passes all the same.
async fn rest(
    shared: &Shared,
    tenant: &TenantId,
    mut delivery: Delivery,
    retry_after_ms: u64,
) -> Result<Next, EngineError> {
    let next = shared.parts.clock.now().after_ms(retry_after_ms);
    if next <= delivery.since.after_ms(shared.options.webhooks.give_up_ms) {
        return Ok(Next::At(next));
    }
    delivery.status = DeliveryStatus::GivenUp;
    let place = Place { tenant: tenant.clone(), hook: delivery.webhook.clone(), id: delivery.id };
    ended(shared, &place, delivery).await
}

/// What follows from an answer, durable on return.
async fn settle(
    shared: &Shared,
    place: &Place,
    mut delivery: Delivery,
    answer: &Result<Posted, PostError>,
) -> Result<Next, EngineError> {
    let counts = &shared.webhooks.counts;
    let retry_after_ms = match answer {
        Ok(Posted { status: 200..=299, .. }) => {
            delivery.status = DeliveryStatus::Delivered;
            return ended(shared, place, delivery).await;
        }
        Ok(Posted { status: GONE, .. }) => {
            counts.failed.fetch_add(1, Ordering::Relaxed);
            delivery.status = DeliveryStatus::GivenUp;
            let next = ended(shared, place, delivery).await?;
            switch_off(shared, &place.tenant, &place.hook, OffReason::Gone).await?;
            return Ok(next);
        }
        Ok(Posted { retry_after_ms, .. }) => *retry_after_ms,
        Err(PostError::Invalid(_)) => {
            counts.failed.fetch_add(1, Ordering::Relaxed);
            delivery.status = DeliveryStatus::GivenUp;
            return ended(shared, place, delivery).await;
        }
        Err(PostError::Resting { .. } | PostError::Failed(_)) => None,
    };
    counts.failed.fetch_add(1, Ordering::Relaxed);
    let (limits, now) = (&shared.options.webhooks, shared.parts.clock.now());
    let wait_ms = limits.wait_ms(delivery.id, delivery.attempts_since);
    let asked_ms = retry_after_ms.map_or(0, |ms| ms.min(limits.retry_max_ms));
    let next = now.after_ms(wait_ms.max(asked_ms));
    if next > delivery.since.after_ms(limits.give_up_ms) {
        delivery.status = DeliveryStatus::GivenUp;
        return ended(shared, place, delivery).await;
    }
    delivery.next_at = Some(next);
    save(shared, &place.tenant, &delivery, &[]).await?;
    Ok(Next::At(next))
}

async fn ended(
    shared: &Shared,
    place: &Place,
    mut delivery: Delivery,
) -> Result<Next, EngineError> {
    let arrived = delivery.status == DeliveryStatus::Delivered;
    delivery.next_at = None;
    let gone = shared.webhooks.queue().excess(place, shared.options.webhooks.kept_max);
    save(shared, &place.tenant, &delivery, &gone).await?;
    let counts = &shared.webhooks.counts;
    let count = if arrived { &counts.delivered } else { &counts.given_up };
    count.fetch_add(1, Ordering::Relaxed);
    let status = delivery.status.as_str();
    debug!(webhook = %place.hook, status, attempts = delivery.attempts_made, "delivery ended");
    note_health(shared, &place.tenant, &place.hook, arrived).await?;
    Ok(Next::Ended(gone))
}

/// Writes how a delivery stands, and deletes those that are kept no longer.
async fn save(
    shared: &Shared,
    tenant: &TenantId,
    delivery: &Delivery,
    gone: &[DeliveryId],
) -> Result<(), EngineError> {
    let value = serde_json::to_value(delivery).map_err(|it| EngineError::Host(Box::new(it)))?;
    let put = |key, value| Put { collection: Collection::Deliveries, key, value };
    let mut puts = vec![put(delivery.key(), Some(value))];
    puts.extend(gone.iter().map(|id| put(delivery_key(&delivery.webhook, *id), None)));
    write(shared, tenant, puts).await
}

async fn delete(shared: &Shared, tenant: &TenantId, key: String) -> Result<(), EngineError> {
    write(shared, tenant, vec![Put { collection: Collection::Deliveries, key, value: None }]).await
}

pub(super) async fn write(
    shared: &Shared,
    tenant: &TenantId,
    puts: Vec<Put>,
) -> Result<(), EngineError> {
    let tenant = tenant.clone();
    let change = Change { tenant, expected: None, puts, audit: Vec::new(), idempotent_reply: None };
    let done = shared.parts.store.change(change).await;
    done.map(drop).map_err(|error| EngineError::Host(Box::new(error)))
}

/// The signed post.
async fn post(
    shared: &Shared,
    tenant: &TenantId,
    webhook: &Webhook,
    delivery: &Delivery,
) -> Result<Post, EngineError> {
    let secrets = secrets_of(shared, tenant, &webhook.name).await?;
    let body = body(shared, tenant, webhook, delivery).await?;
    let (id, now) = (delivery.id.to_string(), shared.parts.clock.now());
    let signature = secrets.sign(&id, now, &body);
    let headers = vec![
        ("webhook-id".to_owned(), id),
        ("webhook-timestamp".to_owned(), seconds(now).to_string()),
        ("webhook-signature".to_owned(), signature),
    ];
    let timeout = Duration::from_millis(shared.options.webhooks.timeout_ms);
    Ok(Post { url: webhook.url.clone(), headers, body, timeout })
}

async fn body(
    shared: &Shared,
    tenant: &TenantId,
    webhook: &Webhook,
    delivery: &Delivery,
) -> Result<Vec<u8>, EngineError> {
    let bytes_max = shared.options.webhooks.body_bytes_max;
    let mut data = delivery.data.clone();
    if webhook.include_output
        && delivery.event == HookEvent::RunCompleted
        && let Some(fields) = data.as_object_mut()
    {
        let output = output(shared, tenant, delivery).await?;
        fields.insert("output".to_owned(), output.map_or(Value::Null, Value::Object));
    }
    let bytes = enveloped(delivery, &data)?;
    if bytes.len() <= bytes_max {
        return Ok(bytes);
    }
    enveloped(delivery, &thin(&data))
}

fn enveloped(delivery: &Delivery, data: &Value) -> Result<Vec<u8>, EngineError> {
    let envelope = serde_json::json!({
        "type": delivery.event,
        "timestamp": delivery.at.to_string(),
        "data": data,
    });
    serde_json::to_vec(&envelope).map_err(|error| EngineError::Host(Box::new(error)))
}

/// The output of the run that the delivery is about; none where the run was removed meanwhile.
async fn output(
    shared: &Shared,
    tenant: &TenantId,
    delivery: &Delivery,
) -> Result<Option<Object>, EngineError> {
    let (Some(run), Some(Seq(seq))) = (delivery.run, delivery.seq) else { return Ok(None) };
    let store = &shared.parts.store;
    let Some(head) = store.head(tenant, run).await? else { return Ok(None) };
    if head.thread.is_some() {
        // The events of a thread's runs do not repeat what its state has.
        return Ok(load_run(shared, tenant, run).await?.run.output);
    }
    let events = store.events(tenant, run, Seq(seq.saturating_sub(1)), 1).await?;
    Ok(events.into_iter().find_map(|stored| match stored.event.kind {
        EventKind::RunCompleted { output, .. } => Some(output),
        _ => None,
    }))
}
