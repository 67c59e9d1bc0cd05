//! A time that follows the clock but never leaps with it: what it says is old, is old.
//!
//! A clock that is years ahead, or a backup of last spring that is opened today, makes all that was
//! kept look old at once. So whoever removes what is old asks for this time. It moves at most so
//! many times as fast as servers run, and is stored, so a restart does not hurry it. It never goes
//! back: a clock that stands behind it is right for as long as it does.

use serde_json::json;
use tracing::warn;
use wforge_model::{Timestamp, Version};
use wforge_ports::store::{Change, Collection, Put};

use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::platform;

/// Where it is stored, among the settings of the platform.
const KEY: &str = "retention.time_ms";
/// How much faster than a server runs it may move: an hour for each day.
const TIMES_AS_FAST: u64 = 24;
/// Further behind the clock than this is worth a line, in milliseconds.
const TOLD_MS: u64 = 86_400_000;

/// The time now, where a server has run for so long since it was last asked for; the beginning of
/// time where it never was, so that nothing is old yet.
pub(crate) async fn time(shared: &Shared, ran_ms: u64) -> Result<Timestamp, EngineError> {
    let (store, tenant) = (&shared.parts.store, platform()?);
    let stored = store.document(&tenant, Collection::Settings, KEY).await?;
    let now = shared.parts.clock.now();
    let version = stored.as_ref().map_or(Version(0), |stored| stored.version);
    let before = stored.and_then(|stored| stored.value.as_u64()).map(Timestamp);
    // Where nothing was stored there is only the clock, which is believed from the next look on.
    let reached = before.map_or(now, |at| at.after_ms(ran_ms.saturating_mul(TIMES_AS_FAST)));
    let time = now.min(reached);
    if before.is_none_or(|before| before < time) {
        let put = Put {
            collection: Collection::Settings,
            key: KEY.to_owned(),
            value: Some(json!(time.0)),
        };
        let (audit, idempotent_reply) = Default::default();
        let change =
            Change { tenant, expected: Some(version), puts: vec![put], audit, idempotent_reply };
        let stored = store.change(change).await;
        stored.map_err(|error| EngineError::Host(Box::new(error)))?;
    }
    if before.is_none() {
        return Ok(Timestamp(0));
    }
    let behind_ms = now.0.saturating_sub(time.0);
    if behind_ms > TOLD_MS {
        warn!(
            behind_ms,
            "the clock is far ahead of when runs were last looked through: what is due goes later; \
             check the clock"
        );
    }
    Ok(time)
}
