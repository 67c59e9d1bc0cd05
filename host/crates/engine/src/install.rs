//! Installing plugins and registering workflows: the documents of the control plane.

use std::sync::Arc;

use wforge_graph::Expressions;
use wforge_model::TenantId;
use wforge_model::defence::{Defence, holds};
use wforge_model::manifest::Manifest;
use wforge_model::trust::SignedComponent;
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::plugins::{AdmissionError, Admitted, Gate, open_gate};
use wforge_ports::store::{AuditDraft, Change, ChangeError, Collection, Put};

use crate::parts::EngineParts;
use crate::request::{EngineError, PluginInfo, PluginStanding, PluginUpload, WorkflowInfo};
use crate::resolve::resolve;
use crate::service::{Shared, check_open};
use crate::tenancy::Directory;
use crate::{trust, workflows};

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
    let admitted = parts.admission.admit(tenant, bytes, gate(parts, open_gate())).await?;
    let key = admitted.component.to_string();
    if parts.store.document(tenant, Collection::Components, &key).await?.is_some() {
        return Ok(admitted);
    }
    let value =
        serde_json::to_value(&admitted).map_err(|error| EngineError::Host(Box::new(error)))?;
    let change = Change {
        tenant: tenant.clone(),
        expected: None,
        puts: vec![Put { collection: Collection::Components, key, value: Some(value) }],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    match parts.store.change(change).await {
        Ok(_) => Ok(admitted),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}

/// What is asked before anything is compiled or kept: whoever else asks, and the schemas.
fn gate(parts: &EngineParts, others: Gate) -> Gate {
    let expressions = Arc::clone(&parts.expressions);
    Box::new(move |manifest| {
        others(manifest)?;
        check_schemas(expressions.as_ref(), manifest)
    })
}

/// Refuses a manifest with a schema that nothing could be held against: every call would fail.
fn check_schemas(expressions: &dyn Expressions, manifest: &Manifest) -> Result<(), AdmissionError> {
    for agent in &manifest.agents {
        let schemas =
            [("input", &agent.input), ("output", &agent.output), ("config", &agent.config)];
        for (of, schema) in schemas {
            expressions.check_schema(schema).map_err(|reason| AdmissionError::Refused {
                code: "bad_schema",
                message: format!("the schema of the {of} of agent {}: {reason}", agent.name),
            })?;
        }
    }
    Ok(())
}

/// Checks a component and keeps it for the tenant's runs. A version is installed once: other bytes
/// under the same name and version are refused; the same bytes with a signature get the signature.
/// The signature is checked before anything is compiled.
pub(crate) async fn plugin(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    upload: PluginUpload,
    by: &str,
) -> Result<PluginInfo, EngineError> {
    Directory::load(shared).await?;
    let parts = &shared.parts;
    let (bytes, verified) = trust::verify(shared, tenant, upload).await?;
    let gate = gate(parts, trust::gate(shared, tenant));
    let admitted = parts.admission.admit(tenant, bytes, gate).await?;
    let key = plugin_key(&admitted);
    if let Some(before) = parts.store.document(tenant, Collection::Plugins, &key).await? {
        let before: PluginInfo = serde_json::from_value(before.value)
            .map_err(|error| EngineError::Host(Box::new(error)))?;
        let info = same_component(before, &admitted, &key)?;
        if let Some(verified) = verified {
            trust::attach(shared, tenant, (&admitted, verified), by).await?;
        }
        return Ok(info);
    }
    let _turn = shared.directory.changing.lock().await;
    check_open(shared, tenant)?;
    let signed = match verified {
        Some(verified) => {
            trust::confirm(shared, tenant, &verified)?;
            trust::not_rolled_back(shared, tenant, &admitted)?;
            Some(trust::signed_put(shared, &admitted, verified, by)?)
        }
        None => None,
    };
    let (signed, put) = signed.unzip();
    let info = PluginInfo {
        admitted,
        installed_at: parts.clock.now(),
        by: by.to_owned(),
        signer: None,
        standing: PluginStanding::default(),
    };
    keep(parts, tenant, (&key, &info), (signed.as_ref(), put)).await?;
    if let Some(signed) = signed {
        trust::know(shared, tenant, signed);
    }
    Ok(info)
}

/// Writes a version that is new, with its signature.
async fn keep(
    parts: &EngineParts,
    tenant: &TenantId,
    (key, info): (&str, &PluginInfo),
    (signed, put): (Option<&SignedComponent>, Option<Put>),
) -> Result<(), EngineError> {
    let value = serde_json::to_value(info).map_err(|error| EngineError::Host(Box::new(error)))?;
    let mut puts =
        vec![Put { collection: Collection::Plugins, key: key.to_owned(), value: Some(value) }];
    puts.extend(put);
    let by_whom = signed.map(|signed| format!(" signed by {}", signed.signer));
    let change = Change {
        tenant: tenant.clone(),
        expected: Some(wforge_model::Version(0)),
        puts,
        audit: vec![AuditDraft {
            at: info.installed_at,
            actor: info.by.clone(),
            action: "plugin.install".into(),
            resource: format!("{key} {}{}", info.admitted.component, by_whom.unwrap_or_default()),
            outcome: "ok".into(),
        }],
        idempotent_reply: None,
    };
    match parts.store.change(change).await {
        Ok(_) => Ok(()),
        Err(ChangeError::Conflict { .. }) => Err(EngineError::Conflict {
            code: "installed_meanwhile",
            message: format!("{key} was installed by somebody else at the same moment; try again"),
        }),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}

fn plugin_key(admitted: &Admitted) -> String {
    format!("{}@{}", admitted.manifest.name, admitted.manifest.version)
}

fn same_component(
    before: PluginInfo,
    admitted: &Admitted,
    key: &str,
) -> Result<PluginInfo, EngineError> {
    if before.admitted.component == admitted.component || !holds(Defence::Identity) {
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
/// refused, and one that uses workflows that are not registered.
pub(crate) async fn workflow(
    shared: &Shared,
    tenant: &TenantId,
    draft: WorkflowDraft,
    by: &str,
) -> Result<WorkflowInfo, EngineError> {
    let parts = &shared.parts;
    let known = workflows::checked(shared, tenant, &draft)?;
    resolve(shared, tenant, known.clone(), &[]).await?;
    workflows::keep(shared, tenant, &known).await?;
    let (draft, digest) = (known.workflow.draft(), known.digest);
    let key = format!("{}@{}", draft.name, draft.version);
    if let Some(before) = parts.store.document(tenant, Collection::Workflows, &key).await? {
        let before: WorkflowInfo = serde_json::from_value(before.value)
            .map_err(|error| EngineError::Host(Box::new(error)))?;
        if before.digest == digest {
            return Ok(before);
        }
        return Err(EngineError::Conflict {
            code: "version_taken",
            message: format!("{key} is registered already and differs; raise its version"),
        });
    }
    let now = parts.clock.now();
    let info = WorkflowInfo {
        name: draft.name.clone(),
        version: draft.version.clone(),
        digest,
        registered_at: now,
    };
    let value = serde_json::to_value(&info).map_err(|error| EngineError::Host(Box::new(error)))?;
    let change = Change {
        tenant: tenant.clone(),
        expected: Some(wforge_model::Version(0)),
        puts: vec![Put { collection: Collection::Workflows, key: key.clone(), value: Some(value) }],
        audit: vec![AuditDraft {
            at: now,
            actor: by.to_owned(),
            action: "workflow.register".into(),
            resource: format!("{key} {digest}"),
            outcome: "ok".into(),
        }],
        idempotent_reply: None,
    };
    match parts.store.change(change).await {
        Ok(_) => Ok(info),
        Err(ChangeError::Conflict { .. }) => Err(EngineError::Conflict {
            code: "registered_meanwhile",
            message: format!("{key} was registered by somebody else at the same moment; try again"),
        }),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}
