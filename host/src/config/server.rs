//! What the configuration says of the server: where it listens, who may come in, and how much they
//! may use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use wforge_api::{ApiLimits, Origins, Share, TokenSecret};
use wforge_model::SecretLimits;
use wforge_model::secret::VALUE_BYTES_MIN;
use wforge_model::tenancy::Quotas;
use wforge_model::trust::TrustLimits;
use wforge_model::webhook::WebhookLimits;

use super::keys::RawConfig;
use super::setting::{Environment, Secret};
use super::{Finding, Meant, Severity};
use crate::nearby::is_on_this_machine;

/// The shortest text that can be one of the secrets.
const SECRET_LENGTH_MIN: usize = 32;
/// The smallest body that holds what a webhook is told, in bytes.
const WEBHOOK_BODY_BYTES_MIN: usize = 4 << 10;

/// What `wforge serve` needs.
#[derive(Debug, Clone)]
pub(crate) struct ServerConfig {
    pub(crate) listen: SocketAddr,
    /// Names under which it is reached, beside its address.
    pub(crate) hosts: Vec<String>,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) origins: Origins,
    pub(crate) limits: ApiLimits,
}

/// The files of TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsConfig {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Who may come in.
#[derive(Debug, Clone)]
pub(crate) struct AuthConfig {
    /// None: the file in the data directory.
    pub(crate) pepper: Option<Key32>,
    pub(crate) bootstrap_key_file: Option<PathBuf>,
    pub(crate) tokens: Option<TokensConfig>,
}

/// Which tokens are taken.
#[derive(Debug, Clone)]
pub(crate) struct TokensConfig {
    pub(crate) keys: TokenKeys,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) ttl_s_max: u64,
}

/// What signs them.
#[derive(Debug, Clone)]
pub(crate) enum TokenKeys {
    Secret(TokenSecret),
    Url(String),
    File(PathBuf),
}

/// A secret of 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key32(pub(crate) [u8; 32]);

