//! Files and large values by reference. Needs no grant; a task may open the references in its own
//! input and those that it wrote.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Ctx;
use crate::Failure;
use crate::bindings::workflowforge::plugin::types::BlobRef;

impl Ctx {
    /// Writes a blob, at most 8 MiB.
    ///
    /// # Errors
    /// Over budget.
    pub fn blob_write(&self, media_type: &str, bytes: &[u8]) -> Result<Blob, Failure> {
        self.host.blob_write(media_type, bytes)
    }

    /// Reads at most `len` bytes from `offset`; fewer where the blob ends.
    ///
    /// # Errors
    /// Denied, or over budget.
    pub fn blob_read(&self, blob: &Blob, offset: u64, len: u32) -> Result<Vec<u8>, Failure> {
        self.host.blob_read(blob, offset, len)
    }
}

/// A file or large value, by the digest of its content. As JSON, in inputs and outputs, it is
/// `{"$blob": digest, "size": bytes, "media_type": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    #[serde(rename = "$blob")]
    pub digest: String,
    /// Size in bytes.
    pub size: u64,
    /// Media type, such as `text/markdown`.
    pub media_type: String,
    /// Room to grow.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl From<BlobRef> for Blob {
    fn from(blob: BlobRef) -> Self {
        Self {
            digest: blob.digest,
            size: blob.size,
            media_type: blob.media_type,
            // The host writes an object here, `{}` where there is nothing.
            extra: serde_json::from_str(&blob.extra).unwrap_or_default(),
        }
    }
}

impl From<&Blob> for BlobRef {
    fn from(blob: &Blob) -> Self {
        Self {
            digest: blob.digest.clone(),
            size: blob.size,
            media_type: blob.media_type.clone(),
            extra: Value::Object(blob.extra.clone()).to_string(),
        }
    }
}
