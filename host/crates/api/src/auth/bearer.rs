//! From the `Authorization` header to the one who asks.
//!
//! Missing, malformed, unknown, wrong and expired keys get one and the same answer, and an unknown
//! id costs the same hash and comparison as a known one.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;
use wforge_model::{Digest, TenantId, Timestamp};

use super::key::PresentedKey;
use super::{Credential, Credentials, Role};
use crate::codes;
use crate::error::ApiError;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// Whose data is reached.
    pub(crate) tenant: TenantId,
    /// What is allowed.
    pub(crate) role: Role,
    /// How the credential is called.
    pub(crate) name: String,
    /// Which credential it is.
    pub(crate) key_id: String,
}

impl Principal {
    /// # Errors
    /// The role is less than that.
    pub(crate) fn require(&self, least: Role, to: &str) -> Result<(), ApiError> {
        if self.role >= least {
            return Ok(());
        }
        let detail = format!("{to} needs the role {least}; this key has {}", self.role);
        Err(ApiError::new(&codes::FORBIDDEN, detail))
    }
}

/// Who presents the key in these headers.
///
/// # Errors
/// There is no key, or it is not valid; the answer does not say which.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    known: &dyn Credentials,
    now: Timestamp,
) -> Result<Principal, ApiError> {
    let key = bearer(headers).and_then(PresentedKey::parse).ok_or_else(refusal)?;
    let (found, presented) = (known.find(key.id), key.hash());
    // An unknown id is compared with a hash that no key has.
    let expected = found.as_ref().map_or(Digest::from_bytes([0; 32]), |known| known.hash);
    let equal = bool::from(expected.as_bytes().ct_eq(presented.as_bytes()));
    let Credential { tenant, role, name, expires_at, .. } =
        found.filter(|_| equal).ok_or_else(refusal)?;
    if expires_at.is_some_and(|end| end <= now) {
        return Err(refusal());
    }
    Ok(Principal { tenant, role, name, key_id: key.id.to_owned() })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = HeaderValue::to_str(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

fn refusal() -> ApiError {
    ApiError::new(&codes::UNAUTHENTICATED, "send a valid key as \"authorization: Bearer wf_…\"")
}

/// Set by the check of the route; a handler of an open route has nobody.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(refusal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::auth::{IssuedKey, KeyTable};

    #[derive(Debug, Default)]
    struct Counting(Mutex<u8>);

    impl wforge_ports::Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            *next += 1;
            bytes.fill(*next);
        }
    }

    fn known() -> (IssuedKey, KeyTable) {
        let key = IssuedKey::issue(&Counting::default());
        let credential = Credential {
            hash: key.hash,
            tenant: "acme".parse().unwrap(),
            role: Role::Operator,
            name: "ci".into(),
            expires_at: Some(Timestamp(100)),
        };
        let table = KeyTable([(key.id.clone(), credential)].into());
        (key, table)
    }

    fn ask(values: &[&str], now: u64) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        match authenticate(&headers, &known().1, Timestamp(now)) {
            Ok(who) => format!("{} {} {}", who.tenant, who.role, who.name),
            Err(error) => error.json(),
        }
    }

    #[test]
    fn a_valid_key_is_its_credential_whatever_the_case_of_the_scheme() {
        let text = known().0.text;
        assert_eq!(ask(&[&format!("Bearer {text}")], 1), "acme operator ci");
        assert_eq!(ask(&[&format!("bearer {text}")], 99), "acme operator ci");
    }

    #[test]
    fn every_other_key_gets_the_same_answer() {
        let text = known().0.text;
        let nothing = ask(&[], 1);
        assert!(nothing.contains("WF0401"));
        let wrong = format!("Bearer {}0", &text[..text.len() - 1]);
        let unknown = format!("Bearer wf_ffffffff_{}", "0".repeat(64));
        let good = format!("Bearer {text}");
        for (values, now) in [
            (vec![text.as_str()], 1),
            (vec!["Bearer"], 1),
            (vec!["Basic YTpi"], 1),
            (vec![wrong.as_str()], 1),
            (vec![unknown.as_str()], 1),
            (vec![good.as_str()], 100),
            (vec![good.as_str(), good.as_str()], 1),
        ] {
            assert_eq!(ask(&values, now), nothing, "{values:?} at {now}");
        }
    }
}
