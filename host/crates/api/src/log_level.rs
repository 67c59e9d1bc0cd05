//! `/v1/system/log-level`: what the server logs, by module, changed while it runs. A level that is
//! set for a while goes back by itself, so that nobody leaves a server shouting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wforge_model::Timestamp;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, QueryOf};
use crate::host_log::HostLog;
use crate::resource::Resource;
use crate::state::{Api, Shared};

/// The longest while: a day.
const FOR_S_MAX: u64 = 86_400;
/// The longest text of a level, in bytes.
const LEVEL_BYTES_MAX: usize = 1_024;
const HREF: &str = "/v1/system/log-level";

/// What was set for a while.
#[derive(Debug, Default)]
pub(crate) struct Temporary(Mutex<Option<While>>);

#[derive(Debug)]
struct While {
    until: Timestamp,
    /// Ends the wait for that moment.
    replaced: CancellationToken,
}

impl Temporary {
    fn lock(&self) -> MutexGuard<'_, Option<While>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until(&self) -> Option<Timestamp> {
        self.lock().as_ref().map(|set| set.until)
    }

    /// Sets a level, and until when it holds, as one: of two changes at a time, the level and the
    /// moment of one hold. Whoever waits for an earlier moment waits no more.
    fn replace<E>(
        &self,
        until: Option<Timestamp>,
        set: impl FnOnce() -> Result<(), E>,
    ) -> Result<CancellationToken, E> {
        let mut held = self.lock();
        set()?;
        let replaced = CancellationToken::new();
        let new = until.map(|until| While { until, replaced: replaced.clone() });
        if let Some(before) = std::mem::replace(&mut *held, new) {
            before.replaced.cancel();
        }
        Ok(replaced)
    }

    /// Goes back where the while has ended that this token is of, and nothing was set meanwhile.
    fn end(&self, replaced: &CancellationToken, back: impl FnOnce()) {
        let mut held = self.lock();
        if !replaced.is_cancelled() {
            *held = None;
            back();
        }
    }
}

/// What is logged.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = LogLevelFields)]
pub(crate) struct LogLevel {
    /// Now: a level, and others by module, such as `warn,wforge_engine=debug`.
    level: String,
    /// What the configuration says.
    configured: String,
    /// When it goes back to that, in milliseconds since 1970; none: not by itself.
    until: Option<Timestamp>,
}

/// What shall be logged.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = LogLevelPut)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogLevelBody {
    /// A level, and others by module, such as `warn,wforge_engine=debug`. None: as configured.
    #[serde(default)]
    level: Option<String>,
    /// For so many seconds, a day at most. None: until it is changed again, or the server ends.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    for_s: Option<u64>,
}

/// `GET /v1/system/log-level`: what the server logs.
pub(crate) async fn show(
    State(api): State<Api>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Json<Resource<LogLevel>> {
    Json(shown(&api))
}

/// `PUT /v1/system/log-level`: changes what the server logs, for a while or until further notice.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(LogLevelBody { level, for_s }): JsonOf<LogLevelBody>,
) -> Result<Json<Resource<LogLevel>>, ApiError> {
    let for_s = checked(for_s, level.as_deref())?;
    let level = level.unwrap_or_else(|| api.parts.log.configured_level());
    let refused = |message| ApiError::new(&codes::UNACCEPTABLE, format!("level: {message}"));
    let until = for_s.map(|s| api.parts.clock.now().after(Duration::from_secs(s)));
    let set = || api.parts.log.set_level(&level);
    let replaced = api.log_level.replace(until, set).map_err(refused)?;
    // As a warning, so that it is seen at nearly every level.
    warn!(logged = level, for_s, by = principal.actor(), "the log level was changed");
    if let Some(until) = until {
        api.parts.tasks.spawn(go_back(api.clone(), until, replaced));
    }
    Ok(Json(shown(&api)))
}

fn checked(for_s: Option<u64>, level: Option<&str>) -> Result<Option<u64>, ApiError> {
    let refused = |detail: String| Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    if for_s.is_some_and(|s| !(1..=FOR_S_MAX).contains(&s)) {
        return refused(format!("for_s is a number of seconds from 1 to {FOR_S_MAX}"));
    }
    if level.is_some_and(|level| level.len() > LEVEL_BYTES_MAX) {
        return refused(format!("level may have {LEVEL_BYTES_MAX} bytes"));
    }
    Ok(for_s)
}

/// Waits for the end of the while, unless something else is set before or the server stops.
async fn go_back(api: Api, until: Timestamp, replaced: CancellationToken) {
    tokio::select! {
        () = api.parts.shutdown.cancelled() => {}
        () = replaced.cancelled() => {}
        () = api.parts.clock.sleep_until(until) => {
            api.log_level.end(&replaced, || back(api.parts.log.as_ref()));
        }
    }
}

fn back(log: &dyn HostLog) {
    let configured = log.configured_level();
    match log.set_level(&configured) {
        Ok(()) => warn!(logged = configured, "the log level went back to what is configured"),
        Err(error) => warn!(error, "the log level cannot go back to what is configured"),
    }
}

fn shown(api: &Shared) -> Resource<LogLevel> {
    let log = &api.parts.log;
    let fields = LogLevel {
        level: log.level(),
        configured: log.configured_level(),
        until: api.log_level.until(),
    };
    Resource::new("log_level", "log-level".to_owned(), HREF.to_owned(), fields)
}
