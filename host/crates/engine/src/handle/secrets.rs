//! Secrets of a tenant, without their values.

use wforge_model::{SecretRecord, TenantId};

use super::Handle;
use crate::request::EngineError;
use crate::tenancy::{self, SecretPut};

impl Handle {
    /// The secrets of a tenant by name, without their values.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn secrets(&self, tenant: &TenantId) -> Result<Vec<SecretRecord>, EngineError> {
        tenancy::secrets_of(&self.shared, tenant).await
    }

    /// Sets a secret: a new one, or a new version.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the value or a host cannot be, [`EngineError::Conflict`]
    /// `too_many_secrets`.
    pub async fn put_secret(
        &self,
        tenant: &TenantId,
        put: SecretPut,
        by: &str,
    ) -> Result<SecretRecord, EngineError> {
        tenancy::put_secret(&self.shared, tenant, put, by).await
    }

    /// Removes a secret with all of its values.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<SecretRecord, EngineError> {
        tenancy::remove_secret(&self.shared, tenant, name, by).await
    }
}
