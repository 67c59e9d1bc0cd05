//! The tenant's installed plugins and registered workflows.

use semver::{Version, VersionReq};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, TenantId};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::Collection;

use crate::documents::{self, Place};
use crate::load::draft_by_digest;
use crate::parts::EngineParts;
use crate::request::{EngineError, PluginInfo, WorkflowInfo};

/// Plugins or workflows of one tenant that are listed at once.
pub(crate) const LISTED_MAX: usize = 10_000;

/// All installed plugins of a tenant, in order of name and version.
pub(crate) async fn plugins(
    parts: &EngineParts,
    tenant: &TenantId,
) -> Result<Vec<PluginInfo>, EngineError> {
    listed(parts, tenant, Collection::Plugins, "").await
}

/// The newest plugin of that name in range.
pub(crate) async fn plugin(
    parts: &EngineParts,
    tenant: &TenantId,
    name: &str,
) -> Result<PluginInfo, EngineError> {
    let (plugin, range) = match name.split_once('@') {
        Some((plugin, range)) => (plugin, exact_or_range(range)),
        None => (name, Some(VersionReq::STAR)),
    };
    let versions: Vec<PluginInfo> =
        listed(parts, tenant, Collection::Plugins, &format!("{plugin}@")).await?;
    versions
        .into_iter()
        .filter(|info| {
            range.as_ref().is_some_and(|range| range.matches(&info.admitted.manifest.version))
        })
        .max_by(|left, right| left.admitted.manifest.version.cmp(&right.admitted.manifest.version))
        .ok_or_else(|| EngineError::NotFound { kind: "plugin", name: name.to_owned() })
}

/// A range; a bare version means exactly that one.
fn exact_or_range(text: &str) -> Option<VersionReq> {
    match text.parse::<Version>() {
        Ok(version) => format!("={version}").parse().ok(),
        Err(_) => text.parse().ok(),
    }
}

/// The component of that digest that was let in for the tenant.
pub(crate) async fn component(
    parts: &EngineParts,
    tenant: &TenantId,
    digest: Digest,
) -> Result<Admitted, EngineError> {
    let key = digest.to_string();
    let place = Place { tenant, collection: Collection::Components, key: &key };
    let found = documents::find(parts, place).await?;
    found.ok_or(EngineError::NotFound { kind: "component", name: key })
}

/// All registered workflows of a tenant.
pub(crate) async fn workflows(
    parts: &EngineParts,
    tenant: &TenantId,
) -> Result<Vec<WorkflowInfo>, EngineError> {
    listed(parts, tenant, Collection::Workflows, "").await
}

/// The registered workflow of that name: of that version, else the newest.
pub(crate) async fn workflow(
    parts: &EngineParts,
    tenant: &TenantId,
    name: &str,
    version: Option<&Version>,
) -> Result<(WorkflowInfo, WorkflowDraft), EngineError> {
    let prefix = format!("{name}@");
    let versions: Vec<WorkflowInfo> = listed(parts, tenant, Collection::Workflows, &prefix).await?;
    let info = versions
        .into_iter()
        .filter(|info| version.is_none_or(|version| info.version == *version))
        .max_by(|left, right| left.version.cmp(&right.version))
        .ok_or_else(|| {
            let version = version.map(|version| format!("@{version}")).unwrap_or_default();
            EngineError::NotFound { kind: "workflow", name: format!("{name}{version}") }
        })?;
    let draft = draft_by_digest(parts, tenant, info.digest).await?;
    Ok((info, draft))
}

async fn listed<T: serde::de::DeserializeOwned>(
    parts: &EngineParts,
    tenant: &TenantId,
    collection: Collection,
    prefix: &str,
) -> Result<Vec<T>, EngineError> {
    let found = parts.store.documents(tenant, collection, prefix, None, LISTED_MAX).await?;
    found.into_iter().map(documents::read).collect()
}
