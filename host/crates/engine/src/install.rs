//! Installing plugins and registering workflows: the documents of the control plane.

use wforge_model::TenantId;
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::plugins::{AdmissionError, Admitted};
use wforge_ports::store::Collection;

use crate::documents::{self, Act, Place};
use crate::load::{checked, keep_draft};
use crate::parts::EngineParts;
use crate::request::{EngineError, PluginInfo, WorkflowInfo};

const INSTALL: Act =
    Act { action: "plugin.install", done: "installed", meanwhile: "installed_meanwhile" };
const REGISTER: Act =
    Act { action: "workflow.register", done: "registered", meanwhile: "registered_meanwhile" };

impl From<AdmissionError> for EngineError {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Refused { code, message } => {
                Self::Invalid { code, message, details: Vec::new() }
            }
            AdmissionError::Host(source) => Self::Host(source),
        }
    }
}

/// Checks a component and keeps what was found, so that a run can be started with it by digest.
pub(crate) async fn component(
    parts: &EngineParts,
    tenant: &TenantId,
    bytes: Vec<u8>,
) -> Result<Admitted, EngineError> {
    let admitted = parts.admission.admit(tenant, bytes).await?;
    let key = admitted.component.to_string();
    let place = Place { tenant, collection: Collection::Components, key: &key };
    documents::keep(parts, place, &admitted).await?;
    Ok(admitted)
}

/// Checks a component and keeps it for the tenant's runs. A version is installed once: other bytes
/// under the same name and version are refused.
pub(crate) async fn plugin(
    parts: &EngineParts,
    tenant: &TenantId,
    bytes: Vec<u8>,
    by: &str,
) -> Result<PluginInfo, EngineError> {
    let admitted = parts.admission.admit(tenant, bytes).await?;
    let key = format!("{}@{}", admitted.manifest.name, admitted.manifest.version);
    let place = Place { tenant, collection: Collection::Plugins, key: &key };
    if let Some(before) = documents::find::<PluginInfo>(parts, place).await? {
        return same_component(before, &admitted, &key);
    }
    let digest = admitted.component;
    let info = PluginInfo { admitted, installed_at: parts.clock.now(), by: by.to_owned() };
    documents::make(parts, place, &info, &INSTALL.of(digest, by, info.installed_at)).await?;
    Ok(info)
}

fn same_component(
    before: PluginInfo,
    admitted: &Admitted,
    key: &str,
) -> Result<PluginInfo, EngineError> {
    if before.admitted.component == admitted.component {
        return Ok(before);
    }
    Err(EngineError::Conflict {
        code: "version_taken",
        message: format!(
            "{key} is installed already with other bytes ({}); raise the version in plugin.toml",
            before.admitted.component
        ),
    })
}

/// Registers a workflow under its name and version; another workflow of the same version is
/// refused.
pub(crate) async fn workflow(
    parts: &EngineParts,
    tenant: &TenantId,
    draft: WorkflowDraft,
    by: &str,
) -> Result<WorkflowInfo, EngineError> {
    let workflow = checked(parts, draft)?;
    let draft = workflow.draft();
    let digest = keep_draft(parts, tenant, draft).await?;
    let key = workflow.title();
    let place = Place { tenant, collection: Collection::Workflows, key: &key };
    if let Some(before) = documents::find::<WorkflowInfo>(parts, place).await? {
        if before.digest == digest {
            return Ok(before);
        }
        return Err(EngineError::Conflict {
            code: "version_taken",
            message: format!("{key} is registered already and differs; raise its version"),
        });
    }
    let info = WorkflowInfo {
        name: draft.name.clone(),
        version: draft.version.clone(),
        digest,
        registered_at: parts.clock.now(),
    };
    documents::make(parts, place, &info, &REGISTER.of(digest, by, info.registered_at)).await?;
    Ok(info)
}
