//! Plugins and workflows of a tenant.

use std::collections::BTreeMap;

use semver::Version;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, PluginName, TenantId};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::{BlobPage, Change};

use super::Handle;
use crate::choice::VersionChoice;
use crate::notes::{Note, What};
use crate::quarantine::Quarantine;
use crate::request::{EngineError, PluginInfo, PluginStanding, PluginUpload, WorkflowInfo};
use crate::retention::{self, Retired};
use crate::sweep::{self, BlobsSwept, SweepMode};
use crate::tenancy::Directory;
use crate::{catalog, choice, install, tenancy, trust, workflows};

impl Handle {
    /// Installs a plugin, or attaches a signature to a version that is installed.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it is not let in: what admission finds, or `unsigned`,
    /// `unknown_signer`, `bad_signature`, `revoked_key`, `below_minimum`.
    pub async fn install_plugin(
        &self,
        tenant: &TenantId,
        upload: impl Into<PluginUpload>,
        by: &str,
    ) -> Result<PluginInfo, EngineError> {
        let _named_soon = self.shared.components.read().await;
        tenancy::within_storage(&self.shared, tenant)?;
        let installed = Box::pin(install::plugin(&self.shared, tenant, upload.into(), by)).await;
        let mut info = self.noted((tenant, by), What::Plugin, "a component", installed).await?;
        tenancy::ask_for_needs(&self.shared, tenant, &info.admitted, by).await?;
        let choices = choice::choices(&self.shared, tenant).await?;
        self.stands(tenant, &mut info, &choices);
        Ok(info)
    }

    /// Checks a plugin and keeps its component without installing it; a run can start with it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it is not let in.
    pub async fn admit_plugin(
        &self,
        tenant: &TenantId,
        bytes: Vec<u8>,
        by: &str,
    ) -> Result<Admitted, EngineError> {
        let _named_soon = self.shared.components.read().await;
        tenancy::within_storage(&self.shared, tenant)?;
        let admitted = install::component(&self.shared.parts, tenant, bytes).await;
        self.noted((tenant, by), What::Plugin, "a component", admitted).await
    }

    /// A workflow file was refused before it came here; `code` is that of its first problem.
    pub async fn workflow_refused(&self, tenant: &TenantId, by: &str, file: &str, code: &str) {
        self.note_refusal((tenant, by), What::Workflow, file, code).await;
    }

    /// The same result, noted where it is a refusal.
    async fn noted<T>(
        &self,
        who: (&TenantId, &str),
        what: What,
        resource: &str,
        result: Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        if let Err(EngineError::Invalid { code, .. } | EngineError::Conflict { code, .. }) = &result
        {
            self.note_refusal(who, what, resource, code).await;
        }
        result
    }

    pub(super) async fn note_refusal(
        &self,
        (tenant, by): (&TenantId, &str),
        what: What,
        resource: &str,
        code: &str,
    ) {
        let at = self.shared.parts.clock.now();
        let note = Note { what, code, actor: by, resource: resource.to_owned(), at };
        let Some(entry) = self.shared.notes.note(tenant, &note) else { return };
        let change = Change {
            tenant: tenant.clone(),
            expected: None,
            puts: Vec::new(),
            audit: vec![entry],
            idempotent_reply: None,
        };
        if let Err(error) = self.shared.parts.store.change(change).await {
            tracing::warn!(%error, "a refusal is in no audit log");
        }
    }

