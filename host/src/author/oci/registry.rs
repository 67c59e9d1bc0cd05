//! Speaks with one repository of a registry.
//!
//! The client of `oci-client` logs in and pushes. Manifests, tags and components are read here:
//! within limits, and with TLS wherever a registry redirects to.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::manifest::{OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue, LINK};
use serde::Deserialize;
use wforge_model::Digest;

use super::RegistryError;
use super::artifact::{Artifact, COMPONENT_BYTES_MAX, Listed, MANIFEST_BYTES_MAX, digest_of};
use super::reference::PluginReference;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a registry may be silent while it answers.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Bytes of one page of tags.
const TAGS_BYTES_MAX: u64 = 1 << 20;
/// Tags of one page, and pages.
const TAGS_PER_PAGE: usize = 1_000;
const TAG_PAGES_MAX: usize = 20;
/// Bytes of an answer that says why something was refused.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;

/// How a registry is reached.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// Who asks.
    pub(crate) auth: RegistryAuth,
    /// Whether without TLS; on this machine only.
    pub(crate) plain: bool,
    /// Authorities to trust beside the system's, PEM, one each.
    pub(crate) authorities: Vec<Vec<u8>>,
}

/// What a registry is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To read.
    Pull,
    /// To write, too.
    Push,
}

/// One repository of a registry, logged in.
pub(crate) struct Registry {
    reference: PluginReference,
    client: Client,
    http: reqwest::Client,
    login: Login,
    scheme: &'static str,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// Where a registry wants bytes to be sent.
#[derive(Debug, thiserror::Error)]
#[error("it wants the bytes at a place that is no URL")]
struct NoPlace;

/// What goes with each request.
enum Login {
    Nobody,
    Bearer(String),
    Basic(String, String),
}

/// A manifest that a registry has.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Its digest.
    pub(crate) digest: Digest,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// Reaches it and logs in.
    pub(crate) async fn open(
        reference: &PluginReference,
        access: Access,
        purpose: Purpose,
    ) -> Result<Self, RegistryError> {
        let registry = reference.registry();
        let Access { auth, plain, authorities } = access;
        let http = http(&authorities, plain, SILENCE_MAX);
        let http = http.map_err(|error| RegistryError::of_request(registry, error))?;
        let certificate = |data| Certificate { encoding: CertificateEncoding::Pem, data };
        let config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            // In pieces is what fewer registries understand.
            use_monolithic_push: true,
            extra_root_certificates: authorities.into_iter().map(certificate).collect(),
            platform_resolver: None,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(SILENCE_MAX),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        };
        let of_client = |error| RegistryError::of_client(registry, error);
        let client = Client::try_from(config).map_err(of_client)?;
        let operation = match purpose {
            Purpose::Pull => RegistryOperation::Pull,
            Purpose::Push => RegistryOperation::Push,
        };
        let token = client.auth(&reference.named(), &auth, operation).await.map_err(of_client)?;
        let login = match (token, auth) {
            (Some(token), _) => {
                // The client counts on it, and panics where it pushes with one that is no header.
                HeaderValue::from_str(&token).map_err(|error| {
                    let (registry, source) = (registry.to_owned(), Box::new(error));
                    RegistryError::Protocol { registry, source }
                })?;
                Login::Bearer(token)
            }
            (None, RegistryAuth::Basic(name, password)) => Login::Basic(name, password),
            (None, _) => Login::Nobody,
        };
        let scheme = if plain { "http" } else { "https" };
        Ok(Self { reference: reference.clone(), client, http, login, scheme })
    }

    /// The manifest of a tag or digest; none where there is none.
    pub(crate) async fn manifest(
        &self,
        at: &PluginReference,
    ) -> Result<Option<Found>, RegistryError> {
        let name = match (at.digest(), at.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let accept = format!("{OCI_IMAGE_MEDIA_TYPE}, {OCI_IMAGE_INDEX_MEDIA_TYPE}, */*;q=0.1");
        let path = format!("manifests/{name}");
        let limit = Limit { what: "the manifest", bytes_max: MANIFEST_BYTES_MAX };
        let Some(bytes) = self.get(&path, &accept, limit).await? else { return Ok(None) };
        let digest = digest_of(&bytes);
        match at.digest() {
            Some(wanted) if wanted != digest => {
                Err(RegistryError::Digest { wanted, found: digest.to_string() })
            }
            _ => Ok(Some(Found { digest, bytes })),
        }
    }

    /// The tags of the repository, in the registry's order.
    pub(crate) async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..TAG_PAGES_MAX {
            let after = tags.last().map(|last| format!("&last={last}")).unwrap_or_default();
            let path = format!("tags/list?n={TAGS_PER_PAGE}{after}");
            let limit = Limit { what: "the list of tags", bytes_max: TAGS_BYTES_MAX };
            let Some(answer) = self.answer(Method::GET, &path, "application/json").await? else {
                return Ok(tags);
            };
            // Some give fewer than they are asked for, and say that there are more.
            let more = answer.headers().contains_key(LINK);
            let bytes = self.body(answer, limit).await?;
            let page: Tags = serde_json::from_slice(&bytes).map_err(|e| self.not_understood(e))?;
            let page = page.tags.unwrap_or_default();
            let is_last = page.is_empty() || page.last() == tags.last();
            let is_full = page.len() >= TAGS_PER_PAGE;
            tags.extend(page);
            if is_last || !(more || is_full) {
                return Ok(tags);
            }
        }
        Err(RegistryError::TooMany { what: "tags", items_max: TAG_PAGES_MAX * TAGS_PER_PAGE })
    }

    /// The component of a manifest, as its digest pins it.
    pub(crate) async fn component(&self, listed: &Listed) -> Result<Vec<u8>, RegistryError> {
        let (what, wanted) = ("the component", listed.component);
        if listed.bytes > COMPONENT_BYTES_MAX {
            return Err(RegistryError::TooLarge { what, bytes_max: COMPONENT_BYTES_MAX });
        }
        // It says how many it has, and no more are waited for.
        let limit = Limit { what, bytes_max: listed.bytes };
        let Some(bytes) = self.get(&format!("blobs/{wanted}"), "*/*", limit).await? else {
            let registry = self.reference.registry().to_owned();
            return Err(RegistryError::NotFound { registry, said: "the component".to_owned() });
        };
        match digest_of(&bytes) {
            found if found == wanted => Ok(bytes),
            found => Err(RegistryError::Digest { wanted, found: found.to_string() }),
        }
    }

    /// Brings an artifact there, its manifest last: nobody sees half of it.
    pub(crate) async fn push(
        &self,
        tag: &str,
        artifact: &Artifact,
        component: Vec<u8>,
    ) -> Result<(), RegistryError> {
        let at = self.reference.with_tag(tag).named();
        self.bring(&at, component, artifact.component).await?;
        self.bring(&at, artifact.config.clone(), digest_of(&artifact.config)).await?;
        let media_type = HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE);
        let pushed = self.client.push_manifest_raw(&at, artifact.manifest.clone(), media_type);
        pushed.await.map(drop).map_err(|error| self.of_client(error))
    }

    async fn bring(
        &self,
        at: &Reference,
        bytes: Vec<u8>,
        digest: Digest,
    ) -> Result<(), RegistryError> {
        if self.answer(Method::HEAD, &format!("blobs/{digest}"), "*/*").await?.is_some() {
            return Ok(());
        }
        // The client panics on a place for the bytes that is no URL, which a registry may name.
        let digest = digest.to_string();
        let pushed = AssertUnwindSafe(self.client.push_blob(at, bytes, &digest)).catch_unwind();
        match pushed.await {
            Ok(pushed) => pushed.map(drop).map_err(|error| self.of_client(error)),
            Err(_) => Err(self.not_understood(NoPlace)),
        }
    }

    /// What is at a path of the repository, within a limit; none where there is nothing.
    async fn get(
        &self,
        path: &str,
        accept: &str,
        limit: Limit,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        match self.answer(Method::GET, path, accept).await? {
            Some(answer) => self.body(answer, limit).await.map(Some),
            None => Ok(None),
        }
    }

    /// The answer to a request, its body not read yet; none where there is nothing.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        accept: &str,
    ) -> Result<Option<reqwest::Response>, RegistryError> {
        let named = self.reference.named();
        let (scheme, registry) = (self.scheme, named.resolve_registry());
        let url = format!("{scheme}://{registry}/v2/{}/{path}", self.reference.repository());
        let request = self.http.request(method, url).header(ACCEPT, accept);
        let request = match &self.login {
            Login::Nobody => request,
            Login::Bearer(token) => request.bearer_auth(token),
            Login::Basic(name, password) => request.basic_auth(name, Some(password)),
        };
        let answer = request.send().await.map_err(|error| self.of_request(error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Some(answer));
        }
        let limit = Limit { what: "the refusal", bytes_max: REFUSAL_BYTES_MAX };
        let body = self.body(answer, limit).await.unwrap_or_default();
        match RegistryError::of_status(self.reference.registry(), status.as_u16(), &body) {
            RegistryError::NotFound { .. } => Ok(None),
            refused => Err(refused),
        }
    }

    async fn body(
        &self,
        mut answer: reqwest::Response,
        Limit { what, bytes_max }: Limit,
    ) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.of_request(error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > bytes_max {
                return Err(RegistryError::TooLarge { what, bytes_max });
            }
        }
        Ok(bytes)
    }

    fn of_client(&self, error: oci_client::errors::OciDistributionError) -> RegistryError {
        RegistryError::of_client(self.reference.registry(), error)
    }

    fn of_request(&self, error: reqwest::Error) -> RegistryError {
        RegistryError::of_request(self.reference.registry(), error)
    }

    fn not_understood(
        &self,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> RegistryError {
        let registry = self.reference.registry().to_owned();
        RegistryError::Protocol { registry, source: Box::new(error) }
    }
}

