//! The `Idempotency-Key` header: the same request again gives the same answer, and does nothing.
//!
//! A key belongs to the credential and the route that it was used with; the store keeps it beside
//! the run in the same commit, and refuses a second run under it. The same key for another thread
//! is another request, and refused.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use sha2::{Digest as _, Sha256};
use wforge_engine::Idempotency;
use wforge_model::{TenantId, ThreadId, Timestamp};

use crate::auth::{Principal, hex};
use crate::codes;
use crate::error::ApiError;
use crate::limits::ApiLimits;

const HEADER: &str = "idempotency-key";
const RETRY_AFTER_MS: u64 = 1_000;

/// A request that may name a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyed<'a> {
    pub(crate) headers: &'a HeaderMap,
    /// Its route, such as `runs.start`.
    pub(crate) route: &'static str,
    /// The thread that its path names.
    pub(crate) thread: Option<ThreadId>,
    pub(crate) body: &'a [u8],
}

/// What the headers ask for; none where they name no key.
///
/// # Errors
/// The key is empty, too long, given twice, or not of visible ASCII letters.
pub(crate) fn of_request(
    request: Keyed<'_>,
    principal: &Principal,
    limits: &ApiLimits,
    now: Timestamp,
) -> Result<Option<Idempotency>, ApiError> {
    let Keyed { headers, route, thread, body } = request;
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let max = limits.idempotency_key_bytes_max;
    let visible = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = value.to_str().ok().filter(visible).filter(|key| (1..=max).contains(&key.len()));
    let (Some(key), None) = (key, values.next()) else {
        let detail = format!("idempotency-key is one value of 1 to {max} visible ASCII letters");
        return Err(ApiError::new(&codes::MALFORMED, detail));
    };
    let mut fingerprint = Sha256::new();
    if let Some(thread) = thread {
        fingerprint.update(thread.as_bytes());
    }
    fingerprint.update(body);
    Ok(Some(Idempotency {
        key: format!("{route}/{}/{key}", principal.key_id),
        fingerprint: hex(&fingerprint.finalize()),
        expires_at: now.after(limits.idempotency_ttl),
    }))
}

/// The keys of requests that are under way in this process: their repetition is told so at once,
/// rather than doing all the work again to hear from the store that it came second.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<BTreeSet<(TenantId, String)>>>);

/// A key whose request is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    keys: UnderWay,
    entry: (TenantId, String),
}

impl UnderWay {
    /// Holds a key.
    ///
    /// # Errors
    /// A request with the same key is under way.
    pub(crate) fn hold(&self, tenant: &TenantId, key: &Idempotency) -> Result<Held, ApiError> {
        let entry = (tenant.clone(), key.key.clone());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.insert(entry.clone()) {
            return Ok(Held { keys: self.clone(), entry });
        }
        let detail = "a request with this idempotency key is under way; send it again shortly";
        let conflict = ApiError::new(&codes::CONFLICT, detail).retry_after_ms(RETRY_AFTER_MS);
        Err(ApiError { reason: Some("idempotency_under_way"), ..conflict })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wforge_model::{Role, Scopes};

    fn check(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        let principal = Principal {
            tenant: "acme".parse().unwrap(),
            role: Role::Operator,
            scopes: Scopes::default(),
            name: "ci".into(),
            key_id: "k1".into(),
            kind: crate::auth::CredentialKind::Key,
        };
        let limits = ApiLimits::default();
        let request = Keyed { headers: &headers, route: "runs.start", thread: None, body: b"body" };
        match of_request(request, &principal, &limits, Timestamp(0)) {
            Ok(None) => "none".to_owned(),
            Ok(Some(key)) => format!("{} until {}", key.key, key.expires_at.0),
            Err(error) => error.code.id.to_owned(),
        }
    }

    #[test]
    fn a_key_is_scoped_by_route_and_credential() {
        assert_eq!(check(&[]), "none");
        assert_eq!(check(&["a/b"]), "runs.start/k1/a/b until 86400000");
    }

    #[test]
    fn a_key_that_cannot_be_meant_is_refused() {
        for values in [vec![""], vec!["a b"], vec!["a", "a"], vec![&"x".repeat(256)]] {
            assert_eq!(check(&values), "WF0400", "{values:?}");
        }
    }
}
