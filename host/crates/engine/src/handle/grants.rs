//! What plugins may do: asked for, decided, explained.

use std::collections::BTreeMap;
use std::sync::Arc;

use wforge_model::grant::GrantRecord;
use wforge_model::{Capability, Digest, TenantId};

use super::Handle;
use crate::request::EngineError;
use crate::tenancy::{self, Explained, GrantDecision, GrantRequest};

impl Handle {
    /// The grants of a tenant, by id, whatever became of them.
    #[must_use]
    pub fn grants(&self, tenant: &TenantId) -> Vec<Arc<GrantRecord>> {
        tenancy::grants_of(&self.shared, tenant)
    }

    /// Asks for a grant; the same grant twice is one.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] of the plugin, [`EngineError::Invalid`] `not_needed`.
    pub async fn request_grant(
        &self,
        tenant: &TenantId,
        request: GrantRequest,
        by: &str,
    ) -> Result<Arc<GrantRecord>, EngineError> {
        tenancy::request(&self.shared, tenant, request, by).await
    }

    /// Approves, refuses or takes back a grant; holds from the next host call on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Invalid`] `over_ceiling`,
    /// [`EngineError::Conflict`] `not_granted`.
    pub async fn decide_grant(
        &self,
        tenant: &TenantId,
        id: &str,
        decision: GrantDecision,
        by: &str,
    ) -> Result<Arc<GrantRecord>, EngineError> {
        tenancy::decide(&self.shared, tenant, id, decision, by).await
    }

    /// Why a plugin may do something, or may not.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] of the plugin.
    pub async fn explain_grant(
        &self,
        tenant: &TenantId,
        asked: GrantRequest,
    ) -> Result<Explained, EngineError> {
        tenancy::explain(&self.shared, tenant, asked).await
    }

    /// The last day on which each grant of a version was used.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn used_grants(
        &self,
        tenant: &TenantId,
        component: Digest,
    ) -> Result<BTreeMap<Capability, String>, EngineError> {
        tenancy::flush_used(&self.shared).await;
        tenancy::used_of(&self.shared, tenant, component).await
    }
}
