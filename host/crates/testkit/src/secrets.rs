//! Secrets in a store, as the engine would have kept them.

use serde_json::json;
use wforge_model::secret::SecretVersion;
use wforge_model::{SecretRecord, TenantId, Timestamp, Value};
use wforge_ports::Store;
use wforge_ports::store::{Change, Collection, Put};

/// Keeps a secret whose versions have these values, from 1; one without a value is not kept.
///
/// # Errors
/// The name, or the store.
pub async fn plant_secret(
    store: &dyn Store,
    tenant: &TenantId,
    name: &str,
    values: &[Option<&str>],
    hosts: &[&str],
) -> Result<(), wforge_ports::BoxError> {
    let mut record = SecretRecord::new(name.parse()?);
    record.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut puts = Vec::new();
    for value in values {
        let version = record.next;
        record.next += 1;
        let key = record.name.value_key(version);
        if value.is_some() {
            let at = Timestamp(0);
            record.versions.push(SecretVersion { version, at, by: "test".to_owned() });
        }
        let value = value.map(|value| json!({ "value": value }));
        puts.push(Put { collection: Collection::SecretValues, key, value });
    }
    let value: Value = serde_json::to_value(&record)?;
    puts.push(Put { collection: Collection::Secrets, key: name.to_owned(), value: Some(value) });
    let tenant = tenant.clone();
    let change = Change { tenant, expected: None, puts, audit: Vec::new(), idempotent_reply: None };
    store.change(change).await?;
    Ok(())
}
