//! `blobs`: large values by reference. What is created is durable before its reference is recorded.
//! A read is not recorded, since a digest says what there is to read; it takes no position.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;
use wforge_model::{Denial, Digest, Failure, Problem, TenantId, Value};
use wforge_ports::BoxFuture;
use wforge_ports::Store;
use wforge_ports::effects::EffectsError;
use wforge_ports::figures::Kept;
use wforge_ports::store::{ChangeError, ReadError};

use crate::http::BodyStore;
use crate::references::reference;
use crate::request::Asked;
use crate::session::{Answer, Session, Stop, of_read};

/// The longest media type, in bytes.
const MEDIA_TYPE_BYTES_MAX: usize = 255;
/// Blobs that are held at once, whatever their size.
const HELD_BLOBS_MAX: usize = 64;

/// How much of blobs there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobLimits {
    /// The largest blob that a guest writes, in bytes.
    pub blob_bytes_max: usize,
    /// The most that one read gives, in bytes.
    pub read_bytes_max: usize,
    /// What the host holds of blobs that were read lately, in bytes over all tenants.
    pub held_bytes_max: usize,
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self { blob_bytes_max: 8 << 20, read_bytes_max: 8 << 20, held_bytes_max: 64 << 20 }
    }
}

/// Why a blob was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    /// The guest asked for what may not be: tell it so.
    #[error("{0}")]
    Refused(Failure),
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] wforge_ports::BoxError),
}

/// The blobs of all tenants, with those at hand that were read lately: whoever reads a large one in
/// pieces would have the store open it whole for each. Clones share what is at hand.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn Store>,
    held: Arc<Mutex<Held>>,
    limits: BlobLimits,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The blobs at hand, those that were read last at the end.
#[derive(Default)]
struct Held {
    blobs: VecDeque<(TenantId, Digest, Bytes)>,
    bytes: usize,
    /// Tenants that were erased, of which a read that was under way must leave nothing here. No
    /// tenant has the name of one that was erased.
    gone: BTreeSet<TenantId>,
}

