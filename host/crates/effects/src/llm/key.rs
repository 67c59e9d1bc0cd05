//! The key that goes along with a question: the host's, or that of the tenant that asks.

use wforge_model::agent::AgentCall;
use wforge_model::{Denial, Failure, Problem, SecretName};

use super::secret::SecretText;
use crate::secrets::{Current, Secrets};

/// How a key begins, in bytes; a word that begins so is not shown.
const KEY_BEGIN_BYTES: usize = 6;

/// The header that a key goes into.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) header: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) source: KeySource,
}

/// Whose it is.
#[derive(Debug)]
pub(crate) enum KeySource {
    /// The server wants none.
    None,
    /// The host's own.
    Host(SecretText),
    /// That of the tenant that asks, under this name.
    Tenant { name: SecretName, secrets: Secrets },
}

impl Key {
    /// The key of whoever asks.
    pub(crate) async fn of(&self, call: &AgentCall) -> Result<Option<SecretText>, Failure> {
        let (name, secrets) = match &self.source {
            KeySource::None => return Ok(None),
            KeySource::Host(key) => return Ok(Some(key.clone())),
            KeySource::Tenant { name, secrets } => (name, secrets),
        };
        let found = secrets.current(&call.tenant, name.as_str()).await.map_err(|error| {
            tracing::error!(%error, "a secret cannot be read");
            Failure::Failed(Problem::new("secret_store", "the host could not read a secret"))
        })?;
        let missing = || {
            Failure::Denied(Denial {
                capability: "secret".to_owned(),
                resource: name.to_string(),
                hint: format!(
                    "this model is asked with the tenant's own key, and it has none: wforge \
                     secrets set {name}"
                ),
            })
        };
        found.map(|Current { value, .. }| Some(value)).ok_or_else(missing)
    }
}

/// A text without the key, which a server may show in full, cut, or with stars in it.
pub(crate) fn without_key(text: &str, key: Option<&SecretText>) -> String {
    let Some(key) = key.map(SecretText::reveal) else {
        return text.to_owned();
    };
    let text = text.replace(key, "[key]");
    let Some(begin) = key.get(..KEY_BEGIN_BYTES) else { return text };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(begin) {
        shown.extend([before, "[key]"]);
        rest = after.trim_start_matches(|c: char| !c.is_whitespace() && c != '"');
    }
    shown.push_str(rest);
    shown
}
