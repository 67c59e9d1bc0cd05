//! How long what is kept stays.

use wforge_engine::{BlobOptions, RetentionOptions};

use super::Meant;
use super::keys::RawConfig;

impl Meant<'_> {
    pub(super) fn blobs(raw: &RawConfig) -> Option<BlobOptions> {
        Some(BlobOptions { grace_ms: raw.blobs_grace_ms?, sweep_ms: raw.blobs_sweep_ms? })
    }

    pub(super) fn retention(raw: &RawConfig) -> Option<RetentionOptions> {
        Some(RetentionOptions {
            runs_ms: raw.retention_runs_ms?,
            runs_max: raw.retention_runs_max?,
            sweep_ms: raw.retention_sweep_ms?,
        })
    }
}
