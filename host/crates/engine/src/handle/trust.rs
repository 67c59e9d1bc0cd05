//! Whose signatures count, and what is asked of versions.

use std::sync::Arc;

use wforge_model::TenantId;
use wforge_model::trust::TrustedKey;

use super::Handle;
use crate::request::EngineError;
use crate::tenancy::Directory;
use crate::trust::{self, NewTrustedKey, PolicyChange, PolicyShown};

impl Handle {
    /// The keys of a tenant's trust store, by id, revoked ones too.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn trusted_keys(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<Arc<TrustedKey>>, EngineError> {
        Directory::load(&self.shared).await?;
        Ok(trust::keys_of(&self.shared, tenant))
    }

    /// Trusts a key.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] `bad_key`; [`EngineError::Conflict`] `key_known`, `name_taken`,
    /// `too_many_trusted_keys`.
    pub async fn trust_key(
        &self,
        tenant: &TenantId,
        key: NewTrustedKey,
        by: &str,
    ) -> Result<Arc<TrustedKey>, EngineError> {
        trust::add_key(&self.shared, tenant, key, by).await
    }

    /// Revokes a key, by its id or name, with a reason: what it signed starts no new run, and
    /// running ones wait.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn revoke_trusted_key(
        &self,
        tenant: &TenantId,
        which: (&str, String),
        by: &str,
    ) -> Result<Arc<TrustedKey>, EngineError> {
        trust::revoke_key(&self.shared, tenant, which, by).await
    }

    /// Trusts a revoked key again; the runs that waited go on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn restore_trusted_key(
        &self,
        tenant: &TenantId,
        which: (&str, String),
        by: &str,
    ) -> Result<Arc<TrustedKey>, EngineError> {
        trust::restore_key(&self.shared, tenant, which, by).await
    }

    /// What a tenant asks of signatures and versions.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn trust_policy(&self, tenant: &TenantId) -> Result<PolicyShown, EngineError> {
        Directory::load(&self.shared).await?;
        Ok(trust::policy_of(&self.shared, tenant))
    }

    /// Changes that.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `too_many_minimums`.
    pub async fn change_trust_policy(
        &self,
        tenant: &TenantId,
        change: PolicyChange,
        by: &str,
    ) -> Result<PolicyShown, EngineError> {
        trust::change_policy(&self.shared, tenant, change, by).await
    }
}
