//! Certificate and key of the server, read again when they change.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tracing::{info, warn};
use wforge_api::Tls;

use crate::config::TlsConfig;
use crate::secrets::refuse_readable_by_others;
use crate::watched::Watched;

/// Certificate and key, as they were read.
type Shown = (Arc<Vec<u8>>, Arc<Vec<u8>>);

/// The files, and what is shown of them.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    certificate: Watched<Vec<u8>>,
    key: Watched<Vec<u8>>,
    shown: Mutex<Shown>,
    pub(crate) tls: Tls,
}

impl TlsFiles {
    /// Reads them for the first time.
    pub(crate) fn open(config: &TlsConfig) -> anyhow::Result<Self> {
        let certificate = Watched::open(&config.certificate, read)?;
        let key = Watched::open(&config.key, read_key)?;
        let shown = (certificate.get(), key.get());
        let tls = Tls::new(&shown.0, &shown.1)
            .with_context(|| format!("reading {}", config.certificate.display()))?;
        Ok(Self { certificate, key, shown: Mutex::new(shown), tls })
    }

    /// Shows what the files hold now. A pair that does not go together changes nothing: between the
    /// replacing of the one and of the other file there is such a moment.
    pub(crate) fn refresh(&self) {
        self.certificate.refresh();
        self.key.refresh();
        let now = (self.certificate.get(), self.key.get());
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&now.0, &shown.0) && Arc::ptr_eq(&now.1, &shown.1) {
            return;
        }
        match self.tls.replace(&now.0, &now.1) {
            Ok(()) => info!("the certificate was replaced"),
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::from(error));
                warn!(error, "the new certificate cannot be used: the old one is still shown");
            }
        }
        *shown = now;
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    Ok(fs_err::read(path)?)
}

fn read_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    refuse_readable_by_others(path)?;
    read(path)
}
