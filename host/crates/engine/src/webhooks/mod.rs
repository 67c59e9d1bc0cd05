//! Webhooks: tenants are told of what happens to their runs, at servers that they name.
//!
//! `outbox` says what follows from a commit and is written with it, so that a process which dies
//! tells it after its next start; `queue` has in memory what waits; `send` sends it, again and
//! again where that must be; `change` makes and changes webhooks, `deliveries` shows what was sent.
//! `inbound` is the other way: whoever has a signed URL starts a run, or answers a question.
//! How a post gets to its server is the port's matter, `wforge_ports::Posts`.

mod change;
mod deliveries;
mod inbound;
mod outbox;
mod queue;
mod send;
mod sign;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;
use tokio::sync::Notify;
use wforge_model::event::RunEvent;
use wforge_model::head::RunHead;
use wforge_model::webhook::{Webhook, WebhookLimits};
use wforge_model::{HookName, Seq, TenantId};
use wforge_ports::store::{Collection, OutboxRow};

use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::PageOf;
use queue::{Place, Queue, Waits};

pub(crate) use change::{existing, put_webhook, remove_webhook, rotate_webhook};
pub(crate) use deliveries::{deliveries_of, delivery_of, ping, redeliver};
pub(crate) use inbound::{
    Deed, Inbound, existing_inbound, open, put_inbound, remove_inbound, rotate_inbound, url_of,
};
pub(crate) use send::at_work;

pub use change::{WebhookMade, WebhookPut};
pub use inbound::{InboundMade, InboundPut, OpenedHook, PostedSignature, PostedUrl};

/// What is known of webhooks in memory.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    hooks: RwLock<HashMap<TenantId, BTreeMap<HookName, Arc<Webhook>>>>,
    queue: Mutex<Queue>,
    /// Those for which more waits than may.
    crowded: Mutex<BTreeSet<(TenantId, HookName)>>,
    /// Something is due sooner, or has come down.
    changed: Notify,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
    dropped: AtomicU64,
    switched_off: AtomicU64,
}

/// Figures of webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WebhookFigures {
    /// Deliveries that wait, those under way included.
    pub pending: u64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Attempts that came to nothing.
    pub failed: u64,
    /// Deliveries that are not tried any more.
    pub given_up: u64,
    /// Deliveries that were never made, since too many waited.
    pub dropped: u64,
    /// How often the host switched a webhook off.
    pub switched_off: u64,
}

/// What webhooks are told of one commit.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waits: Vec<Waits>,
    crowded: Vec<(TenantId, HookName)>,
    rows: Vec<OutboxRow>,
}

impl Outbox {
    /// What goes into the commit.
    pub(crate) fn take_rows(&mut self) -> Vec<OutboxRow> {
        std::mem::take(&mut self.rows)
    }
}

impl Webhooks {
    /// Reads the webhooks of a tenant.
    pub(crate) async fn load(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        let hooks: Vec<Webhook> = PageOf(Collection::Webhooks).all(shared, tenant).await?;
        for hook in hooks {
            shared.webhooks.know(tenant, Arc::new(hook));
        }
        Ok(())
    }

    /// The webhooks of a tenant, by name.
    pub(crate) fn of(&self, tenant: &TenantId) -> Vec<Arc<Webhook>> {
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.get(tenant).map(|of| of.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn get(&self, tenant: &TenantId, name: &HookName) -> Option<Arc<Webhook>> {
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.get(tenant)?.get(name).cloned()
    }

    fn know(&self, tenant: &TenantId, hook: Arc<Webhook>) {
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        hooks.entry(tenant.clone()).or_default().insert(hook.name.clone(), hook);
    }

    fn forget_hook(&self, tenant: &TenantId, name: &HookName) {
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = hooks.get_mut(tenant) {
            of.remove(name);
        }
        drop(hooks);
        self.queue().forget_hook(tenant, name);
    }

    /// Knows nothing of a tenant any more.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.hooks.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        self.queue().forget_tenant(tenant);
    }

    /// What the webhooks of a tenant are told of events after `before`, of a run that stands so
    /// after them. It counts once [`Webhooks::committed`] hears of it.
    pub(crate) fn outbox(
        &self,
        before: Seq,
        events: &[RunEvent],
        head: &RunHead,
        limits: &WebhookLimits,
    ) -> Outbox {
        let (mut outbox, hooks) = (Outbox::default(), self.of(&head.tenant));
        if hooks.is_empty() {
            return outbox;
        }
        for delivery in outbox::deliveries(&hooks, before, events, head, limits.body_bytes_max) {
            let hook = delivery.webhook.clone();
            if self.queue().pending_of(&head.tenant, &hook) >= limits.pending_max {
                outbox.crowded.push((head.tenant.clone(), hook));
                continue;
            }
            let place = Place { tenant: head.tenant.clone(), hook, id: delivery.id };
            let run = delivery.run.zip(delivery.seq);
            outbox.rows.extend(outbox::row(&delivery));
            outbox.waits.push(Waits { place, run, due: delivery.at });
        }
        outbox
    }

    /// The commit that it went with is durable.
    pub(crate) fn committed(&self, outbox: Outbox) {
        let Outbox { waits, crowded, .. } = outbox;
        if waits.is_empty() && crowded.is_empty() {
            return;
        }
        let mut queue = self.queue();
        waits.into_iter().for_each(|waits| queue.add(waits));
        drop(queue);
        self.counts.dropped.fetch_add(crowded.len() as u64, Ordering::Relaxed);
        self.crowded.lock().unwrap_or_else(PoisonError::into_inner).extend(crowded);
        self.changed.notify_one();
    }

    /// Tenants whose deliveries waited may have them sent again.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(crate) fn figures(&self) -> WebhookFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WebhookFigures {
            pending: self.queue().pending() as u64,
            delivered: read(&self.counts.delivered),
            failed: read(&self.counts.failed),
            given_up: read(&self.counts.given_up),
            dropped: read(&self.counts.dropped),
            switched_off: read(&self.counts.switched_off),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
