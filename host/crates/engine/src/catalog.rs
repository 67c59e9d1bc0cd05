//! The tenant's installed plugins and registered workflows.

use semver::{Version, VersionReq};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, PluginName, TenantId};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::{Collection, Document};

use crate::lists;
use crate::parts::EngineParts;
use crate::request::{EngineError, PluginInfo, WorkflowInfo};
use crate::resolve::fits;
use crate::service::Shared;
use crate::tenancy::platform;
use crate::workflows::draft_by_digest;

/// Plugins or workflows of one tenant that are listed at once.
pub(crate) const LISTED_MAX: usize = 10_000;

/// The plugins that a tenant may use: its own, then those of the platform that it is offered.
pub(crate) async fn plugins(
    shared: &Shared,
    tenant: &TenantId,
) -> Result<Vec<PluginInfo>, EngineError> {
    offered(shared, tenant, "", &from_platform(shared, tenant)).await
}

/// The plugins of the platform that a tenant is offered.
pub(crate) fn from_platform(shared: &Shared, tenant: &TenantId) -> Vec<PluginName> {
    shared.directory.tenant(tenant).map_or_else(Vec::new, |tenant| tenant.plugins.clone())
}

/// The plugins whose keys begin so: the tenant's own, then those of the platform with these names.
pub(crate) async fn offered(
    shared: &Shared,
    tenant: &TenantId,
    prefix: &str,
    from_platform: &[PluginName],
) -> Result<Vec<PluginInfo>, EngineError> {
    let parts = &shared.parts;
    let mut plugins: Vec<PluginInfo> = listed(parts, tenant, Collection::Plugins, prefix).await?;
    if from_platform.is_empty() {
        return Ok(plugins);
    }
    let platform = platform()?;
    let of_platform: Vec<PluginInfo> =
        listed(parts, &platform, Collection::Plugins, prefix).await?;
    let is_own = |info: &PluginInfo| {
        let same = |own: &PluginInfo| {
            let (own, other) = (&own.admitted.manifest, &info.admitted.manifest);
            own.name == other.name && own.version == other.version
        };
        plugins.iter().any(same)
    };
    let offered: Vec<PluginInfo> = of_platform
        .into_iter()
        .filter(|info| from_platform.contains(&info.admitted.manifest.name) && !is_own(info))
        .collect();
    plugins.extend(offered);
    Ok(plugins)
}

/// The newest plugin of that name in range.
pub(crate) async fn plugin(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<PluginInfo, EngineError> {
    let (plugin, range) = match name.split_once('@') {
        Some((plugin, range)) => (plugin, exact_or_range(range)),
        None => (name, Some(VersionReq::STAR)),
    };
    let names = from_platform(shared, tenant);
    let versions = offered(shared, tenant, &format!("{plugin}@"), &names).await?;
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
    match parts.store.document(tenant, Collection::Components, &key).await? {
        Some(document) => read(document),
        None => Err(EngineError::NotFound { kind: "component", name: key }),
    }
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
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    version: Option<&Version>,
) -> Result<(WorkflowInfo, WorkflowDraft), EngineError> {
    let info = registered(shared, tenant, name, version).await?;
    let draft = draft_by_digest(shared, tenant, info.digest).await?;
    Ok((info, draft))
}

/// What is registered under that name: of that version, else the newest.
pub(crate) async fn registered(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    version: Option<&Version>,
) -> Result<WorkflowInfo, EngineError> {
    let newest =
        newest_of(shared, tenant, name, |found| version.is_none_or(|v| v == found)).await?;
    newest.ok_or_else(|| {
        let version = version.map(|version| format!("@{version}")).unwrap_or_default();
        EngineError::NotFound { kind: "workflow", name: format!("{name}{version}") }
    })
}

/// The newest registered workflow of that name in range; none where there is none.
pub(crate) async fn newest_workflow(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    range: Option<&VersionReq>,
) -> Result<Option<WorkflowInfo>, EngineError> {
    newest_of(shared, tenant, name, |version| fits(range, version)).await
}

async fn newest_of(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    is_meant: impl Fn(&Version) -> bool,
) -> Result<Option<WorkflowInfo>, EngineError> {
    let versions = lists::versions(shared, tenant, name).await?;
    let meant = versions.iter().filter(|info| is_meant(&info.version));
    Ok(meant.max_by(|left, right| left.version.cmp(&right.version)).cloned())
}

/// The registered versions of a workflow, from the store.
pub(crate) async fn versions(
    parts: &EngineParts,
    tenant: &TenantId,
    name: &str,
) -> Result<Vec<WorkflowInfo>, EngineError> {
    listed(parts, tenant, Collection::Workflows, &format!("{name}@")).await
}

async fn listed<T: serde::de::DeserializeOwned>(
    parts: &EngineParts,
    tenant: &TenantId,
    collection: Collection,
    prefix: &str,
) -> Result<Vec<T>, EngineError> {
    let documents = parts.store.documents(tenant, collection, prefix, None, LISTED_MAX).await?;
    documents.into_iter().map(read).collect()
}

fn read<T: serde::de::DeserializeOwned>(document: Document) -> Result<T, EngineError> {
    serde_json::from_value(document.value).map_err(|error| EngineError::Host(Box::new(error)))
}
