//! Tokens: JWT by RFC 7519, checked by the rules of RFC 8725.
//!
//! The algorithm comes from the key that is known here, never from the token. HS256 works with the
//! deployment's own secret; RS256, ES256 and EdDSA with the keys of an identity provider, found by
//! `kid`; never both in one deployment. Keys and addresses that a token brings along (`jwk`, `jku`,
//! `x5u`, `x5c`) are not looked at. Time is the host's clock: the crate's own checks of it read the
//! wall.

use std::fmt::Debug;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header,
};
use serde::{Deserialize, Serialize};
use wforge_model::{Role, TenantId, Timestamp};
use wforge_ports::BoxFuture;

/// Bytes of a token.
const TOKEN_BYTES_MAX: usize = 8 << 10;
/// Bytes of a subject.
const SUBJECT_BYTES_MAX: usize = 256;
/// How far clocks of two machines may be apart.
const LEEWAY_S: u64 = 30;
/// The shortest secret of HS256: as long as its hash (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// The secret of HS256.
#[derive(Clone)]
pub struct TokenSecret(zeroize::Zeroizing<Vec<u8>>);

/// A secret that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret has {bytes} bytes; HS256 needs {SECRET_BYTES_MIN} or more")]
pub struct WeakSecret {
    bytes: usize,
}

impl TokenSecret {
    /// A secret of enough bytes.
    ///
    /// # Errors
    /// It is too short.
    pub fn new(bytes: Vec<u8>) -> Result<Self, WeakSecret> {
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(WeakSecret { bytes: bytes.len() });
        }
        Ok(Self(zeroize::Zeroizing::new(bytes)))
    }
}

impl Debug for TokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSecret(..)")
    }
}

/// The keys of an identity provider, as they are known now.
pub trait SigningKeys: Debug + Send + Sync {
    /// The key with that id, as JSON by RFC 7517. From memory.
    fn find(&self, kid: &str) -> Option<serde_json::Value>;

    /// Asks for them again, unless that was done lately; for a key that is not known.
    fn refresh(&self) -> BoxFuture<'_, ()>;
}

/// What signs tokens.
#[derive(Debug, Clone)]
pub enum KeyIds {
    /// The deployment itself, with HS256.
    Secret(TokenSecret),
    /// An identity provider.
    Provider(std::sync::Arc<dyn SigningKeys>),
}

/// Which tokens are taken.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// What signs them.
    pub keys: KeyIds,
    /// Who must have issued them.
    pub issuer: String,
    /// For whom they must be.
    pub audience: String,
    /// How much longer one may be valid, in seconds: what was stolen ends by itself.
    pub ttl_s_max: u64,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    tenant: TenantId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// Who a valid token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// The person, as the issuer calls them.
    pub subject: String,
    /// What the issuer says that they may do; none: the tenant's list of members says it.
    pub role: Option<Role>,
    /// When it was issued; the beginning of time where it does not say.
    pub issued_at: Timestamp,
    /// From when on it is refused, the difference of clocks included.
    pub ends_at: Timestamp,
}

/// Whether it can be no API key, so that it is checked as a token.
pub(super) fn looks_like_a_token(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl TokenRules {
    /// Who the token speaks for; none where it is not valid, whatever the reason.
    pub async fn check(&self, token: &str, now: Timestamp) -> Option<Bearer> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = decode_header(token).ok()?;
        // Whatever it says must be understood is not (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return None;
        }
        let (key, algorithm) = self.key_for(header).await?;
        let claims: Claims = decode(token, &key, &signature_alone(algorithm)).ok()?.claims;
        self.accepts(&claims, now).then_some(Bearer {
            tenant: claims.tenant,
            subject: claims.sub,
            role: claims.role,
            issued_at: Timestamp(claims.iat.unwrap_or(0).saturating_mul(1_000)),
            ends_at: Timestamp(claims.exp.saturating_add(LEEWAY_S).saturating_mul(1_000)),
        })
    }

    async fn key_for(&self, header: Header) -> Option<(DecodingKey, Algorithm)> {
        match &self.keys {
            KeyIds::Secret(secret) => Some((DecodingKey::from_secret(&secret.0), Algorithm::HS256)),
            KeyIds::Provider(keys) => {
                let kid = header.kid?;
                if let Some(key) = keys.find(&kid) {
                    return public_key(key);
                }
                keys.refresh().await;
                public_key(keys.find(&kid)?)
            }
        }
    }

    fn accepts(&self, claims: &Claims, now: Timestamp) -> bool {
        let now = now.0 / 1_000;
        let begun = |at: Option<u64>| at.is_none_or(|at| at <= now + LEEWAY_S);
        let subject = &claims.sub;
        claims.iss == self.issuer
            && claims.aud.names(&self.audience)
            && claims.exp.saturating_add(LEEWAY_S) > now
            && claims.exp <= now.saturating_add(self.ttl_s_max).saturating_add(LEEWAY_S)
            && begun(claims.nbf)
            && begun(claims.iat)
            && (1..=SUBJECT_BYTES_MAX).contains(&subject.len())
            && !subject.chars().any(|c| c.is_control() || c.is_whitespace())
            // Whoever runs the server has an API key: no issuer can make somebody that.
            && claims.role != Some(Role::Platform)
    }
}

/// The key, with the one algorithm that it is for.
fn public_key(json: serde_json::Value) -> Option<(DecodingKey, Algorithm)> {
    let key: Jwk = serde_json::from_value(json).ok()?;
    let for_signatures =
        key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let algorithm = match &key.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        // A symmetric key in a public list would be everybody's.
        _ => return None,
    };
    let named = key.common.key_algorithm.map(|named| named.to_string());
    let fits = named.is_none_or(|named| named == format!("{algorithm:?}"));
    if !fits || !for_signatures {
        return None;
    }
    Some((DecodingKey::from_jwk(&key).ok()?, algorithm))
}

/// Checks algorithm and signature; the claims are checked here, by the host's clock.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct MintRequest {
    /// Who issues it.
    pub issuer: String,
    /// For whom it is.
    pub audience: String,
    /// Who it speaks for.
    pub subject: String,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do there.
    pub role: Option<Role>,
    /// How long it is valid, in seconds.
    pub ttl_s: u64,
    /// From when on.
    pub now: Timestamp,
}

/// Makes a token with the deployment's own secret.
///
/// # Errors
/// The library cannot sign.
pub fn mint(
    request: MintRequest,
    secret: &TokenSecret,
) -> Result<String, jsonwebtoken::errors::Error> {
    let MintRequest { issuer, audience, subject, tenant, role, ttl_s, now } = request;
    let begin = now.0 / 1_000;
    let claims = Claims {
        iss: issuer,
        aud: Audience::One(audience),
        sub: subject,
        exp: begin.saturating_add(ttl_s),
        nbf: Some(begin),
        iat: Some(begin),
        tenant,
        role,
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(&secret.0),
    )
}
