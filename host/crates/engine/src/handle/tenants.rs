//! Tenants, their keys and people, what they use, and their audit log.

use std::sync::Arc;

use futures::stream::BoxStream;
use wforge_model::tenancy::{AskedQuotas, KeyRecord, Member, Quotas, Tenant};
use wforge_model::{Digest, PluginName, Role, TenantId, Value};
use wforge_ports::store::AuditEntry;

use super::Handle;
use crate::request::EngineError;
use crate::tenancy::{self, AuditVerdict, Days, Directory, NewKey, TenantUsage, UsedDay};

impl Handle {
    /// Reads tenants, keys and people, once. Until then nobody is known.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn load_directory(&self) -> Result<(), EngineError> {
        Directory::load(&self.shared).await
    }

    /// All tenants, by name.
    #[must_use]
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        tenancy::tenants(&self.shared)
    }

    /// The tenant of that name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn tenant(&self, id: &TenantId) -> Result<Arc<Tenant>, EngineError> {
        tenancy::tenant(&self.shared, id)
    }

    /// Makes a tenant.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `tenant_exists`, [`EngineError::Invalid`] `reserved_name`.
    pub async fn create_tenant(
        &self,
        id: TenantId,
        quotas: AskedQuotas,
        by: &str,
    ) -> Result<Arc<Tenant>, EngineError> {
        tenancy::create(&self.shared, id, quotas, by).await
    }

    /// Makes a tenant where it is not there.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn ensure_tenant(&self, id: TenantId, by: &str) -> Result<(), EngineError> {
        tenancy::ensure(&self.shared, id, by).await
    }

    /// Refuses the tenant's credentials and has its runs stand still; no task of it is under way
    /// on return.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] `tenant_erased`.
    pub async fn suspend_tenant(
        &self,
        id: &TenantId,
        by: &str,
    ) -> Result<Arc<Tenant>, EngineError> {
        tenancy::suspend(&self.shared, id, by).await
    }

    /// Lets a suspended tenant and its runs go on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] `tenant_erased`.
    pub async fn resume_tenant(&self, id: &TenantId, by: &str) -> Result<Arc<Tenant>, EngineError> {
        tenancy::resume(&self.shared, id, by).await
    }

    /// Says what a tenant may use other than all may.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] `tenant_erased`.
    pub async fn set_quotas(
        &self,
        id: &TenantId,
        quotas: AskedQuotas,
        by: &str,
    ) -> Result<Arc<Tenant>, EngineError> {
        tenancy::set_quotas(&self.shared, id, quotas, by).await
    }

    /// Says which of the platform's plugins a tenant may use.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] `tenant_erased`.
    pub async fn set_platform_plugins(
        &self,
        id: &TenantId,
        plugins: Vec<PluginName>,
        by: &str,
    ) -> Result<Arc<Tenant>, EngineError> {
        tenancy::set_platform_plugins(&self.shared, id, plugins, by).await
    }

    /// Takes back every token of a tenant that was issued until now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] `tenant_erased`.
    pub async fn revoke_tokens(&self, id: &TenantId, by: &str) -> Result<Arc<Tenant>, EngineError> {
        tenancy::revoke_tokens(&self.shared, id, by).await
    }

    /// Removes a tenant with everything that it has: rows, files, components, keys. Goes on at the
    /// next start where it is interrupted.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn erase_tenant(&self, id: &TenantId, by: &str) -> Result<Arc<Tenant>, EngineError> {
        tenancy::erase(&self.shared, id, by).await
    }

    /// Everything that is kept of a tenant, line by line.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn export_tenant(
        &self,
        id: &TenantId,
    ) -> Result<BoxStream<'static, Result<Value, EngineError>>, EngineError> {
        tenancy::export(self.shared.clone(), id.clone())
    }

    /// What a tenant uses now and has used today.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn usage(&self, id: &TenantId) -> Result<TenantUsage, EngineError> {
        tenancy::usage_of(&self.shared, id).await
    }

    /// What a tenant used on days; those on which it used nothing are left out.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn usage_of_days(
        &self,
        id: &TenantId,
        days: &Days,
    ) -> Result<Vec<UsedDay>, EngineError> {
        tenancy::days_of(&self.shared, id, days).await
    }

    /// What a tenant may use. From memory.
    #[must_use]
    pub fn quotas(&self, id: &TenantId) -> Quotas {
        tenancy::quotas(&self.shared, id)
    }

    /// Counts tokens of models against the tenant's day.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn charge_tokens(&self, id: &TenantId, tokens: u64) -> Result<(), EngineError> {
        tenancy::charge_tokens(&self.shared, id, tokens).await
    }

    /// What is known of the key with that id, whoever's it is. From memory.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<Arc<KeyRecord>> {
        self.shared.directory.key(id)
    }

    /// The keys of a tenant, the oldest first.
    #[must_use]
    pub fn keys(&self, tenant: &TenantId) -> Vec<Arc<KeyRecord>> {
        tenancy::keys_of(&self.shared, tenant)
    }

    /// Keeps a new key.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `two_keys_active` where two of that name are in use.
    pub async fn add_key(
        &self,
        tenant: &TenantId,
        new: NewKey,
        by: &str,
    ) -> Result<Arc<KeyRecord>, EngineError> {
        tenancy::add_key(&self.shared, tenant, new, by).await
    }

    /// Puts a new key in the place of another one, which is known for the overlap only.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] `key_expired` or `two_keys_active`.
    pub async fn rotate_key(
        &self,
        key: (&TenantId, &str),
        new: (String, Digest),
        overlap_ms: u64,
        by: &str,
    ) -> Result<Arc<KeyRecord>, EngineError> {
        tenancy::rotate_key(&self.shared, key, new, overlap_ms, by).await
    }

    /// Removes a key; from then on it is unknown.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's key too.
    pub async fn revoke_key(
        &self,
        tenant: &TenantId,
        id: &str,
        by: &str,
    ) -> Result<Arc<KeyRecord>, EngineError> {
        tenancy::revoke_key(&self.shared, tenant, id, by).await
    }

    /// The person of a tenant with that subject. From memory.
    #[must_use]
    pub fn member(&self, tenant: &TenantId, subject: &str) -> Option<Arc<Member>> {
        self.shared.directory.member(tenant, subject)
    }

    /// The people of a tenant, by subject.
    #[must_use]
    pub fn members(&self, tenant: &TenantId) -> Vec<Arc<Member>> {
        tenancy::members_of(&self.shared, tenant)
    }

    /// Adds a person to a tenant, or changes what they may do.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the subject or the role cannot be.
    pub async fn put_member(
        &self,
        tenant: &TenantId,
        member: (&str, Role),
        by: &str,
    ) -> Result<Arc<Member>, EngineError> {
        tenancy::put_member(&self.shared, tenant, member, by).await
    }

    /// Removes a person from a tenant.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_member(
        &self,
        tenant: &TenantId,
        subject: &str,
        by: &str,
    ) -> Result<Arc<Member>, EngineError> {
        tenancy::remove_member(&self.shared, tenant, subject, by).await
    }

    /// Entries of a tenant's audit log after that place, in order.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, EngineError> {
        tenancy::audit_page(&self.shared, tenant, after, limit).await
    }

    /// Checks the audit log of a tenant link by link, and against a place and hash that were noted.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn verify_audit(
        &self,
        tenant: &TenantId,
        noted: Option<(u64, String)>,
    ) -> Result<AuditVerdict, EngineError> {
        tenancy::verify_audit(&self.shared, tenant, noted).await
    }
}