const USER_AGENT: &str = concat!("wforge/", env!("CARGO_PKG_VERSION"));

/// The most that is read of an answer.
#[derive(Debug, Clone, Copy)]
struct Limit {
    what: &'static str,
    bytes_max: u64,
}

fn http(
    authorities: &[Vec<u8>],
    plain: bool,
    silence_max: Duration,
) -> Result<reqwest::Client, reqwest::Error> {
    let trusted = authorities.iter().map(|pem| reqwest::Certificate::from_pem(pem));
    let trusted: Vec<_> = trusted.collect::<Result<_, _>>()?;
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(silence_max)
        .https_only(!plain)
        .user_agent(USER_AGENT)
        .tls_certs_merge(trusted)
        .build()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn nothing_is_read_without_tls_unless_that_was_wanted() {
        let http = http(&[], false, SILENCE_MAX).unwrap();
        let error = http.get("http://127.0.0.1:1/").send().await.unwrap_err();
        assert!(error.is_builder(), "{error}");
    }

    #[tokio::test]
    async fn a_registry_that_is_silent_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let registry = Registry {
            reference: format!("oci://{address}/acme/probe").parse().unwrap(),
            client: Client::default(),
            http: http(&[], true, Duration::from_millis(50)).unwrap(),
            login: Login::Nobody,
            scheme: "http",
        };
        let error = registry.tags().await.unwrap_err();
        assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
    }
}
