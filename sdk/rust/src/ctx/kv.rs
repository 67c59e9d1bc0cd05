//! Memory that outlives the call. Needs `kv:<scope>`, or `kv:<scope>:ro` to read alone.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ctx;
use crate::Failure;
use crate::json::{read, write};
use crate::kv::{Entry, Page, Scope};

impl Ctx {
    /// Reads a key.
    ///
    /// # Errors
    /// Denied, or the value is no `T`.
    pub fn kv_get<T: DeserializeOwned>(
        &self,
        scope: Scope,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        self.kv_entry(scope, key)?.map(|entry| entry.read()).transpose()
    }

    /// Reads a key together with the version that [`Ctx::kv_swap`] wants.
    ///
    /// # Errors
    /// Denied.
    pub fn kv_entry(&self, scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
        self.host.kv_get(scope, key)
    }

    /// Writes a key; its new version.
    ///
    /// # Errors
    /// Denied, over budget, or the value is no JSON.
    pub fn kv_set(&self, scope: Scope, key: &str, value: &impl Serialize) -> Result<u64, Failure> {
        let value = write("value", value)?;
        Ok(self.host.kv_set(scope, key, &value, None)?.version)
    }

    /// Writes a key that is gone after so long; its new version.
    ///
    /// # Errors
    /// As [`Ctx::kv_set`].
    pub fn kv_set_for(
        &self,
        scope: Scope,
        key: &str,
        value: &impl Serialize,
        time: Duration,
    ) -> Result<u64, Failure> {
        let value = write("value", value)?;
        let ttl_ms = u64::try_from(time.as_millis()).ok();
        Ok(self.host.kv_set(scope, key, &value, ttl_ms)?.version)
    }

    /// Deletes a key; whether it was there.
    ///
    /// # Errors
    /// Denied.
    pub fn kv_delete(&self, scope: Scope, key: &str) -> Result<bool, Failure> {
        self.host.kv_delete(scope, key)
    }

    /// Lists the keys that begin with `prefix`, from `cursor` on, which the page before gave.
    ///
    /// # Errors
    /// Denied.
    pub fn kv_list(
        &self,
        scope: Scope,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, Failure> {
        self.host.kv_list(scope, prefix, limit, cursor)
    }

    /// Writes a key if it is at the version `expected` (none: is absent); whether it was.
    ///
    /// # Errors
    /// As [`Ctx::kv_set`].
    pub fn kv_swap(
        &self,
        scope: Scope,
        key: &str,
        expected: Option<u64>,
        value: &impl Serialize,
    ) -> Result<bool, Failure> {
        let value = write("value", value)?;
        self.host.kv_swap(scope, key, expected, &value)
    }
}

impl Entry {
    /// Its value.
    ///
    /// # Errors
    /// It is no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read("stored value", &self.value)
    }
}
