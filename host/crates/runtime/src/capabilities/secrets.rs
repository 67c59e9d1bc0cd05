//! `secrets`: secrets of the operator. Requests: `{"name"}`; the answer of `get` is
//! `{"version": n}`, that of `reveal` the text. A value is never recorded.

use serde_json::json;
use wasmtime::component::Resource;
use wforge_model::effect::Operation;

use super::{Wit, answer};
use crate::bindings::workflowforge::plugin::secrets::{Host, HostSecret};
use crate::guest::state::Guest;

/// A secret that a guest holds: its name, never its value.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HeldSecret {
    pub(crate) name: String,
}

impl Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Wit<Resource<HeldSecret>>> {
        let element = json!({ "name": name });
        let result = self.perform(Operation::SecretsGet, Ok(element)).await?;
        match answer(Operation::SecretsGet, result, |value| value.get("version").cloned()) {
            Ok(_version) => Ok(Ok(self.table.push(HeldSecret { name })?)),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

impl HostSecret for Guest {
    async fn reveal(&mut self, secret: Resource<HeldSecret>) -> wasmtime::Result<Wit<String>> {
        let element = json!({ "name": self.table.get(&secret)?.name });
        let result = self.perform(Operation::SecretsReveal, Ok(element)).await?;
        Ok(answer(Operation::SecretsReveal, result, |value| value.as_str().map(str::to_owned)))
    }

    async fn drop(&mut self, secret: Resource<HeldSecret>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}
