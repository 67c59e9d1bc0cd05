//! What webhooks were told: listed, sent once more, tried with a ping.

use serde_json::json;
use wforge_model::webhook::{Delivery, DeliveryStatus, HookEvent, dated, delivery_key};
use wforge_model::{DeliveryId, TenantId};
use wforge_ports::store::{Collection, Put};

use super::change::existing;
use super::queue::{Place, Waits};
use super::send::write;
use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::{Directory, to_value};

/// Documents read at once.
const PAGE: usize = 256;

/// The deliveries of a webhook, the newest first. There are at most as many as its limits let wait
/// and be kept.
pub(crate) async fn deliveries_of(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<Vec<Delivery>, EngineError> {
    Directory::load(shared).await?;
    let webhook = existing(shared, tenant, name)?;
    let prefix = format!("{}/", webhook.name);
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let store = &shared.parts.store;
        let after_key = after.as_deref();
        let page =
            store.documents(tenant, Collection::Deliveries, &prefix, after_key, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.key.clone());
        for document in page {
            let read = serde_json::from_value::<Delivery>(document.value);
            all.push(read.map_err(|error| EngineError::Host(Box::new(error)))?);
        }
        if is_last {
            break;
        }
    }
    all.reverse();
    Ok(all)
}

/// One delivery of a webhook.
pub(crate) async fn delivery_of(
    shared: &Shared,
    tenant: &TenantId,
    (name, id): (&str, &str),
) -> Result<Delivery, EngineError> {
    Directory::load(shared).await?;
    let webhook = existing(shared, tenant, name)?;
    let missing = || EngineError::NotFound { kind: "delivery", name: id.to_owned() };
    let id: DeliveryId = id.parse().map_err(|_| missing())?;
    let key = delivery_key(&webhook.name, id);
    let found = shared.parts.store.document(tenant, Collection::Deliveries, &key).await?;
    let value = found.ok_or_else(missing)?.value;
    serde_json::from_value(value).map_err(|error| EngineError::Host(Box::new(error)))
}

/// Sends a delivery once more, under its own id, and again for a day where it does not arrive.
pub(crate) async fn redeliver(
    shared: &Shared,
    tenant: &TenantId,
    which: (&str, &str),
) -> Result<Delivery, EngineError> {
    let mut delivery = delivery_of(shared, tenant, which).await?;
    check_on(shared, tenant, which.0)?;
    if delivery.status == DeliveryStatus::Pending {
        let id = delivery.id;
        let message = format!("{id} is under way already; it is sent again by itself");
        return Err(EngineError::Conflict { code: "delivery_pending", message });
    }
    let now = shared.parts.clock.now();
    delivery.status = DeliveryStatus::Pending;
    (delivery.since, delivery.next_at, delivery.attempts_since) = (now, Some(now), 0);
    queue(shared, tenant, &delivery).await?;
    Ok(delivery)
}

/// Tells a webhook that somebody tries it.
pub(crate) async fn ping(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<Delivery, EngineError> {
    Directory::load(shared).await?;
    let webhook = existing(shared, tenant, name)?;
    check_on(shared, tenant, name)?;
    if shared.webhooks.queue().pending_of(tenant, &webhook.name)
        >= shared.options.webhooks.pending_max
    {
        let message =
            "as many deliveries wait for the webhook as may (limits.webhooks.pending_max)";
        return Err(EngineError::Conflict { code: "too_many_pending", message: message.into() });
    }
    let now = shared.parts.clock.now();
    let mut chance = [0; 16];
    shared.parts.entropy.fill(&mut chance);
    let delivery = Delivery {
        id: DeliveryId::from_bytes(dated(now, chance)),
        webhook: webhook.name.clone(),
        event: HookEvent::Ping,
        run: None,
        seq: None,
        at: now,
        status: DeliveryStatus::Pending,
        attempts_made: 0,
        attempts: Vec::new(),
        next_at: Some(now),
        since: now,
        attempts_since: 0,
        data: json!({
            "kind": "webhook",
            "id": webhook.name,
            "href": format!("/v1/webhooks/{}", webhook.name),
        }),
    };
    queue(shared, tenant, &delivery).await?;
    Ok(delivery)
}

fn check_on(shared: &Shared, tenant: &TenantId, name: &str) -> Result<(), EngineError> {
    match existing(shared, tenant, name)?.off {
        None => Ok(()),
        Some(off) => Err(EngineError::Conflict {
            code: "webhook_off",
            message: format!(
                "the webhook {name} is off ({}): switch it on first, with \"active\": true",
                off.reason.as_str()
            ),
        }),
    }
}

async fn queue(shared: &Shared, tenant: &TenantId, delivery: &Delivery) -> Result<(), EngineError> {
    let value = Some(to_value(delivery)?);
    let put = Put { collection: Collection::Deliveries, key: delivery.key(), value };
    write(shared, tenant, vec![put]).await?;
    let place = Place { tenant: tenant.clone(), hook: delivery.webhook.clone(), id: delivery.id };
    let due = shared.parts.clock.now();
    let run = delivery.run.zip(delivery.seq);
    shared.webhooks.queue().add(Waits { place, run, due });
    shared.webhooks.wake();
    Ok(())
}
