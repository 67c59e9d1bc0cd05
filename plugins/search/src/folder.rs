//! A folder by reference: its paths, and where their contents are.

use serde::Deserialize;

/// A folder's listing.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Folder {
    /// Its files, in any depth.
    pub files: Vec<File>,
}

/// A file of a folder.
#[derive(Debug, Clone, Deserialize)]
pub struct File {
    /// From the folder, with `/`.
    pub path: String,
    /// Its content.
    pub blob: Blob,
}

/// A content by its digest.
#[derive(Debug, Clone, Deserialize)]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    #[serde(rename = "$blob")]
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// Such as `text/plain`; empty where nobody knows.
    #[serde(default)]
    pub media_type: String,
}

/// Beginnings of media types that hold no lines to search.
const BINARY: [&str; 10] = [
    "image/",
    "audio/",
    "video/",
    "font/",
    "application/zip",
    "application/gzip",
    "application/x-tar",
    "application/pdf",
    "application/wasm",
    "application/java-archive",
];

impl Blob {
    /// Whether the media type alone says that there are no lines. SVG is text.
    pub(crate) fn is_said_to_be_binary(&self) -> bool {
        BINARY.iter().any(|kind| self.media_type.starts_with(kind))
            && !self.media_type.ends_with("+xml")
    }
}
