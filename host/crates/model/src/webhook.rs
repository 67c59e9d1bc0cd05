//! Webhooks: what a tenant wants to be told of and where, and each thing that it is told.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::head::RunHead;
use crate::id::IdHasher;
use crate::name::HookName;
use crate::{DeliveryId, Labels, RunId, Seq, TenantId, Timestamp, Value};

/// Attempts of one delivery that are kept, the newest.
pub const ATTEMPTS_KEPT: usize = 20;

/// What a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookEvent {
    /// A run ended well.
    RunCompleted,
    /// A run ended badly.
    RunFailed,
    /// A run was cancelled.
    RunCancelled,
    /// A run is blocked until an operator decides.
    RunBlocked,
    /// A run pauses at a node that its workflow names.
    RunPaused,
    /// A run asks a person something.
    InterruptOpened,
    /// Somebody tries whether the webhook works; nobody subscribes to it.
    Ping,
}

/// Text that names no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no event: write run.completed, run.failed, run.cancelled, run.blocked, \
     run.paused or interrupt.opened"
)]
pub struct ParseHookEventError {
    text: String,
}

impl HookEvent {
    /// All that a webhook can subscribe to.
    pub const ALL: [Self; 6] = [
        Self::RunCompleted,
        Self::RunFailed,
        Self::RunCancelled,
        Self::RunBlocked,
        Self::RunPaused,
        Self::InterruptOpened,
    ];

    /// As a payload's `type` writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunCompleted => "run.completed",
            Self::RunFailed => "run.failed",
            Self::RunCancelled => "run.cancelled",
            Self::RunBlocked => "run.blocked",
            Self::RunPaused => "run.paused",
            Self::InterruptOpened => "interrupt.opened",
            Self::Ping => "ping",
        }
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HookEvent {
    type Err = ParseHookEventError;

    fn from_str(text: &str) -> Result<Self, ParseHookEventError> {
        Self::ALL
            .into_iter()
            .chain([Self::Ping])
            .find(|event| event.as_str() == text)
            .ok_or_else(|| ParseHookEventError { text: text.to_string() })
    }
}

crate::id::text_serde!(
    HookEvent,
    "^(run[.](completed|failed|cancelled|blocked|paused)|interrupt[.]opened|ping)$"
);

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name.
    pub name: HookName,
    /// Where deliveries go; may hold a secret of the receiver in its path or query.
    pub url: String,
    /// What it is told of; at least one.
    pub events: BTreeSet<HookEvent>,
    /// Runs of this workflow only; none: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Runs that have all of these labels only; none: of all.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Whether `run.completed` carries the run's output.
    #[serde(default)]
    pub include_output: bool,
    /// Why nothing is sent to it; none: it is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<SwitchedOff>,
    /// Deliveries that were given up one after the other since one arrived.
    #[serde(default)]
    pub given_up_in_row: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
    /// Who changed them last.
    pub by: String,
}

impl Webhook {
    /// Whether it is told of that event of that run.
    #[must_use]
    pub fn wants(&self, event: HookEvent, run: &RunHead) -> bool {
        self.off.is_none()
            && self.events.contains(&event)
            && self.workflow.as_deref().is_none_or(|only| only == run.workflow)
            && run.labels.has_all(&self.labels)
    }
}

/// Since when and why nothing is sent to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchedOff {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: OffReason,
}

/// Why a webhook is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OffReason {
    /// Somebody wanted it so.
    Asked,
    /// The receiver answered 410.
    Gone,
    /// Delivery after delivery was given up.
    Failing,
    /// More deliveries wait for it than may.
    TooManyPending,
}

impl OffReason {
    /// As outputs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::TooManyPending => "too_many_pending",
        }
    }
}

