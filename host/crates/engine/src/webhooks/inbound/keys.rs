//! What signs URLs and bodies of inbound webhooks, and what checks them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use wforge_model::Timestamp;
use wforge_model::inbound::{BodySignature, InboundHook};
use wforge_ports::Entropy;

/// How far the clock of whoever signs a body may be off, in seconds.
const SKEW_S_MAX: u64 = 300;

/// Signatures of one body that are looked at.
const SIGNATURES_MAX: usize = 8;

const KEY_BYTES: usize = 32;

const SECRET_PREFIX: &str = "whsec_";

/// The secrets of one inbound webhook, as the store seals them.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct InboundSecrets {
    /// Signs URLs; nobody ever sees it.
    url_key: String,
    /// Signs bodies, where they are to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl InboundSecrets {
    /// A new key of URLs, and that secret of bodies.
    pub(super) fn make(entropy: &dyn Entropy, body: Option<String>) -> Self {
        Self { url_key: fresh(entropy), body }
    }

    /// The same with that secret of bodies.
    pub(super) fn with_body(self, body: Option<String>) -> Self {
        Self { body, ..self }
    }

    /// The secret of bodies.
    pub(super) fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// The signature of a URL of the hook, as the URL carries it.
    pub(super) fn sign_url(&self, hook: &InboundHook, expires_s: u64) -> Option<String> {
        let mac = self.mac_of_url(hook, expires_s)?;
        Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// Whether a URL is one of the hook's, and has not ended.
    pub(super) fn is_good_url(
        &self,
        hook: &InboundHook,
        url: PostedUrl<'_>,
        now: Timestamp,
    ) -> bool {
        let Ok(expires_s) = url.expires.parse::<u64>() else { return false };
        // One moment has one way to be written.
        if expires_s.to_string() != url.expires {
            return false;
        }
        let Ok(signature) = URL_SAFE_NO_PAD.decode(url.signature) else { return false };
        let mac = self.mac_of_url(hook, expires_s);
        let is_ours = mac.is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        is_ours && (expires_s == 0 || now.0 / 1_000 < expires_s)
    }

    /// Whether a body is signed as it must be.
    pub(super) fn is_good_body(
        &self,
        verify: BodySignature,
        by: PostedSignature<'_>,
        (body, now): (&[u8], Timestamp),
    ) -> bool {
        match (verify, self.body()) {
            (BodySignature::None, _) => true,
            (BodySignature::Standard, Some(secret)) => {
                is_signed_standard(secret, by, body, now).unwrap_or(false)
            }
            (BodySignature::Github, Some(secret)) => {
                is_signed_github(secret, by, body).unwrap_or(false)
            }
            (BodySignature::Standard | BodySignature::Github, None) => false,
        }
    }

    fn mac_of_url(&self, hook: &InboundHook, expires_s: u64) -> Option<Hmac<Sha256>> {
        let text = format!("wforge.in.v1\n{}\n{expires_s}\n{}", hook.id, hook.action.target());
        mac(&STANDARD.decode(&self.url_key).ok()?, &[text.as_bytes()])
    }
}

/// A new secret of bodies, in the form of the specification.
pub(super) fn body_secret(entropy: &dyn Entropy) -> String {
    format!("{SECRET_PREFIX}{}", fresh(entropy))
}

fn fresh(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; KEY_BYTES];
    entropy.fill(&mut bytes);
    STANDARD.encode(bytes)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

/// The key that a secret of the specification means.
pub(super) fn standard_key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok().filter(|key| !key.is_empty())
}

/// The parts of a posted URL.
#[derive(Debug, Clone, Copy)]
pub struct PostedUrl<'a> {
    /// The hook's id.
    pub id: &'a str,
    /// When it ends.
    pub expires: &'a str,
    /// Its signature.
    pub signature: &'a str,
}

/// The signature of a posted body, as its headers have it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostedSignature<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub standard: Option<&'a str>,
    /// `x-hub-signature-256`.
    pub github: Option<&'a str>,
}

fn is_signed_standard(
    secret: &str,
    by: PostedSignature<'_>,
    body: &[u8],
    now: Timestamp,
) -> Option<bool> {
    let (id, timestamp, signatures) = (by.id?, by.timestamp?, by.standard?);
    let at: u64 = timestamp.parse().ok()?;
    if at.abs_diff(now.0 / 1_000) > SKEW_S_MAX {
        return Some(false);
    }
    let key = standard_key(secret)?;
    let head = format!("{id}.{timestamp}.");
    let is_ours = |text: &str| {
        let signature = text.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        let mac = mac(&key, &[head.as_bytes(), body]);
        signature.zip(mac).is_some_and(|(signature, mac)| mac.verify_slice(&signature).is_ok())
    };
    Some(signatures.split(' ').take(SIGNATURES_MAX).any(is_ours))
}

