//! The store against the promises of its port.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod corpus;
mod letters;
mod model;
mod opening;
mod sweeping;

use std::path::Path;
use std::sync::Arc;

use wforge_store::{MemoryStore, SledOptions, SledStore, StoreParts};
use wforge_testkit::{SimEntropy, store_conformance, store_durability};

fn entropy() -> Arc<SimEntropy> {
    Arc::new(SimEntropy::new(7))
}

fn sled(dir: &Path) -> SledStore {
    SledStore::open(dir, SledOptions::default(), entropy()).unwrap()
}

/// Everything that the overlay forgets is read from sled.
fn sled_without_copies(dir: &Path) -> SledStore {
    let options =
        SledOptions { copy_bytes_max: 0, segment_bytes: 64 << 10, ..SledOptions::default() };
    SledStore::open(dir, options, entropy()).unwrap()
}

store_conformance!(sled_conforms, sled);
store_conformance!(sled_without_copies_conforms, sled_without_copies);
store_durability!(sled_is_durable, sled);
store_durability!(sled_without_copies_is_durable, sled_without_copies);
store_conformance!(memory, |_dir| MemoryStore::new(StoreParts { entropy: entropy() }));
