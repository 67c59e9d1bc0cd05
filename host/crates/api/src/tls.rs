//! TLS by rustls: one certificate, which can be replaced while the server runs.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Certificate and key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// The certificates cannot be read.
    #[error("the certificate file holds no PEM certificate that can be read")]
    Certificate(#[source] io::Error),
    /// The key cannot be read.
    #[error("the key file holds no PEM private key that can be read")]
    Key(#[source] io::Error),
    /// They do not go together.
    #[error("certificate and key do not go together, or are of a kind that is not served")]
    Unfit(#[source] rustls::Error),
}

/// The certificate that is shown to clients now. Cheap to clone; whoever keeps one can replace it.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

impl Tls {
    /// A certificate chain and its private key, both PEM.
    ///
    /// # Errors
    /// They cannot be read, or do not go together.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Self, BadTls> {
        Ok(Self(Arc::new(RwLock::new(config(certificates, key)?))))
    }

    /// Shows another certificate to whoever connects from now on.
    ///
    /// # Errors
    /// It cannot be used; the one before it still is.
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), BadTls> {
        let next = config(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn config(certificates: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, BadTls> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|error| BadTls::Certificate(io::Error::other(error)))?;
    if chain.is_empty() {
        return Err(BadTls::Certificate(io::Error::other("there is none")));
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|error| BadTls::Key(io::Error::other(error)))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(BadTls::Unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(BadTls::Unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
