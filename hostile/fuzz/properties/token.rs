//! What stands in the header `authorization`: a key is one by a check that is written again here,
//! its sum bit by bit; a token is taken only where the oracle, which knows nothing of tokens but
//! their claims, takes it too.
//!
//! A seed is a header, or lines: the header of a token and its claims, each JSON, which are signed
//! here, so that what lies behind the signature is reached.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::executor::block_on;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use sha2::Sha256;
use wforge_api::{IssuedKey, KeyIds, Pepper, TokenRules, TokenSecret, presented};
use wforge_model::Timestamp;

const SECRET: &[u8; 32] = b"a secret of thirty-two bytes now";
const NOW_S: u64 = 1_700_000_000;
const TTL_S_MAX: u64 = 3_600;
const LEEWAY_S: u64 = 30;

/// Whether it is a key or a valid token.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let signed = text.split_once('\n').filter(|(header, _)| header.starts_with('{'));
    if let Some((header, claims)) = signed {
        return check_signed(header, claims);
    }
    let mut headers = HeaderMap::new();
    for line in text.split('\n') {
        if let Ok(value) = HeaderValue::from_bytes(line.as_bytes()) {
            headers.append(AUTHORIZATION, value);
        }
    }
    let credential = presented(&headers);
    assert!(credential.is_none() || headers.len() == 1, "one of several credentials");
    // Without its scheme as well, so that the fuzzer need not keep it.
    is_key(credential.unwrap_or_default()) | is_key(&text) | is_token(&text)
}

fn is_key(text: &str) -> bool {
    let issued = IssuedKey::of_text(text, &Pepper::new([7; 32]));
    let expected = key_id(text);
    assert_eq!(issued.as_ref().map(|key| key.id.as_str()), expected, "{text}");
    assert!(issued.as_ref().is_none_or(|key| key.text == text));
    issued.is_some()
}

/// The id of `wf_<12 digits>_<64 digits>_<8 digits>`, whose last part is the sum of what is before.
fn key_id(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.split('_').collect();
    let [first, id, secret, sum] = parts.as_slice() else { return None };
    let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let fits = *first == "wf" && [id.len(), secret.len(), sum.len()] == [12, 64, 8];
    let body = text.len().checked_sub(9).and_then(|end| text.get(..end))?;
    (fits && [id, secret, sum].iter().all(|part| is_hex(part)) && *sum == crc(body)).then_some(id)
}

/// CRC-32C, a bit at a time.
fn crc(text: &str) -> String {
    let bit = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    let byte = |sum: u32, byte: u8| (0..8).fold(sum ^ u32::from(byte), |sum, _| bit(sum));
    format!("{:08x}", !text.bytes().fold(u32::MAX, byte))
}

/// Nobody but the host can sign, so that nothing from outside is a token.
fn is_token(text: &str) -> bool {
    let bearer = block_on(rules().check(text, now()));
    assert!(bearer.is_none() || is_signed(text), "a token that is not signed: {text}");
    bearer.is_some()
}

fn check_signed(header: &str, claims: &str) -> bool {
    let encoded = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let token = format!("{encoded}.{}", URL_SAFE_NO_PAD.encode(signature(&encoded)));
    let bearer = block_on(rules().check(&token, now()));
    let Some(bearer) = bearer else {
        return false;
    };
    let json = |text| serde_json::from_str::<Value>(text).expect("what was taken is JSON");
    let (header, claims) = (json(header), json(claims));
    assert_eq!(header["alg"], "HS256", "{header}");
    assert!(header.get("crit").is_none_or(Value::is_null), "{header}");
    assert!(holds(&claims), "{claims}");
    assert_eq!(claims["sub"], bearer.subject.as_str());
    assert_eq!(claims["tenant"], bearer.tenant.as_str());
    assert_eq!(bearer.ends_at.0, (claims["exp"].as_u64().expect("a number") + LEEWAY_S) * 1_000);
    // With any letter of it changed it is nobody's.
    let at = token.len() * usize::from(token.as_bytes()[token.len() / 2]) % 97 % token.len();
    let mut changed = token.into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("letters");
    assert!(block_on(rules().check(&changed, now())).is_none() || is_signed(&changed));
    true
}

/// What the claims of a token must say.
fn holds(claims: &Value) -> bool {
    let number = |name: &str| {
        claims
            .get(name)
            .filter(|value| !value.is_null())
            .map(|value| value.as_u64().expect("a number of seconds"))
    };
    let begun = |at: Option<u64>| at.is_none_or(|at| at <= NOW_S + LEEWAY_S);
    let audience = match &claims["aud"] {
        Value::String(one) => one == "here",
        Value::Array(several) => several.iter().any(|one| one == "here"),
        _ => false,
    };
    let subject = claims["sub"].as_str().unwrap_or_default();
    let end = number("exp").unwrap_or(0);
    let role = claims["role"].as_str();
    claims["iss"] == "the issuer"
        && audience
        && (NOW_S - LEEWAY_S < end && end <= NOW_S + TTL_S_MAX + LEEWAY_S)
        && begun(number("nbf"))
        && begun(number("iat"))
        && (1..=256).contains(&subject.len())
        && !subject.contains(|c: char| c.is_control() || c.is_whitespace())
        && role.is_none_or(|role| ["viewer", "operator", "developer", "admin"].contains(&role))
}

fn is_signed(token: &str) -> bool {
    let Some((body, given)) = token.rsplit_once('.') else {
        return false;
    };
    URL_SAFE_NO_PAD.decode(given).is_ok_and(|given| given == signature(body))
}

fn signature(text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn rules() -> TokenRules {
    TokenRules {
        keys: KeyIds::Secret(TokenSecret::new(SECRET.to_vec()).expect("long enough")),
        issuer: "the issuer".to_owned(),
        audience: "here".to_owned(),
        ttl_s_max: TTL_S_MAX,
    }
}

fn now() -> Timestamp {
    Timestamp(NOW_S * 1_000)
}