/// One thing that one webhook is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id, the same over all attempts: receivers tell repeats by it.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook: HookName,
    /// What happened.
    pub event: HookEvent,
    /// The run; none for a ping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The place in the run's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// When it happened.
    pub at: Timestamp,
    /// How it stands.
    pub status: DeliveryStatus,
    /// Attempts that were made.
    pub attempts_made: u32,
    /// The newest of them, in order.
    #[serde(default)]
    pub attempts: Vec<DeliveryAttempt>,
    /// When it is tried again at the earliest; none once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When its attempts began: with the event, or when somebody asked for it again.
    pub since: Timestamp,
    /// Attempts since then.
    #[serde(default)]
    pub attempts_since: u32,
    /// The thing that it is about, as the API shows it.
    pub data: Value,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// To be sent, or to be sent again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It is not tried any more.
    GivenUp,
}

impl DeliveryStatus {
    /// As outputs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// One attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// The status that the receiver answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Delivery {
    /// Where the store keeps it: those of a webhook stand together, the oldest first.
    #[must_use]
    pub fn key(&self) -> String {
        delivery_key(&self.webhook, self.id)
    }

    /// Notes an attempt; of many the oldest are forgotten.
    pub fn note(&mut self, attempt: DeliveryAttempt) {
        self.attempts_made = self.attempts_made.saturating_add(1);
        self.attempts_since = self.attempts_since.saturating_add(1);
        self.attempts.push(attempt);
        let old = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..old);
    }
}

/// Where the store keeps a delivery.
#[must_use]
pub fn delivery_key(webhook: &HookName, id: DeliveryId) -> String {
    alloc::format!("{webhook}/{id}")
}

/// The id of what a webhook is told of a place in a run's log: always the same. It begins with the
/// moment, so that ids of one webhook sort by age.
#[must_use]
pub fn delivery_id(
    tenant: &TenantId,
    webhook: &HookName,
    (run, seq, at): (RunId, Seq, Timestamp),
) -> DeliveryId {
    let hash = IdHasher::new("wforge.delivery.v1")
        .field(tenant.as_str().as_bytes())
        .field(webhook.as_str().as_bytes())
        .field(run.as_bytes())
        .number(seq.0)
        .finish();
    DeliveryId::from_bytes(dated(at, hash))
}

/// Six bytes of milliseconds and ten of something else.
#[must_use]
pub fn dated(at: Timestamp, rest: [u8; 16]) -> [u8; 16] {
    let mut bytes = rest;
    let time = at.0.to_be_bytes();
    bytes.iter_mut().zip(time.iter().skip(2)).for_each(|(byte, part)| *byte = *part);
    bytes
}

/// What webhooks may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookLimits {
    /// Webhooks of one tenant.
    pub count_max: usize,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// Deliveries of one tenant that are under way at once.
    pub at_once_max: usize,
    /// Deliveries of all tenants that are under way at once.
    pub total_at_once_max: usize,
    /// Deliveries that wait for one webhook.
    pub pending_max: usize,
    /// Deliveries of one webhook that have ended and are kept.
    pub kept_max: usize,
    /// How long a receiver has, in milliseconds.
    pub timeout_ms: u64,
    /// Between the first attempt and the second, in milliseconds.
    pub retry_first_ms: u64,
    /// Between two attempts at most, in milliseconds.
    pub retry_max_ms: u64,
    /// How long a delivery is tried, in milliseconds.
    pub give_up_ms: u64,
    /// Deliveries given up one after the other, with which a webhook is switched off.
    pub given_up_in_row_max: u32,
    /// How long an old secret still signs after a new one was made, in milliseconds.
    pub secret_overlap_ms: u64,
}

impl Default for WebhookLimits {
    fn default() -> Self {
        Self {
            count_max: 20,
            body_bytes_max: 256 << 10,
            at_once_max: 4,
            total_at_once_max: 64,
            pending_max: 1_000,
            kept_max: 100,
            timeout_ms: 15_000,
            retry_first_ms: 5_000,
            retry_max_ms: 14_400_000,
            give_up_ms: 86_400_000,
            given_up_in_row_max: 5,
            secret_overlap_ms: 86_400_000,
        }
    }
}

