//! From the `Authorization` header to the one who asks.
//!
//! Missing, malformed, unknown, wrong and expired credentials get one and the same answer, and an
//! unknown id of a key costs the same hash and comparison as a known one.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use wforge_model::{Digest, Scopes, Timestamp};

use super::jwt::{Bearer, looks_like_a_token};
use super::key::{PresentedKey, hex};
use super::{Credential, CredentialKind, Credentials, Pepper, Principal, Standing, TokenRules};
use crate::codes;
use crate::error::ApiError;

/// Bytes of the hash by which a person's requests are told apart from others'.
const PERSON_BYTES: usize = 16;

/// What is known of credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) credentials: &'a dyn Credentials,
    pub(crate) pepper: &'a Pepper,
    pub(crate) tokens: Option<&'a TokenRules>,
}

/// Why nobody was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// The id of the key that the request claims to have.
    pub(crate) key_id: Option<String>,
}

/// Who presents the credential in these headers, and how their tenant stands.
pub(crate) async fn authenticate(
    headers: &HeaderMap,
    known: Known<'_>,
    now: Timestamp,
) -> Result<Principal, Unknown> {
    let nobody = Unknown { key_id: None };
    let text = presented(headers).ok_or(nobody.clone())?;
    let principal = match (PresentedKey::parse(text), known.tokens) {
        (Some(key), _) => by_key(&key, known, now)?,
        (None, Some(rules)) if looks_like_a_token(text) => {
            let bearer = rules.check(text, now).await.ok_or(nobody.clone())?;
            by_token(bearer, rules, known.credentials).ok_or(nobody.clone())?
        }
        (None, _) => return Err(nobody),
    };
    match known.credentials.standing(&principal.tenant) {
        Standing::Active | Standing::Suspended => Ok(principal),
        Standing::Unknown => Err(Unknown { key_id: Some(principal.key_id) }),
    }
}

fn by_key(key: &PresentedKey<'_>, known: Known<'_>, now: Timestamp) -> Result<Principal, Unknown> {
    let (found, presented) = (known.credentials.find(key.id), key.mac(known.pepper));
    // An unknown id is compared with what no key has.
    let expected = found.as_ref().map_or(Digest::from_bytes([0; 32]), |known| known.mac);
    let equal = bool::from(expected.as_bytes().ct_eq(presented.as_bytes()));
    let is_valid = |known: &Credential| equal && known.expires_at.is_none_or(|end| end > now);
    let Some(Credential { tenant, role, scopes, name, is_passing, .. }) = found.filter(is_valid)
    else {
        return Err(Unknown { key_id: Some(key.id.to_owned()) });
    };
    let kind = if is_passing { CredentialKind::PassingKey } else { CredentialKind::Key };
    let key_id = key.id.to_owned();
    Ok(Principal { tenant, role, scopes, name, key_id, kind })
}

/// The role is the issuer's word where the token has one, else that of the list of members.
fn by_token(bearer: Bearer, rules: &TokenRules, known: &dyn Credentials) -> Option<Principal> {
    let Bearer { tenant, subject, role, issued_at, ends_at } = bearer;
    if issued_at < known.tokens_since(&tenant) {
        return None;
    }
    let role = role.or_else(|| known.member(&tenant, &subject))?;
    let person = Sha256::digest(format!("{}\n{subject}", rules.issuer).as_bytes());
    let key_id = format!("jwt-{}", hex(person.get(..PERSON_BYTES)?));
    let kind = CredentialKind::Token { issued_at, ends_at };
    Some(Principal { tenant, role, scopes: Scopes::default(), name: subject, key_id, kind })
}

/// The credential in these headers; none where there is none, or more than one.
#[must_use]
pub fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = HeaderValue::to_str(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

pub(crate) fn refusal() -> ApiError {
    let detail = "send a valid key or token as \"authorization: Bearer …\"";
    ApiError::new(&codes::UNAUTHENTICATED, detail)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::executor::block_on;
    use wforge_model::Role;

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
        let key = IssuedKey::issue(&Counting::default(), &pepper());
        let credential = Credential {
            mac: key.mac,
            tenant: "acme".parse().unwrap(),
            role: Role::Operator,
            scopes: Scopes::default(),
            name: "ci".into(),
            expires_at: Some(Timestamp(100)),
            is_passing: false,
        };
        let table = KeyTable([(key.id.clone(), credential)].into());
        (key, table)
    }

    fn pepper() -> Pepper {
        Pepper::new([9; 32])
    }

    #[test]
    fn a_key_that_is_kept_nowhere_is_called_by_its_name_alone() {
        let (key, mut table) = known();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {}", key.text).parse().unwrap());
        for (is_passing, actor) in [(true, "ci".to_owned()), (false, format!("ci ({})", key.id))] {
            table.0.values_mut().for_each(|known| known.is_passing = is_passing);
            let known = Known { credentials: &table, pepper: &pepper(), tokens: None };
            let found = block_on(authenticate(&headers, known, Timestamp(1))).unwrap();
            assert_eq!(found.actor(), actor);
        }
    }

    fn ask(values: &[&str], now: u64) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let (table, pepper) = (known().1, pepper());
        let known = Known { credentials: &table, pepper: &pepper, tokens: None };
        match block_on(authenticate(&headers, known, Timestamp(now))) {
            Ok(who) => format!("{} {} {}", who.tenant, who.role, who.name),
            Err(_) => "nobody".into(),
        }
    }

    #[test]
    fn a_valid_key_is_its_credential_whatever_the_case_of_the_scheme() {
        let text = known().0.text;
        assert_eq!(ask(&[&format!("Bearer {text}")], 1), "acme operator ci");
        assert_eq!(ask(&[&format!("bearer {text}")], 99), "acme operator ci");
    }

    #[test]
    fn a_key_that_ends_or_goes_does_not_hold_any_more() {
        let (key, table) = known();
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, format!("Bearer {}", key.text).parse().unwrap());
        let pepper = pepper();
        let known = Known { credentials: &table, pepper: &pepper, tokens: None };
        let who = block_on(authenticate(&headers, known, Timestamp(1))).unwrap();
        assert!(who.still_holds(&table, Timestamp(99)));
        assert!(!who.still_holds(&table, Timestamp(100)));
        assert!(!who.still_holds(&KeyTable::default(), Timestamp(1)));
        let kind = |issued_at, ends_at| CredentialKind::Token {
            issued_at: Timestamp(issued_at),
            ends_at: Timestamp(ends_at),
        };
        let token = |kind| Principal { kind, ..who.clone() };
        assert!(token(kind(0, 9)).still_holds(&table, Timestamp(8)));
        assert!(!token(kind(0, 9)).still_holds(&table, Timestamp(9)));
    }

    #[test]
    fn every_other_key_is_nobodys() {
        let text = known().0.text;
        let other = IssuedKey::issue(&Counting(Mutex::new(5)), &pepper()).text;
        let (unknown, good) = (format!("Bearer {other}"), format!("Bearer {text}"));
        for (values, now) in [
            (vec![], 1),
            (vec![text.as_str()], 1),
            (vec!["Bearer"], 1),
            (vec!["Basic YTpi"], 1),
            (vec![unknown.as_str()], 1),
            (vec![good.as_str()], 100),
            (vec![good.as_str(), good.as_str()], 1),
        ] {
            assert_eq!(ask(&values, now), "nobody", "{values:?} at {now}");
        }
    }
}