impl std::fmt::Debug for Key32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Meant<'_> {
    pub(super) fn server(&mut self, raw: &RawConfig) -> Option<ServerConfig> {
        let (tls, origins) = (self.tls(raw), self.origins(raw));
        let (limits, listen) = (self.api_limits(raw), raw.server_listen?);
        if !listen.ip().is_loopback() && tls.is_none() && !raw.server_plain_text? {
            self.error(
                "server.listen",
                &format!("{listen} is reachable from outside, and nothing encrypts what is said"),
                "set server.tls_certificate and server.tls_key; or, behind a proxy that ends TLS, \
                 server.plain_text = true",
            );
        }
        Some(ServerConfig {
            listen,
            hosts: raw.server_hosts.clone()?,
            tls,
            origins: origins?,
            limits: limits?,
        })
    }

    fn tls(&mut self, raw: &RawConfig) -> Option<TlsConfig> {
        match (&raw.server_tls_certificate, &raw.server_tls_key) {
            (Some(certificate), Some(key)) => {
                Some(TlsConfig { certificate: certificate.clone(), key: key.clone() })
            }
            (None, None) => None,
            (Some(_), None) => {
                self.error("server.tls_key", "is missing", "name the certificate's private key");
                None
            }
            (None, Some(_)) => {
                let help = "name the certificate of that key";
                self.error("server.tls_certificate", "is missing", help);
                None
            }
        }
    }

    fn origins(&mut self, raw: &RawConfig) -> Option<Origins> {
        let texts = raw.server_cors_origins.clone()?;
        match Origins::parse(texts.iter().map(String::as_str)) {
            Ok(origins) if origins.are_all() && raw.env == Some(Environment::Production) => {
                self.error(
                    "server.cors_origins",
                    "lets the page of any stranger call the API",
                    "name the origins of your own pages, or leave it empty",
                );
                None
            }
            Ok(origins) => Some(origins),
            Err(error) => {
                self.error("server.cors_origins", &error.to_string(), "name whole origins");
                None
            }
        }
    }

    fn api_limits(&mut self, raw: &RawConfig) -> Option<ApiLimits> {
        let size = |count: Option<u32>| usize::try_from(count?).ok();
        let ms = |count: Option<u64>| Some(Duration::from_millis(count?));
        let share =
            |total, tenant| Some(Share { total_max: size(total)?, tenant_max: size(tenant)? });
        for (key, count) in [
            ("limits.api.connections_max", raw.api_connections_max),
            ("limits.api.requests_max", raw.api_requests_max),
            ("limits.api.requests_per_tenant_max", raw.api_requests_per_tenant_max),
            ("limits.api.headers_max", raw.api_headers_max),
            ("limits.api.json_depth_max", raw.api_json_depth_max),
            ("limits.api.auth_failures_per_minute_max", raw.api_auth_failures_per_minute_max),
            ("limits.api.hook_posts_per_second_max", raw.api_hook_posts_per_second_max),
        ] {
            self.at_least_1(key, count);
        }
        Some(ApiLimits {
            connections_max: size(raw.api_connections_max)?,
            connections_per_address_max: size(raw.api_connections_per_address_max)?,
            connection_age_max: ms(raw.api_connection_age_ms_max)?,
            header_read_timeout: ms(raw.api_header_ms_max)?,
            headers_max: size(raw.api_headers_max)?,
            header_bytes_max: size(raw.api_header_bytes_max)?,
            drain_timeout: ms(raw.server_drain_ms_max)?,
            json_bytes_max: size(raw.api_json_bytes_max)?,
            run_bytes_max: size(raw.api_run_bytes_max)?,
            workflow_bytes_max: size(raw.api_workflow_bytes_max)?,
            plugin_bytes_max: size(raw.api_plugin_bytes_max)?,
            json_depth_max: size(raw.api_json_depth_max)?,
            body_timeout: ms(raw.api_body_ms_max)?,
            upload_timeout: ms(raw.api_upload_ms_max)?,
            request_timeout: ms(raw.api_request_ms_max)?,
            requests: share(raw.api_requests_max, raw.api_requests_per_tenant_max)?,
            streams: share(raw.api_streams_max, raw.api_streams_per_tenant_max)?,
            uploads: share(raw.api_uploads_max, raw.api_uploads_per_tenant_max)?,
            stream_age_max: ms(raw.api_stream_age_ms_max)?,
            auth_failures_per_minute_max: raw.api_auth_failures_per_minute_max?,
            hook_posts_per_second_max: raw.api_hook_posts_per_second_max?,
            idempotency_ttl: ms(raw.api_idempotency_ms)?,
            ..ApiLimits::default()
        })
    }

    pub(super) fn quotas(&mut self, raw: &RawConfig) -> Option<Quotas> {
        let speed = "limits.tenant.requests_per_second_max";
        self.at_least_1(speed, raw.tenant_requests_per_second_max);
        self.at_least_1("limits.tenant.requests_burst_max", raw.tenant_requests_burst_max);
        self.at_least_1("limits.tenant.runs_live_max", raw.tenant_runs_live_max);
        Some(Quotas {
            requests_per_second_max: raw.tenant_requests_per_second_max?,
            requests_burst_max: raw.tenant_requests_burst_max?,
            runs_live_max: raw.tenant_runs_live_max?,
            runs_per_day_max: raw.tenant_runs_per_day_max?,
            storage_bytes_max: raw.tenant_storage_bytes_max?,
            cpu_seconds_per_day_max: raw.tenant_cpu_seconds_per_day_max?,
            tokens_per_day_max: raw.tenant_tokens_per_day_max?,
        })
    }

    pub(super) fn secrets(&mut self, raw: &RawConfig) -> Option<SecretLimits> {
        let size = |count: Option<u32>| usize::try_from(count?).ok();
        let bytes = raw.secrets_value_bytes_max;
        if bytes.is_some_and(|bytes| (bytes as usize) < VALUE_BYTES_MIN) {
            let message = format!("lets no secret in: each has at least {VALUE_BYTES_MIN} bytes");
            self.error("limits.secrets.value_bytes_max", &message, "write more");
        }
        let versions = self.at_least_1("limits.secrets.versions_max", raw.secrets_versions_max);
        Some(SecretLimits {
            count_max: size(raw.secrets_count_max)?,
            value_bytes_max: size(bytes)?,
            versions_max: size(versions)?,
            hosts_max: size(raw.secrets_hosts_max)?,
        })
    }

    pub(super) fn webhooks(&mut self, raw: &RawConfig) -> Option<WebhookLimits> {
        let size = |count: Option<u32>| usize::try_from(count?).ok();
        for (key, count) in [
            ("limits.webhooks.at_once_max", raw.webhooks_at_once_max),
            ("limits.webhooks.total_at_once_max", raw.webhooks_total_at_once_max),
            ("limits.webhooks.pending_max", raw.webhooks_pending_max),
            ("limits.webhooks.kept_max", raw.webhooks_kept_max),
        ] {
            self.at_least_1(key, count);
        }
        self.at_least_1("limits.webhooks.timeout_ms", raw.webhooks_timeout_ms);
        self.at_least_1("limits.webhooks.retry_first_ms", raw.webhooks_retry_first_ms);
        let body_bytes_max = size(raw.webhooks_body_bytes_max);
        if body_bytes_max.is_some_and(|bytes| bytes < WEBHOOK_BODY_BYTES_MIN) {
            let message = format!("is less than the smallest body, {WEBHOOK_BODY_BYTES_MIN}");
            self.error("limits.webhooks.body_bytes_max", &message, "write more");
        }
        Some(WebhookLimits {
            count_max: size(raw.webhooks_count_max)?,
            body_bytes_max: body_bytes_max?,
            at_once_max: size(raw.webhooks_at_once_max)?,
            total_at_once_max: size(raw.webhooks_total_at_once_max)?,
            pending_max: size(raw.webhooks_pending_max)?,
            kept_max: size(raw.webhooks_kept_max)?,
            timeout_ms: raw.webhooks_timeout_ms?,
            retry_first_ms: raw.webhooks_retry_first_ms?,
            retry_max_ms: raw.webhooks_retry_ms_max?,
            give_up_ms: raw.webhooks_give_up_ms?,
            given_up_in_row_max: raw.webhooks_given_up_in_row_max?,
            secret_overlap_ms: raw.webhooks_secret_overlap_ms?,
        })
    }

    pub(super) fn trust(raw: &RawConfig) -> Option<TrustLimits> {
        let size = |count: Option<u32>| usize::try_from(count?).ok();
        Some(TrustLimits {
            keys_max: size(raw.trust_keys_max)?,
            minimums_max: size(raw.trust_minimums_max)?,
            signature_bytes_max: size(raw.trust_signature_bytes_max)?,
        })
    }

    pub(super) fn auth(&mut self, raw: &RawConfig) -> AuthConfig {
        let pepper = self.key_32("auth.pepper", raw.auth_pepper.as_ref());
        let tokens = self.tokens(raw);
        self.weak("auth.jwt_secret", raw, raw.auth_jwt_secret.as_ref());
        self.weak("auth.pepper", raw, raw.auth_pepper.as_ref());
        self.weak("store.kek", raw, raw.store_kek.as_ref());
        self.same_twice(raw);
        let bootstrap_key_file = raw.auth_bootstrap_key_file.clone();
        AuthConfig { pepper, bootstrap_key_file, tokens }
    }

    fn tokens(&mut self, raw: &RawConfig) -> Option<TokensConfig> {
        let keys = match (&raw.auth_jwt_secret, &raw.auth_jwks) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                self.error(
                    "auth.jwks",
                    "goes together with auth.jwt_secret: whoever has the secret could sign for the \
                     provider",
                    "keep one of the two",
                );
                return None;
            }
            (Some(Secret(text)), None) => match TokenSecret::new(text.clone().into_bytes()) {
                Ok(secret) => TokenKeys::Secret(secret),
                Err(error) => {
                    let help = "make one with: openssl rand -hex 32";
                    self.error("auth.jwt_secret", &error.to_string(), help);
                    return None;
                }
            },
            (None, Some(source)) => self.provider(raw, source)?,
        };
        let named = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let (issuer, audience) = (named(&raw.auth_jwt_issuer), named(&raw.auth_jwt_audience));
        if issuer.is_none() {
            self.error("auth.jwt_issuer", "is missing", "say who issues the tokens");
        }
        if audience.is_none() {
            let help = "say for whom the tokens are, such as the name of this deployment";
            self.error("auth.jwt_audience", "is missing", help);
        }
        Some(TokensConfig {
            keys,
            issuer: issuer?,
            audience: audience?,
            ttl_s_max: raw.auth_jwt_ttl_s_max?,
        })
    }

    fn provider(&mut self, raw: &RawConfig, source: &str) -> Option<TokenKeys> {
        if source.starts_with("https://") {
            return Some(TokenKeys::Url(source.to_owned()));
        }
        if source.starts_with("http://") {
            if is_on_this_machine(source) && raw.env != Some(Environment::Production) {
                return Some(TokenKeys::Url(source.to_owned()));
            }
            let help = "write https://…; whoever can change what is said could sign any token";
            self.error("auth.jwks", "is asked for without TLS", help);
            return None;
        }
        Some(TokenKeys::File(self.layers.base_of("auth.jwks").join(source)))
    }

    pub(super) fn key_32(&mut self, key: &str, secret: Option<&Secret>) -> Option<Key32> {
        let Secret(text) = secret?;
        let bytes = crate::secrets::from_hex(text);
        if bytes.is_none() {
            let help = "make one with: openssl rand -hex 32";
            self.error(key, "must be 64 hexadecimal digits", help);
        }
        bytes.map(Key32)
    }

    /// What somebody typed is no secret; in production nothing starts with it.
    fn weak(&mut self, key: &str, raw: &RawConfig, secret: Option<&Secret>) {
        let Some(Secret(text)) = secret else { return };
        // What is too short is told so elsewhere.
        if text.len() < SECRET_LENGTH_MIN || !is_weak(text) {
            return;
        }
        let severity = match raw.env {
            Some(Environment::Production) | None => Severity::Error,
            Some(Environment::Development | Environment::Testing) => Severity::Warning,
        };
        let place = format!("{}: {key}", self.layers.origin(key));
        let (message, help) = ("can be guessed", "make one with: openssl rand -hex 32");
        self.findings.push(Finding::new(severity, place, message, help));
    }

    /// Whoever learns one of them must not have the others too.
    fn same_twice(&mut self, raw: &RawConfig) {
        let secrets = [
            ("auth.pepper", &raw.auth_pepper),
            ("auth.jwt_secret", &raw.auth_jwt_secret),
            ("store.kek", &raw.store_kek),
        ];
        for (place, (key, secret)) in secrets.iter().enumerate() {
            let earlier = secrets.iter().take(place);
            let mut same = earlier.filter(|(_, other)| secret.is_some() && other == secret);
            if let Some((other, _)) = same.next() {
                self.error(key, &format!("is the same as {other}"), "make one for each");
            }
        }
    }
}

/// Few different letters, or words that examples use.
fn is_weak(text: &str) -> bool {
    const WORDS: [&str; 7] =
        ["changeme", "change-me", "secret", "password", "example", "default", "0123456789abcdef"];
    let letters: std::collections::BTreeSet<char> = text.chars().collect();
    let small = text.to_lowercase();
    letters.len() < 8 || WORDS.iter().any(|word| small.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_is_weak_and_what_a_machine_made_is_not() {
        for weak in ["0".repeat(64), "my-super-secret-key-for-the-server!!".into(), "ab".repeat(32)]
        {
            assert!(is_weak(&weak), "{weak}");
        }
        assert!(!is_weak("9f2b7c1de8a04365b1f7c09ad2e4865331d0b7fae91c2d48675fa0b3c1e2d497"));
    }
}