impl Blobs {
    /// Blobs in that store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, limits: BlobLimits) -> Self {
        Self { store, held: Arc::default(), limits }
    }

    pub(crate) const fn limits(&self) -> &BlobLimits {
        &self.limits
    }

    /// Holds nothing of a tenant any more.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.held(|held| {
            held.gone.insert(tenant.clone());
            held.blobs.retain(|(whose, _, _)| whose != tenant);
            held.bytes = held.blobs.iter().map(|(_, _, bytes)| bytes.len()).sum();
        });
    }

    /// Keeps bytes, durable on return, and gives their reference.
    pub(crate) async fn keep(
        &self,
        tenant: &TenantId,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Value, KeepError> {
        check_media_type(media_type).map_err(KeepError::Refused)?;
        let size = bytes.len();
        let digest = self.store.put_blob(tenant, bytes).await.map_err(|error| match error {
            ChangeError::TooLarge { .. } => {
                KeepError::Refused(Failure::Limit(Problem::new("blob_bytes", error.to_string())))
            }
            ChangeError::Conflict { .. }
            | ChangeError::Replied(_)
            | ChangeError::Unavailable(_) => KeepError::Unavailable(Box::new(error)),
        })?;
        Ok(json!({ "$blob": digest, "size": size, "media_type": media_type }))
    }

    /// The bytes of a blob; none where the tenant has none. Who may see them was decided before.
    pub(crate) async fn open(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<Bytes>, ReadError> {
        if let Some(bytes) = self.held(|held| held.take(tenant, digest)) {
            self.hold(tenant, digest, &bytes);
            return Ok(Some(bytes));
        }
        let found = self.store.blob(tenant, digest).await?.map(Bytes::from);
        if let Some(bytes) = &found {
            self.hold(tenant, digest, bytes);
        }
        Ok(found)
    }

    /// What is at hand.
    pub(crate) fn kept(&self) -> Kept {
        self.held(|held| Kept::bytes("blobs", held.blobs.len(), held.bytes))
    }

    fn hold(&self, tenant: &TenantId, digest: Digest, bytes: &Bytes) {
        if bytes.len() <= self.limits.held_bytes_max {
            self.held(|held| {
                if held.gone.contains(tenant) {
                    return;
                }
                // Another read of it may have come first.
                held.take(tenant, digest);
                held.blobs.push_back((tenant.clone(), digest, bytes.clone()));
                held.bytes += bytes.len();
                held.shrink(self.limits.held_bytes_max);
            });
        }
    }

    fn held<T>(&self, act: impl FnOnce(&mut Held) -> T) -> T {
        act(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Bodies of requests and responses. Which of them a task may send was decided before.
impl BodyStore for Blobs {
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, Failure>> {
        Box::pin(async move { self.store.put_blob(tenant, bytes).await.map_err(|e| unkept(&e)) })
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Failure>> {
        Box::pin(async move { self.open(tenant, digest).await.map_err(|e| unkept(&e)) })
    }
}

fn unkept(error: &dyn std::error::Error) -> Failure {
    tracing::error!(%error, "a body cannot be kept or read");
    Failure::Failed(Problem::new("body_store", "the host could not keep or read a body"))
}

impl Held {
    fn take(&mut self, tenant: &TenantId, digest: Digest) -> Option<Bytes> {
        let is_it = |(whose, of, _): &(TenantId, Digest, Bytes)| *of == digest && whose == tenant;
        let place = self.blobs.iter().position(is_it)?;
        let (_, _, bytes) = self.blobs.remove(place)?;
        self.bytes -= bytes.len();
        Some(bytes)
    }

    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max || self.blobs.len() > HELD_BLOBS_MAX {
            let Some((_, _, oldest)) = self.blobs.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }
}

impl Session {
    /// `blobs.create`.
    pub(crate) async fn create_blob(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        let bytes = match self.bytes_of(asked) {
            Ok(bytes) => bytes,
            Err(failure) => return self.write_answer(asked, Err(failure)).await,
        };
        let kept = self.blobs().keep(&self.call.tenant, asked.text("media_type"), bytes).await;
        match kept {
            Ok(reference) => self.write_answer(asked, Ok(reference)).await,
            Err(KeepError::Refused(failure)) => self.write_answer(asked, Err(failure)).await,
            Err(KeepError::Unavailable(source)) => {
                Err(Stop::Fault(EffectsError::Unavailable(source)))
            }
        }
    }

    fn bytes_of(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let bytes_max = self.blobs().limits().blob_bytes_max;
        let bytes = STANDARD.decode(asked.text("base64")).map_err(|_| {
            Failure::InvalidInput(Problem::new("blob_base64", "the blob's bytes are no base64"))
        })?;
        if bytes.len() > bytes_max {
            let message = format!("a blob may have at most {bytes_max} bytes");
            return Err(Failure::Limit(Problem::new("blob_bytes", message)));
        }
        Ok(match self.redactor() {
            Some(redactor) => redactor.bytes(bytes),
            None => bytes,
        })
    }

    /// `blobs.read`.
    pub(crate) async fn read_blob(&self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        let digest = match self.may_open(asked.element.get("blob").unwrap_or(&Value::Null)) {
            Ok(digest) => digest,
            Err(failure) => return Ok(Err(failure)),
        };
        let found = self.blobs().open(&self.call.tenant, digest).await;
        let Some(bytes) = found.map_err(|error| Stop::Fault(of_read(error)))? else {
            let message = format!("there is no blob {digest}");
            return Ok(Err(Failure::InvalidInput(Problem::new("no_blob", message))));
        };
        let place = |field| {
            let number = asked.number(field).unwrap_or(0);
            usize::try_from(number).unwrap_or(usize::MAX).min(bytes.len())
        };
        let from = place("offset");
        let to = from.saturating_add(place("len")).min(bytes.len());
        let read_bytes_max = self.blobs().limits().read_bytes_max;
        if to - from > read_bytes_max {
            let message = format!("a read gives at most {read_bytes_max} bytes; read in pieces");
            return Ok(Err(Failure::Limit(Problem::new("blob_read_bytes", message))));
        }
        Ok(Ok(Value::String(STANDARD.encode(bytes.slice(from..to)))))
    }

    /// The blob that a reference names, where this task may open it.
    pub(crate) fn may_open(&self, blob: &Value) -> Result<Digest, Failure> {
        let digest = reference(blob).ok_or_else(|| {
            Failure::InvalidInput(Problem::new("blob_reference", "this is no reference to a blob"))
        })?;
        if self.references.contains(&digest) {
            return Ok(digest);
        }
        if self.references.is_full() {
            let message = "the task is given more blobs than one may open; split its input";
            return Err(Failure::Limit(Problem::new("blob_references", message)));
        }
        Err(Failure::Denied(Denial {
            capability: "blobs".to_owned(),
            resource: digest.to_string(),
            hint: "a task opens only the blobs that its own input names and those that it wrote"
                .to_owned(),
        }))
    }
}

fn check_media_type(media_type: &str) -> Result<(), Failure> {
    let is_printable = media_type.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let is_two =
        media_type.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if is_printable && is_two && media_type.len() <= MEDIA_TYPE_BYTES_MAX {
        return Ok(());
    }
    let message = "a media type is written like text/plain, in at most 255 bytes of ASCII";
    Err(Failure::InvalidInput(Problem::new("media_type", message)))
}
