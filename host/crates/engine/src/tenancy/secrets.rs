//! Secrets of a tenant: set, listed without values, removed.
//!
//! What is shown and each value are documents of their own; the store binds a value's seal to its
//! key, which is tenant, name and version. Nothing here gives a value back.

use serde_json::json;
use wforge_model::secret::{SecretVersion, check_value};
use wforge_model::{HttpRule, SecretName, SecretRecord, TenantId, Version};
use wforge_ports::store::{Collection, Document, Put};

use super::directory::PageOf;
use super::tenants::living;
use super::{Entry, invalid, to_value, within_storage, write};
use crate::request::EngineError;
use crate::service::Shared;

/// Names of one tenant for each secret that it may have: those of removed ones are kept.
const NAMES_PER_SECRET: usize = 16;

/// What a secret becomes.
pub struct SecretPut {
    /// Its name.
    pub name: SecretName,
    /// Its value from now on.
    pub value: String,
    /// For which requests the host fills it in; none: as before.
    pub hosts: Option<Vec<String>>,
}

/// Without the value.
impl std::fmt::Debug for SecretPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretPut").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The secrets of a tenant by name, without their values.
pub(crate) async fn secrets_of(
    shared: &Shared,
    tenant: &TenantId,
) -> Result<Vec<SecretRecord>, EngineError> {
    let mut all = all(shared, tenant).await?;
    all.retain(|record| record.current().is_some());
    Ok(all)
}

/// Sets a secret: a new one, or a new version.
pub(crate) async fn put_secret(
    shared: &Shared,
    tenant: &TenantId,
    SecretPut { name, value, hosts }: SecretPut,
    by: &str,
) -> Result<SecretRecord, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    living(shared, tenant)?;
    within_storage(shared, tenant)?;
    let limits = &shared.options.secrets;
    check_value(&value, limits.value_bytes_max)
        .map_err(|error| invalid("bad_secret", error.to_string()))?;
    let hosts = hosts.map(|hosts| check_hosts(hosts, limits.hosts_max)).transpose()?;
    let (expected, mut record) = found(shared, tenant, &name).await?;
    if record.current().is_none() {
        check_count(shared, tenant).await?;
    }
    let version = record.next;
    record.next = version.saturating_add(1);
    record.hosts = hosts.unwrap_or(record.hosts);
    let at = shared.parts.clock.now();
    record.versions.push(SecretVersion { version, at, by: by.to_owned() });
    let mut also = vec![Put {
        collection: Collection::SecretValues,
        key: name.value_key(version),
        value: Some(json!({ "value": value })),
    }];
    let old = record.versions.len().saturating_sub(limits.versions_max);
    also.extend(record.versions.drain(..old).map(|old| gone(&name, old.version)));
    let resource = format!("{name} version {version}");
    save(shared, (tenant, by), (expected, &record), also, ("secret.put", resource)).await?;
    Ok(record)
}

/// Removes a secret with all of its values.
pub(crate) async fn remove_secret(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    by: &str,
) -> Result<SecretRecord, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let missing = || EngineError::NotFound { kind: "secret", name: name.to_owned() };
    let name: SecretName = name.parse().map_err(|_| missing())?;
    let (expected, before) = found(shared, tenant, &name).await?;
    if before.current().is_none() {
        return Err(missing());
    }
    let values = before.versions.iter().map(|old| gone(&name, old.version)).collect();
    let record = SecretRecord { next: before.next, ..SecretRecord::new(name.clone()) };
    let audited = ("secret.remove", name.to_string());
    save(shared, (tenant, by), (expected, &record), values, audited).await?;
    Ok(before)
}

async fn all(shared: &Shared, tenant: &TenantId) -> Result<Vec<SecretRecord>, EngineError> {
    PageOf(Collection::Secrets).all(shared, tenant).await
}

/// How a secret stands, and the version of its document.
async fn found(
    shared: &Shared,
    tenant: &TenantId,
    name: &SecretName,
) -> Result<(Version, SecretRecord), EngineError> {
    let store = &shared.parts.store;
    match store.document(tenant, Collection::Secrets, name.as_str()).await? {
        None => Ok((Version(0), SecretRecord::new(name.clone()))),
        Some(Document { version, value, .. }) => {
            let record = serde_json::from_value(value);
            Ok((version, record.map_err(|error| EngineError::Host(Box::new(error)))?))
        }
    }
}

async fn check_count(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    let count_max = shared.options.secrets.count_max;
    let all = all(shared, tenant).await?;
    let live = all.iter().filter(|record| record.current().is_some()).count();
    if live < count_max && all.len() < count_max.saturating_mul(NAMES_PER_SECRET) {
        return Ok(());
    }
    let message = format!(
        "the tenant has {live} secrets and has used {} names; it may have {count_max} \
         (limits.secrets.count_max): remove what nobody uses, or use a name again",
        all.len()
    );
    Err(EngineError::Conflict { code: "too_many_secrets", message })
}

/// The rules in their shortest form.
fn check_hosts(hosts: Vec<String>, hosts_max: usize) -> Result<Vec<String>, EngineError> {
    if hosts.len() > hosts_max {
        let message =
            format!("a secret is for at most {hosts_max} hosts (limits.secrets.hosts_max)");
        return Err(invalid("too_many_hosts", message));
    }
    let check = |text: String| match HttpRule::parse(&text).map(|rule| rule.to_string()) {
        Ok(rule) if rule == "*" || rule.ends_with("@*") => {
            Err(invalid("bad_host", "a secret names its hosts: * would send it anywhere"))
        }
        Ok(rule) => Ok(rule),
        Err(error) => Err(invalid("bad_host", format!("\"{text}\" is no host: {error}"))),
    };
    hosts.into_iter().map(check).collect()
}

fn gone(name: &SecretName, version: u64) -> Put {
    Put { collection: Collection::SecretValues, key: name.value_key(version), value: None }
}

async fn save(
    shared: &Shared,
    (tenant, by): (&TenantId, &str),
    (expected, record): (Version, &SecretRecord),
    also: Vec<Put>,
    (action, resource): (&'static str, String),
) -> Result<(), EngineError> {
    let entry = Entry {
        tenant,
        expected: Some(expected),
        collection: Collection::Secrets,
        key: record.name.to_string(),
        value: Some(to_value(record)?),
        also,
        action,
        resource,
        by,
    };
    write(shared, entry).await
}
