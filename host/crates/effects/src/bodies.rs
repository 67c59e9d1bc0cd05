//! Bodies of requests and responses that are kept as blobs.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use wforge_model::{Digest, Failure, Problem, TenantId};
use wforge_ports::Store;

use crate::http::BodyStore;

/// Bodies in the store. Which of them a task may send was decided before.
#[derive(Clone)]
pub struct StoredBodies(Arc<dyn Store>);

impl StoredBodies {
    /// Bodies in that store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

impl fmt::Debug for StoredBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBodies").finish_non_exhaustive()
    }
}

impl BodyStore for StoredBodies {
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, Failure>> {
        Box::pin(async move { self.0.put_blob(tenant, bytes).await.map_err(|e| unkept(&e)) })
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, Failure>> {
        Box::pin(async move { self.0.blob(tenant, digest).await.map_err(|e| unkept(&e)) })
    }
}

fn unkept(error: &dyn std::error::Error) -> Failure {
    tracing::error!(%error, "a body cannot be kept or read");
    Failure::Failed(Problem::new("body_store", "the host could not keep or read a body"))
}
