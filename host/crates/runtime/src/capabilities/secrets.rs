//! `secrets`: secrets of the operator. The request of `get` is `{"name"}`, its answer
//! `{"version"}`; that of `reveal` is `{"name", "version"}`, its answer the text. A value is never
//! recorded.

use serde_json::json;
use wasmtime::component::Resource;
use wforge_model::effect::Operation;

use super::{Wit, answer};
use crate::bindings::workflowforge::plugin::secrets::{Host, HostSecret};
use crate::guest::state::Guest;

/// A secret that a guest holds: its name and which version it was then, never its value.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HeldSecret {
    pub(crate) name: String,
    pub(crate) version: u64,
}

impl Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Wit<Resource<HeldSecret>>> {
        let element = json!({ "name": name });
        let result = self.perform(Operation::SecretsGet, Ok(element)).await?;
        match answer(Operation::SecretsGet, result, |value| value.get("version")?.as_u64()) {
            Ok(version) => Ok(Ok(self.table.push(HeldSecret { name, version })?)),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

impl HostSecret for Guest {
    async fn reveal(&mut self, secret: Resource<HeldSecret>) -> wasmtime::Result<Wit<String>> {
        let HeldSecret { name, version } = self.table.get(&secret)?;
        let element = json!({ "name": name, "version": version });
        let result = self.perform(Operation::SecretsReveal, Ok(element)).await?;
        Ok(answer(Operation::SecretsReveal, result, |value| value.as_str().map(str::to_owned)))
    }

    async fn drop(&mut self, secret: Resource<HeldSecret>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}