    /// Keeps bytes that an input names by their digest; durable on return.
    ///
    /// # Errors
    /// [`EngineError::Quota`] where the tenant's storage is full.
    pub async fn put_blob(&self, tenant: &TenantId, bytes: Vec<u8>) -> Result<Digest, EngineError> {
        tenancy::within_storage(&self.shared, tenant)?;
        let kept = self.shared.parts.store.put_blob(tenant, bytes).await;
        kept.map_err(|error| EngineError::Host(Box::new(error)))
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's blob too.
    pub async fn blob(&self, tenant: &TenantId, digest: Digest) -> Result<Vec<u8>, EngineError> {
        let found = self.shared.parts.store.blob(tenant, digest).await?;
        found.ok_or_else(|| EngineError::NotFound { kind: "blob", name: digest.to_string() })
    }

    /// At most `limit` blobs of the tenant after that digest, and whether anything names them. It
    /// reads every row of the tenant, so one such look goes on at a time.
    ///
    /// # Errors
    /// [`EngineError::Busy`] where blobs are being looked through already.
    pub async fn blobs(
        &self,
        tenant: &TenantId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<BlobPage, EngineError> {
        sweep::page(&self.shared, tenant, after, limit).await
    }

    /// Looks for blobs of the tenant that nothing names, and removes those of which that has been
    /// known for the grace time.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn sweep_blobs(
        &self,
        tenant: &TenantId,
        mode: SweepMode,
    ) -> Result<BlobsSwept, EngineError> {
        sweep::sweep(&self.shared, tenant, mode).await
    }

    /// Looks for runs of the tenant that were kept long enough since they ended, for threads of
    /// which all runs are such ones, and for replies under idempotency keys that have expired, and
    /// removes them: by the clock as it stands, since somebody asked.
    ///
    /// # Errors
    /// Only the host's own; what went until then has gone.
    pub async fn retire(&self, tenant: &TenantId) -> Result<Retired, EngineError> {
        retention::retire(&self.shared, tenant, self.shared.parts.clock.now()).await
    }

    /// A component of the tenant that was let in.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's component too.
    pub async fn component(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Admitted, EngineError> {
        catalog::component(&self.shared.parts, tenant, digest).await
    }

    /// The tenant's plugins.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn plugins(&self, tenant: &TenantId) -> Result<Vec<PluginInfo>, EngineError> {
        Directory::load(&self.shared).await?;
        let mut plugins = catalog::plugins(&self.shared, tenant).await?;
        let choices = choice::choices(&self.shared, tenant).await?;
        plugins.iter_mut().for_each(|plugin| self.stands(tenant, plugin, &choices));
        Ok(plugins)
    }

    /// The newest plugin of that `publisher/name[@range]`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn plugin(&self, tenant: &TenantId, name: &str) -> Result<PluginInfo, EngineError> {
        Directory::load(&self.shared).await?;
        let mut plugin = catalog::plugin(&self.shared, tenant, name).await?;
        let choices = choice::choices(&self.shared, tenant).await?;
        self.stands(tenant, &mut plugin, &choices);
        Ok(plugin)
    }

    fn stands(
        &self,
        tenant: &TenantId,
        plugin: &mut PluginInfo,
        choices: &BTreeMap<PluginName, VersionChoice>,
    ) {
        let (shared, component) = (&self.shared, plugin.admitted.component);
        let quarantine = shared.quarantines.of(tenant, component);
        plugin.standing = PluginStanding {
            quarantine: quarantine.map(|quarantine| Quarantine::clone(&quarantine)),
            chosen: choices.get(&plugin.admitted.manifest.name).cloned(),
            circuit: shared.breakers.circuit(tenant, component, shared.parts.clock.now()),
            distrust: trust::judge_admitted(shared, tenant, &plugin.admitted).err(),
        };
        plugin.signer = shared.trust.signer(tenant, component);
    }

    /// Registers a workflow.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it cannot run, [`EngineError::Conflict`] where its version is
    /// taken by another.
    pub async fn register_workflow(
        &self,
        tenant: &TenantId,
        draft: WorkflowDraft,
        by: &str,
    ) -> Result<WorkflowInfo, EngineError> {
        tenancy::within_storage(&self.shared, tenant)?;
        let file = format!("{}@{}", draft.name, draft.version);
        let registered = install::workflow(&self.shared, tenant, draft, by).await;
        self.noted((tenant, by), What::Workflow, &file, registered).await
    }

    /// The tenant's registered workflows.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn workflows(&self, tenant: &TenantId) -> Result<Vec<WorkflowInfo>, EngineError> {
        catalog::workflows(&self.shared.parts, tenant).await
    }

    /// A registered workflow; the newest where no version is given.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn workflow(
        &self,
        tenant: &TenantId,
        name: &str,
        version: Option<&Version>,
    ) -> Result<(WorkflowInfo, WorkflowDraft), EngineError> {
        catalog::workflow(&self.shared, tenant, name, version).await
    }

    /// The workflow of a digest, such as the one that a run is pinned to.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn workflow_by_digest(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<WorkflowDraft, EngineError> {
        workflows::draft_by_digest(&self.shared, tenant, digest).await
    }
}
