//! Which version of a plugin new runs get, where somebody said so: what is installed last serves at
//! once, and this is the way back from it.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};
use wforge_model::{PluginName, TenantId, Timestamp};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::Collection;

use crate::catalog;
use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::{Entry, invalid, to_value, write};

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;
/// What stands before the plugin's name in the key of a setting.
const KEY: &str = "version-of/";

/// The version that new runs get of a plugin. Runs that have begun keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionChoice {
    /// The plugin.
    pub plugin: PluginName,
    /// The version.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// Why, in the words of whoever chose.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Who chose.
    pub by: String,
}

/// Those of a tenant, by plugin.
pub(crate) async fn choices(
    shared: &Shared,
    tenant: &TenantId,
) -> Result<BTreeMap<PluginName, VersionChoice>, EngineError> {
    let found =
        shared.parts.store.documents(tenant, Collection::Settings, KEY, None, catalog::LISTED_MAX);
    let read = |document: wforge_ports::store::Document| {
        let choice: VersionChoice = serde_json::from_value(document.value)
            .map_err(|error| EngineError::Host(Box::new(error)))?;
        Ok((choice.plugin.clone(), choice))
    };
    found.await?.into_iter().map(read).collect()
}

/// What new runs may be served by: of a plugin of which a version was chosen, that one alone.
pub(crate) fn chosen(
    offered: impl Iterator<Item = Admitted>,
    choices: &BTreeMap<PluginName, VersionChoice>,
) -> Vec<Admitted> {
    let is_meant = |admitted: &Admitted| {
        let choice = choices.get(&admitted.manifest.name);
        choice.is_none_or(|choice| choice.version == admitted.manifest.version)
    };
    offered.filter(is_meant).collect()
}

/// Has new runs get that version; none: the newest again.
pub(crate) async fn choose(
    shared: &Shared,
    tenant: &TenantId,
    (plugin, version): (PluginName, Option<Version>),
    reason: String,
    by: &str,
) -> Result<Option<VersionChoice>, EngineError> {
    let chars = reason.chars().count();
    if chars > REASON_CHARS_MAX || (chars == 0 && version.is_some()) {
        let message = format!("say why, in at most {REASON_CHARS_MAX} characters");
        return Err(invalid("bad_reason", message));
    }
    let named = match &version {
        Some(version) => format!("{plugin}@{version}"),
        None => plugin.to_string(),
    };
    catalog::plugin(shared, tenant, &named).await?;
    let choice = version.map(|version| VersionChoice {
        plugin: plugin.clone(),
        version,
        reason,
        since: shared.parts.clock.now(),
        by: by.to_owned(),
    });
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Settings,
        key: format!("{KEY}{plugin}"),
        value: choice.as_ref().map(to_value).transpose()?,
        also: Vec::new(),
        action: "plugin.choose",
        resource: choice.as_ref().map_or(format!("{plugin}: the newest"), |_| named),
        by,
    };
    write(shared, entry).await?;
    Ok(choice)
}
