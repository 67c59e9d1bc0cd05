//! TLS of the outbound path: which authorities are trusted. Server names and certificates are
//! always checked; there is no way to switch that off.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::EgressError;

/// Sessions that one tenant can take up again.
const SESSIONS_MAX: usize = 64;

/// Reads the system's certificates and those of the operator.
pub(crate) fn load(trusted_pem: &[u8]) -> Result<ClientConfig, EgressError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    roots.add_parsable_certificates(system.certs);
    for certificate in CertificateDer::pem_slice_iter(trusted_pem) {
        let certificate = certificate.map_err(unreadable)?;
        roots.add(certificate).map_err(unreadable)?;
    }
    if roots.is_empty() {
        // Plain HTTP to a model on the same machine needs none, so the host goes on.
        tracing::warn!("no certificates of authorities were found: https reaches no server");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| EgressError::Client(error.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The same with sessions of its own: a server that saw one tenant's would know the next by it.
pub(crate) fn apart(shared: &ClientConfig) -> ClientConfig {
    let mut own = shared.clone();
    own.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    own
}

fn unreadable(error: impl std::fmt::Display) -> EgressError {
    EgressError::Certificates { reason: error.to_string() }
}
