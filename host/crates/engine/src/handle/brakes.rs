//! What an operator pulls when a plugin does harm, and what is made ready before an upgrade.

use semver::Version;
use wforge_model::{Digest, PluginName, TenantId};

use super::Handle;
use crate::choice::{self, VersionChoice};
use crate::quarantine::{self, Quarantine};
use crate::request::EngineError;

impl Handle {
    /// Has a component not be called any more, for one tenant or, where none is named, for all.
    /// Its sandboxes are being dropped on return; its runs wait.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] `bad_reason`.
    pub async fn quarantine(
        &self,
        tenant: Option<&TenantId>,
        what: (Digest, String),
        by: &str,
    ) -> Result<Quarantine, EngineError> {
        quarantine::quarantine(&self.shared, tenant, what, by).await
    }

    /// Lets a component be called again; the runs that waited for it go on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where it is in no quarantine of that scope.
    pub async fn release(
        &self,
        tenant: Option<&TenantId>,
        component: Digest,
        by: &str,
    ) -> Result<Quarantine, EngineError> {
        quarantine::release(&self.shared, tenant, component, by).await
    }

    /// The components that are not called: for one tenant, or for all.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn quarantines(
        &self,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<Quarantine>, EngineError> {
        crate::tenancy::Directory::load(&self.shared).await?;
        let all = self.shared.quarantines.all(tenant);
        Ok(all.iter().map(|quarantine| Quarantine::clone(quarantine)).collect())
    }

    /// Has new runs get that version of a plugin; none: the newest again. Runs that have begun keep
    /// theirs.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where it is not installed, [`EngineError::Invalid`] `bad_reason`.
    pub async fn choose_version(
        &self,
        tenant: &TenantId,
        plugin: (PluginName, Option<Version>),
        reason: String,
        by: &str,
    ) -> Result<Option<VersionChoice>, EngineError> {
        choice::choose(&self.shared, tenant, plugin, reason, by).await
    }

    /// Compiles a component where this build of the host has no native code of it yet.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn precompile(
        &self,
        tenant: &TenantId,
        component: Digest,
    ) -> Result<(), EngineError> {
        let prepared = self.shared.parts.runtime.prepare(tenant, component).await;
        prepared.map_err(|error| EngineError::Host(Box::new(error)))
    }
}
