//! Blobs that nothing names any more, and how they go.
//!
//! Two looks at least a grace time apart must both find a blob unnamed before it is removed: the
//! first notes it, whoever keeps the same bytes again takes the note away in the same commit, and
//! only a blob whose note is old enough goes. So a reference that is on its way from one row to
//! another, or from an upload to the run that will name it, has the grace time to arrive.

use wforge_model::{Digest, TenantId, Timestamp};

/// A blob, and whether anything that is kept names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptBlob {
    /// Its digest.
    pub digest: Digest,
    /// What it takes in the store, in bytes.
    pub bytes: u64,
    /// Whether a row names it: of a run, a record, a plugin's memory, a thread, a document, or a
    /// reply that has not expired. Whoever only spells its digest counts as well.
    pub is_named: bool,
    /// Since when it is known that nothing does; none: it is not noted.
    pub unnamed_since: Option<Timestamp>,
}

/// Blobs in order of their digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobPage {
    /// The blobs.
    pub blobs: Vec<KeptBlob>,
    /// Whether more come after them.
    pub has_more: bool,
}

/// What follows from a look at a tenant's blobs, all or nothing.
#[derive(Debug, Clone)]
pub struct BlobSweep {
    /// Whose blobs they are.
    pub tenant: TenantId,
    /// Found named: a note goes.
    pub named: Vec<Digest>,
    /// Found unnamed: a note is made where there is none, and a blob goes whose note is old enough.
    pub unnamed: Vec<Digest>,
    /// The time now, which a new note says.
    pub now: Timestamp,
    /// A note is old enough that was made at that moment or before.
    pub noted_by: Timestamp,
}