impl WebhookLimits {
    /// How long to wait after so many attempts (at least one): four times as long each time, at
    /// most `retry_max_ms`, and up to a fifth less by a hash, so that what failed together does not
    /// come again together.
    #[must_use]
    pub fn wait_ms(&self, id: DeliveryId, attempts: u32) -> u64 {
        let shift = attempts.saturating_sub(1).saturating_mul(2).min(62);
        let wait = self.retry_first_ms.saturating_mul(1 << shift).min(self.retry_max_ms);
        let hash = IdHasher::new("wforge.delivery.wait.v1")
            .field(id.as_bytes())
            .number(u64::from(attempts))
            .finish();
        let part = hash.first().copied().map_or(0, u64::from);
        wait.saturating_sub(wait / 5 * part / 255)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> DeliveryId {
        let place = (RunId::from_bytes([1; 16]), Seq(7), Timestamp(1_700_000_000_000));
        delivery_id(&"acme".parse().unwrap(), &"ci".parse().unwrap(), place)
    }

    #[test]
    fn a_delivery_has_one_id_that_begins_with_its_moment() {
        assert_eq!(id(), id());
        assert!(id().to_string().starts_with("dlv_018bcfe56800"), "{}", id());
        let run = RunId::from_bytes([1; 16]);
        let of = |tenant: &str, hook: &str, seq| {
            let place = (run, Seq(seq), Timestamp(1_700_000_000_000));
            delivery_id(&tenant.parse().unwrap(), &hook.parse().unwrap(), place)
        };
        for other in [of("acme", "ci", 8), of("acme", "cd", 7), of("other", "ci", 7)] {
            assert_ne!(id(), other);
        }
    }

    #[test]
    fn a_webhook_that_was_written_before_labels_is_told_of_runs_with_any() {
        let written = serde_json::json!({
            "name": "ci", "url": "https://ci.example/", "events": ["run.failed"],
            "created_at": 1, "updated_at": 1, "by": "ann",
        });
        let hook: Webhook = serde_json::from_value(written).unwrap();
        assert!(hook.labels.is_empty());
        assert!(!serde_json::to_string(&hook).unwrap().contains("labels"));
        let labels = Labels::of_pairs(["env=prod"]).unwrap();
        let run = RunHead::new("acme".parse().unwrap(), RunId::from_bytes([1; 16]));
        assert!(hook.wants(HookEvent::RunFailed, &RunHead { labels, ..run }));
    }

    #[test]
    fn waits_grow_up_to_their_limit_and_fill_a_day() {
        let limits = WebhookLimits::default();
        let waits: Vec<u64> = (1..=12).map(|attempt| limits.wait_ms(id(), attempt)).collect();
        let (mut longest, mut total) = (limits.retry_first_ms, 0);
        for wait in waits {
            assert!(wait <= longest && wait >= longest / 5 * 4, "{wait} of {longest}");
            longest = (longest * 4).min(limits.retry_max_ms);
            total += wait;
        }
        assert!(total > limits.give_up_ms / 2, "{total}");
    }

    #[test]
    fn old_attempts_make_room() {
        let mut delivery = Delivery {
            id: id(),
            webhook: "ci".parse().unwrap(),
            event: HookEvent::Ping,
            run: None,
            seq: None,
            at: Timestamp(1),
            status: DeliveryStatus::Pending,
            attempts_made: 0,
            attempts: Vec::new(),
            next_at: Some(Timestamp(1)),
            since: Timestamp(1),
            attempts_since: 0,
            data: Value::Null,
        };
        for at in 0..30 {
            let (status, error) = (Some(500), None);
            delivery.note(DeliveryAttempt { at: Timestamp(at), elapsed_ms: 1, status, error });
        }
        assert_eq!((delivery.attempts_made, delivery.attempts.len()), (30, ATTEMPTS_KEPT));
        assert_eq!(delivery.attempts.first().map(|attempt| attempt.at), Some(Timestamp(10)));
    }

    #[test]
    fn events_read_as_they_are_written() {
        for event in HookEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
        }
        let said = "run.eaten".parse::<HookEvent>().unwrap_err().to_string();
        assert!(said.contains("run.completed"), "{said}");
    }
}
