//! `blobs`: large values by reference. A blob that is written gathers here and becomes one request
//! at its end: `{"media_type", "base64"}`, answered by its reference. Request of a read: `{"blob",
//! "offset", "len"}`, answered by base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use wasmtime::component::Resource;
use wforge_model::effect::Operation;
use wforge_model::{Failure, Problem};

use super::{Wit, answer, blob, to_wit, wit};
use crate::bindings::workflowforge::plugin::blobs::{Host, HostWriter};
use crate::guest::state::Guest;

/// The largest blob that a guest can write in one go, in bytes.
const BLOB_BYTES_MAX: usize = 8 << 20;

/// A blob that is being written.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct OpenBlob {
    media_type: String,
    bytes: Vec<u8>,
}

impl Host for Guest {
    async fn create(&mut self, media_type: String) -> wasmtime::Result<Wit<Resource<OpenBlob>>> {
        self.count_call()?;
        Ok(Ok(self.table.push(OpenBlob { media_type, bytes: Vec::new() })?))
    }

    async fn read(
        &mut self,
        blob: wit::BlobRef,
        offset: u64,
        len: u32,
    ) -> wasmtime::Result<Wit<Vec<u8>>> {
        let element = blob::to_json(self, &blob)
            .map(|blob| json!({ "blob": blob, "offset": offset, "len": len }));
        let result = self.perform(Operation::BlobsRead, element).await?;
        Ok(answer(Operation::BlobsRead, result, |value| STANDARD.decode(value.as_str()?).ok()))
    }
}

impl HostWriter for Guest {
    async fn append(
        &mut self,
        writer: Resource<OpenBlob>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Wit<()>> {
        self.count_call()?;
        let open = self.table.get_mut(&writer)?;
        if open.bytes.len().saturating_add(bytes.len()) > BLOB_BYTES_MAX {
            let message = format!("a blob may have at most {BLOB_BYTES_MAX} bytes");
            return Ok(Err(to_wit(&Failure::Limit(Problem::new("blob_bytes", message)))));
        }
        open.bytes.extend_from_slice(&bytes);
        Ok(Ok(()))
    }

    async fn finish(&mut self, writer: Resource<OpenBlob>) -> wasmtime::Result<Wit<wit::BlobRef>> {
        let open = self.table.get_mut(&writer)?;
        let bytes = std::mem::take(&mut open.bytes);
        let element = json!({ "media_type": open.media_type, "base64": STANDARD.encode(bytes) });
        let result = self.perform(Operation::BlobsCreate, Ok(element)).await?;
        Ok(answer(Operation::BlobsCreate, result, |value| blob::from_json(&value)))
    }

    async fn drop(&mut self, writer: Resource<OpenBlob>) -> wasmtime::Result<()> {
        self.table.delete(writer)?;
        Ok(())
    }
}
