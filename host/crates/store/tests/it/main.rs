//! The store against the promises of its port.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{SimEntropy, store_conformance};

fn entropy() -> Arc<SimEntropy> {
    Arc::new(SimEntropy::new(7))
}

store_conformance!(memory, |_dir| MemoryStore::new(StoreParts { entropy: entropy() }));
