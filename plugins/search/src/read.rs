//! Reads one file in ranges, as far as it is text.

use workflowforge_sdk::bindings::workflowforge::plugin::blobs;
use workflowforge_sdk::{BlobRef, Denial, Failure};

use crate::folder::Blob;

/// How much of one file is read, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 4 << 20;
/// The first range: enough to tell text from binary, and all of most files.
const FIRST_RANGE_BYTES: u32 = 64 << 10;
/// Each further range.
const RANGE_BYTES: u32 = 256 << 10;
/// How far a byte that no text has is looked for.
const SNIFF_BYTES: usize = 8 << 10;

/// Where contents come from.
pub trait Blobs {
    /// At most `len` bytes from `offset`; fewer where the blob ends.
    ///
    /// # Errors
    /// The blob cannot be read.
    fn read(&self, blob: &Blob, offset: u64, len: u32) -> Result<Vec<u8>, Failure>;
}

/// The host's blobs.
#[derive(Debug)]
pub(crate) struct Host;

impl Blobs for Host {
    fn read(&self, blob: &Blob, offset: u64, len: u32) -> Result<Vec<u8>, Failure> {
        if !cfg!(target_family = "wasm") {
            return Err(Failure::Denied(Denial {
                capability: "blobs".to_owned(),
                resource: blob.digest.clone(),
                hint: "no host is here; a native test hands in Blobs of its own".to_owned(),
            }));
        }
        let blob = BlobRef {
            digest: blob.digest.clone(),
            size: blob.size,
            media_type: blob.media_type.clone(),
            extra: "{}".to_owned(),
        };
        blobs::read(&blob, offset, len)
    }
}

/// A file's text, or what there is instead.
#[derive(Debug)]
pub(crate) enum Content {
    /// Its bytes, to the limit; `cut` where there are more.
    Text { bytes: Vec<u8>, cut: bool },
    /// No text.
    Binary,
}

/// Reads the file, at most `bytes_max` of it.
pub(crate) fn content(blob: &Blob, bytes_max: u64, blobs: &dyn Blobs) -> Result<Content, Failure> {
    if blob.is_said_to_be_binary() {
        return Ok(Content::Binary);
    }
    let wanted = blob.size.min(FILE_BYTES_MAX).min(bytes_max);
    let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
    while (bytes.len() as u64) < wanted {
        let offset = bytes.len() as u64;
        let range = if offset == 0 { FIRST_RANGE_BYTES } else { RANGE_BYTES };
        let len = u32::try_from(wanted - offset).unwrap_or(range).min(range);
        let read = blobs.read(blob, offset, len)?;
        if read.is_empty() {
            break;
        }
        if offset == 0 && read.iter().take(SNIFF_BYTES).any(|byte| *byte == 0) {
            return Ok(Content::Binary);
        }
        bytes.extend_from_slice(&read);
    }
    let cut = blob.size > bytes.len() as u64;
    Ok(Content::Text { bytes, cut })
}
