//! The public keys of an identity provider: fetched, kept for a while, asked for again where a
//! token names one that is not known.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wforge_api::SigningKeys;
use wforge_model::Timestamp;
use wforge_ports::{BoxFuture, Clock};

/// Keys that are older are fetched again.
const FRESH: Duration = Duration::from_secs(600);
/// Keys that are older are not used any more, whatever the provider answers.
const STALE: Duration = Duration::from_secs(3_600 + 600);
/// A key that is not known makes us ask no more often than that.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// Time for an answer of the provider.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const BYTES_MAX: usize = 1 << 20;
/// Keys of one provider.
const KEYS_MAX: usize = 100;

/// Where the keys are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Url(String),
    File(PathBuf),
}

/// The keys of one provider.
#[derive(Debug)]
pub(crate) struct Provider {
    source: Source,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    known: RwLock<Fetched>,
    /// When it was last asked; held by whoever asks, so that many who wait ask once.
    asked: Mutex<Option<Timestamp>>,
}

#[derive(Debug, Default)]
struct Fetched {
    keys: HashMap<String, Value>,
    at: Option<Timestamp>,
}

impl Provider {
    /// A provider that was not asked yet.
    pub(crate) fn new(source: Source, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("making an HTTP client")?;
        let (known, asked) = (RwLock::default(), Mutex::default());
        Ok(Self { source, http, clock, known, asked })
    }

    /// Asks again where the keys are not fresh any more.
    pub(crate) async fn keep_fresh(&self) {
        let now = self.clock.now();
        let at = self.known.read().unwrap_or_else(PoisonError::into_inner).at;
        if at.is_none_or(|at| now.since(at) >= FRESH) {
            self.ask().await;
        }
    }

    /// Keeps them fresh until the shutdown.
    pub(crate) async fn fresh_until(self: Arc<Self>, shutdown: CancellationToken) {
        loop {
            let again = self.clock.now().after(ASK_AGAIN);
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.clock.sleep_until(again) => self.keep_fresh().await,
            }
        }
    }

    /// Asks the provider, unless somebody did lately.
    async fn ask(&self) {
        let mut asked = self.asked.lock().await;
        let now = self.clock.now();
        if asked.is_some_and(|at| now.since(at) < ASK_AGAIN) {
            return;
        }
        *asked = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                info!(keys = keys.len(), "the identity provider's keys were read");
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Fetched { keys, at: Some(now) };
            }
            Err(error) => {
                let error = format!("{error:#}");
                warn!(
                    error,
                    "the identity provider's keys cannot be read: those before still hold"
                );
            }
        }
    }

    async fn fetch(&self) -> anyhow::Result<HashMap<String, Value>> {
        let bytes = match &self.source {
            Source::File(path) => fs_err::read(path)?,
            Source::Url(url) => {
                let mut response = self.http.get(url).send().await?.error_for_status()?;
                let mut bytes = Vec::new();
                while let Some(chunk) = response.chunk().await? {
                    bytes.extend_from_slice(&chunk);
                    anyhow::ensure!(bytes.len() <= BYTES_MAX, "more than {BYTES_MAX} bytes");
                }
                bytes
            }
        };
        parse(&bytes)
    }
}

/// The keys of a JWKS (RFC 7517) by their id; those without one cannot be named by a token.
fn parse(bytes: &[u8]) -> anyhow::Result<HashMap<String, Value>> {
    let set: Value = serde_json::from_slice(bytes).context("it is no JSON")?;
    let keys = set.get("keys").and_then(Value::as_array).context("it has no list of keys")?;
    anyhow::ensure!(keys.len() <= KEYS_MAX, "more than {KEYS_MAX} keys");
    let named = keys.iter().filter_map(|key| {
        let kid = key.get("kid")?.as_str()?;
        Some((kid.to_owned(), key.clone()))
    });
    Ok(named.collect())
}

impl SigningKeys for Provider {
    fn find(&self, kid: &str) -> Option<Value> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let at = known.at?;
        (self.clock.now().since(at) < STALE).then(|| known.keys.get(kid).cloned()).flatten()
    }

    fn refresh(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.ask())
    }
}

#[cfg(test)]
mod tests {
    use wforge_testkit::SimClock;

    use super::*;

    #[test]
    fn keys_are_found_by_their_id_and_none_without_one() {
        let set = br#"{"keys":[{"kid":"a","kty":"OKP"},{"kty":"RSA"},{"kid":7}]}"#;
        assert_eq!(parse(set).unwrap().keys().collect::<Vec<_>>(), ["a"]);
        for wrong in [&b"x"[..], b"{}", br#"{"keys":{}}"#] {
            assert!(parse(wrong).is_err());
        }
    }

    #[tokio::test]
    async fn a_file_is_asked_again_only_after_a_while_and_stale_keys_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let write =
            |kid| fs_err::write(&path, format!(r#"{{"keys":[{{"kid":"{kid}"}}]}}"#)).unwrap();
        write("a");
        let clock = SimClock::at(Timestamp(1_000_000));
        let provider = Provider::new(Source::File(path.clone()), Arc::new(clock.clone())).unwrap();
        assert_eq!(provider.find("a"), None, "nothing was asked yet");
        provider.keep_fresh().await;
        assert!(provider.find("a").is_some());
        write("b");
        provider.refresh().await;
        assert_eq!(provider.find("b"), None, "it was asked a moment ago");
        clock.advance(ASK_AGAIN);
        provider.refresh().await;
        assert!(provider.find("b").is_some() && provider.find("a").is_none());
        fs_err::remove_file(&path).unwrap();
        clock.advance(FRESH);
        provider.keep_fresh().await;
        assert!(provider.find("b").is_some(), "what was known before still holds");
        clock.advance(STALE);
        provider.keep_fresh().await;
        assert_eq!(provider.find("b"), None, "but not for ever");
    }
}
