//! Secrets of webhooks and what they sign, by the Standard Webhooks specification: HMAC-SHA256
//! over `id.timestamp.body`, written `v1,<base64>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use wforge_model::Timestamp;
use wforge_ports::Entropy;

/// What a secret begins with, so that whoever finds one knows what it is.
const PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;

/// The secrets of one webhook, as the store seals them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct HookSecrets {
    current: String,
    /// The one before, which signs too until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<(String, Timestamp)>,
}

/// Without the secrets.
impl std::fmt::Debug for HookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookSecrets").finish_non_exhaustive()
    }
}

impl HookSecrets {
    /// A new secret.
    pub(crate) fn make(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        entropy.fill(&mut bytes);
        Self { current: format!("{PREFIX}{}", STANDARD.encode(bytes)), previous: None }
    }

    /// A new secret; the one of now signs too until then.
    pub(crate) fn rotated(&self, entropy: &dyn Entropy, until: Timestamp) -> Self {
        Self { previous: Some((self.current.clone(), until)), ..Self::make(entropy) }
    }

    /// As its owner gets it, once.
    pub(crate) fn text(&self) -> &str {
        &self.current
    }

    /// The value of `webhook-signature`: one signature for each secret that counts now.
    pub(crate) fn sign(&self, id: &str, now: Timestamp, body: &[u8]) -> String {
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now);
        let secrets = [Some(&self.current), previous.map(|(secret, _)| secret)];
        let signed = secrets.into_iter().flatten().filter_map(|secret| {
            let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
            mac.update(format!("{id}.{}.", seconds(now)).as_bytes());
            mac.update(body);
            Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

/// As `webhook-timestamp` writes a moment.
pub(crate) const fn seconds(at: Timestamp) -> u64 {
    at.0 / 1_000
}

#[cfg(test)]
mod tests {
    use wforge_testkit::SimEntropy;

    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secrets = HookSecrets {
            current: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            previous: None,
        };
        let signed = secrets.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp(1_614_265_330_000),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_old_secret_signs_beside_the_new_one_for_a_while() {
        let entropy = SimEntropy::new(1);
        let old = HookSecrets::make(&entropy);
        let new = old.rotated(&entropy, Timestamp(10));
        assert_ne!(old.text(), new.text());
        let both = new.sign("id", Timestamp(9), b"x");
        assert!(
            both.ends_with(&old.sign("id", Timestamp(9), b"x")) && both.contains(' '),
            "{both}"
        );
        assert!(!new.sign("id", Timestamp(10), b"x").contains(' '));
        assert!(!format!("{new:?}").contains("whsec_"));
    }
}