fn is_signed_github(secret: &str, by: PostedSignature<'_>, body: &[u8]) -> Option<bool> {
    let signature = of_hex(by.github?.strip_prefix("sha256=")?)?;
    let mac = mac(secret.as_bytes(), &[body])?;
    Some(mac.verify_slice(&signature).is_ok())
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use wforge_model::InboundId;
    use wforge_model::inbound::{InboundAction, StartAction};
    use wforge_testkit::SimEntropy;

    use super::*;

    fn secrets(body: Option<&str>) -> InboundSecrets {
        InboundSecrets::make(&SimEntropy::new(1), body.map(str::to_owned))
    }

    fn hook() -> InboundHook {
        let start = StartAction { workflow: "brief".into(), input: None };
        InboundHook {
            name: "issues".parse().unwrap(),
            id: InboundId::from_bytes([7; 16]),
            action: InboundAction::Start(start),
            verify: BodySignature::None,
            active: true,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            by: "ann".into(),
        }
    }

    #[test]
    fn a_url_is_good_for_its_hook_and_action_until_it_ends() {
        let (of, ours) = (secrets(None), hook());
        let check = |hook: &InboundHook, expires: &str, signature: &str, now_ms| {
            let url = PostedUrl { id: "", expires, signature };
            of.is_good_url(hook, url, Timestamp(now_ms))
        };
        let (forever, soon) = (of.sign_url(&ours, 0).unwrap(), of.sign_url(&ours, 100).unwrap());
        assert!(check(&ours, "0", &forever, u64::MAX));
        assert!(check(&ours, "100", &soon, 99_999) && !check(&ours, "100", &soon, 100_000));
        assert!(!check(&ours, "0", &soon, 1) && !check(&ours, "0100", &soon, 1));
        assert!(!check(&ours, "100", "", 1) && !check(&ours, "-", &soon, 1));
        let start = StartAction { workflow: "other".into(), input: None };
        let other = InboundHook { action: InboundAction::Start(start), ..ours };
        assert!(!check(&other, "100", &soon, 1), "another workflow");
        let other = InboundHook { id: InboundId::from_bytes([8; 16]), ..other };
        assert!(!check(&other, "100", &soon, 1), "another hook");
    }

    /// The example of GitHub's documentation.
    #[test]
    fn a_body_is_signed_as_github_does() {
        let of = secrets(Some("It's a Secret to Everybody"));
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |github, body: &[u8]| {
            let by = PostedSignature { github, ..PostedSignature::default() };
            of.is_good_body(BodySignature::Github, by, (body, Timestamp(0)))
        };
        assert!(check(Some(good), b"Hello, World!"));
        for (github, body) in [
            (Some(good), "Hello, World?"),
            (Some("sha256="), "Hello, World!"),
            (Some("757107ea"), "Hello, World!"),
            (None, "Hello, World!"),
        ] {
            assert!(!check(github, body.as_bytes()), "{github:?} {body}");
        }
    }

    /// The example of the specification's own libraries.
    #[test]
    fn a_body_is_signed_by_the_specification_and_lately() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let of = secrets(Some(secret));
        let by = PostedSignature {
            id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"),
            timestamp: Some("1614265330"),
            standard: Some("v1,bm90aGluZw== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            github: None,
        };
        let check = |by, at_s: u64| {
            of.is_good_body(
                BodySignature::Standard,
                by,
                (br#"{"test": 2432232314}"#, Timestamp(at_s * 1_000)),
            )
        };
        assert!(check(by, 1_614_265_330) && check(by, 1_614_265_330 + SKEW_S_MAX));
        assert!(!check(by, 1_614_265_331 + SKEW_S_MAX), "an old one");
        assert!(!check(PostedSignature { id: Some("msg_other"), ..by }, 1_614_265_330));
        assert!(!check(PostedSignature { standard: None, ..by }, 1_614_265_330));
    }

    #[test]
    fn hexadecimal_digits_are_bytes() {
        assert_eq!(of_hex("00fF"), Some(vec![0, 255]));
        assert_eq!((of_hex("0"), of_hex("zz"), of_hex("")), (None, None, Some(Vec::new())));
    }
}
