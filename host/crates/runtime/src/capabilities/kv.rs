//! `kv`: memory that outlives the call. Requests carry `scope` (`run`, `thread`, `plugin`), then
//! `key` and what the function adds; an entry is `{"key", "value", "version"}`.

use serde::Deserialize;
use serde_json::json;
use wforge_model::Value;
use wforge_model::effect::Operation;

use super::{Wit, answer, typed};
use crate::bindings::workflowforge::plugin::kv::{Entry, Host, Page, Scope};
use crate::guest::state::Guest;

impl Host for Guest {
    async fn get(&mut self, scope: Scope, key: String) -> wasmtime::Result<Wit<Option<Entry>>> {
        let element = json!({ "scope": name(scope), "key": key });
        let result = self.perform(Operation::KvGet, Ok(element)).await?;
        Ok(answer(Operation::KvGet, result, |value| {
            typed::<Option<EntryAnswer>>(value).map(|entry| entry.map(Entry::from))
        }))
    }

    async fn set(
        &mut self,
        scope: Scope,
        key: String,
        value: String,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Wit<Entry>> {
        let element = self.argument("value", &value).map(
            |value| json!({ "scope": name(scope), "key": key, "value": value, "ttl_ms": ttl_ms }),
        );
        let result = self.perform(Operation::KvSet, element).await?;
        Ok(answer(Operation::KvSet, result, |value| typed::<EntryAnswer>(value).map(Entry::from)))
    }

    async fn delete(&mut self, scope: Scope, key: String) -> wasmtime::Result<Wit<bool>> {
        let element = json!({ "scope": name(scope), "key": key });
        let result = self.perform(Operation::KvDelete, Ok(element)).await?;
        Ok(answer(Operation::KvDelete, result, |value| value.as_bool()))
    }

    async fn list(
        &mut self,
        scope: Scope,
        prefix: String,
        limit: u32,
        cursor: Option<String>,
    ) -> wasmtime::Result<Wit<Page>> {
        let element = json!({
            "scope": name(scope), "prefix": prefix, "limit": limit, "cursor": cursor,
        });
        let result = self.perform(Operation::KvList, Ok(element)).await?;
        Ok(answer(Operation::KvList, result, |value| typed::<PageAnswer>(value).map(Page::from)))
    }

    async fn compare_and_swap(
        &mut self,
        scope: Scope,
        key: String,
        expected: Option<u64>,
        value: String,
    ) -> wasmtime::Result<Wit<bool>> {
        let element = self.argument("value", &value).map(|value| {
            json!({ "scope": name(scope), "key": key, "expected": expected, "value": value })
        });
        let result = self.perform(Operation::KvCompareAndSwap, element).await?;
        Ok(answer(Operation::KvCompareAndSwap, result, |value| value.as_bool()))
    }
}

const fn name(scope: Scope) -> &'static str {
    match scope {
        Scope::Run => "run",
        Scope::Thread => "thread",
        Scope::Plugin => "plugin",
    }
}

#[derive(Deserialize)]
struct EntryAnswer {
    key: String,
    value: Value,
    version: u64,
}

impl From<EntryAnswer> for Entry {
    fn from(entry: EntryAnswer) -> Self {
        Self { key: entry.key, value: entry.value.to_string(), version: entry.version }
    }
}

#[derive(Deserialize)]
struct PageAnswer {
    entries: Vec<EntryAnswer>,
    cursor: Option<String>,
}

impl From<PageAnswer> for Page {
    fn from(page: PageAnswer) -> Self {
        Self { entries: page.entries.into_iter().map(Entry::from).collect(), cursor: page.cursor }
    }
}
