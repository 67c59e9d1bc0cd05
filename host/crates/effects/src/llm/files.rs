//! Blobs in messages: opened before any model is asked, so that each says the same of what it
//! cannot take. Which of them the task may hand on was decided before.
//!
//! A guest says what kind of file it is; how large it is, the bytes say.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use wforge_model::{Digest, Failure, Problem, TenantId, Value};

use super::request::{Part, Request, invalid};
use crate::http::BodyStore;
use crate::references::reference;

/// The images that models take.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// What an image counts where tokens are held for a question, in bytes of text: providers bill an
/// image by its area, up to about 1,600 tokens.
const IMAGE_COUNTS_BYTES: usize = 4_800;

/// The files of a question.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<Digest, Bytes>);

/// A file as a model gets it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum File<'a> {
    Text(&'a str),
    Image { media_type: &'static str, bytes: &'a [u8] },
}

impl File<'_> {
    /// Its media type and size, in words.
    pub(crate) fn told(&self, blob: &Value) -> String {
        let size = match self {
            Self::Text(text) => text.len(),
            Self::Image { bytes, .. } => bytes.len(),
        };
        format!("{}, {size} bytes", media_type(blob))
    }
}

/// The bytes of an image as providers want them.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

impl Files {
    /// Opens all files of a question, or says which of them cannot be taken.
    pub(crate) async fn open(
        store: &dyn BodyStore,
        tenant: &TenantId,
        request: &Request,
        file_bytes_max: usize,
    ) -> Result<Self, Failure> {
        let (mut files, mut total) = (Self::default(), 0_usize);
        for blob in blobs(request) {
            kind_of(blob)?;
            let digest = digest_of(blob)?;
            if let Entry::Vacant(place) = files.0.entry(digest) {
                let found = store.get(tenant, digest).await?;
                let bytes = found
                    .ok_or_else(|| invalid("no_blob", format!("there is no blob {digest}")))?;
                place.insert(bytes);
            }
            let file = files.get(blob)?;
            // Each time that it stands in the question it is sent.
            total = total.saturating_add(match &file {
                File::Text(text) => text.len(),
                File::Image { bytes, .. } => bytes.len(),
            });
            if total > file_bytes_max {
                let message = format!("the files of a question may have {file_bytes_max} bytes");
                return Err(Failure::Limit(Problem::new("file_bytes", message)));
            }
        }
        Ok(files)
    }

    /// The file that a part names.
    pub(crate) fn get(&self, blob: &Value) -> Result<File<'_>, Failure> {
        let digest = digest_of(blob)?;
        let missing = || invalid("no_blob", format!("there is no blob {digest}"));
        let bytes = self.0.get(&digest).ok_or_else(missing)?;
        match kind_of(blob)? {
            Kind::Image(media_type) => Ok(File::Image { media_type, bytes }),
            Kind::Text => std::str::from_utf8(bytes).map(File::Text).map_err(|_| {
                let message = format!("the blob {digest} is said to be text and is no UTF-8");
                invalid("blob_text", message)
            }),
        }
    }

    /// What they count where tokens are held, in bytes of text.
    pub(crate) fn counted_bytes(&self, request: &Request) -> usize {
        let count = |blob| match self.get(blob) {
            Ok(File::Text(text)) => text.len(),
            Ok(File::Image { .. }) => IMAGE_COUNTS_BYTES,
            Err(_) => 0,
        };
        blobs(request).map(count).sum()
    }
}

enum Kind {
    Text,
    Image(&'static str),
}

fn blobs(request: &Request) -> impl Iterator<Item = &Value> {
    request.messages.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::Blob { blob } => Some(blob),
        Part::Text { .. } | Part::ToolCall(_) | Part::ToolResult(_) | Part::Other { .. } => None,
    })
}

fn digest_of(blob: &Value) -> Result<Digest, Failure> {
    let wrong = || invalid("blob_reference", "a part of the type blob has no reference to one");
    reference(blob).ok_or_else(wrong)
}

/// The media type without its parameters.
fn media_type(blob: &Value) -> &str {
    let said = blob.get("media_type").and_then(Value::as_str).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim()
}

fn kind_of(blob: &Value) -> Result<Kind, Failure> {
    let said = media_type(blob);
    if said.starts_with("text/") {
        return Ok(Kind::Text);
    }
    let image = IMAGES.into_iter().find(|image| said.eq_ignore_ascii_case(image));
    image.map(Kind::Image).ok_or_else(|| {
        let images = IMAGES.join(", ");
        let message =
            format!("models take files of text/… and {images}, not of {said:?}; pass what it says");
        invalid("blob_media_type", message)
    })
}
