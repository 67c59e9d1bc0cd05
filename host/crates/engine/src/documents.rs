//! Documents of the store as what they are: found, kept under their digest, or made once with an
//! entry in the audit log.
//!
//! Never here: what a plugin or a workflow must be like; that is `install`'s and `load`'s.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wforge_model::{Digest, TenantId, Timestamp, Value, Version};
use wforge_ports::store::{AuditDraft, Change, ChangeError, Collection, Document, Put};

use crate::parts::EngineParts;
use crate::request::EngineError;

/// Where a document is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) collection: Collection,
    pub(crate) key: &'a str,
}

/// A way in which documents are made.
#[derive(Debug)]
pub(crate) struct Act {
    /// How the audit log calls it.
    pub(crate) action: &'static str,
    /// How a sentence calls it.
    pub(crate) done: &'static str,
    /// The code where somebody else did it at the same moment.
    pub(crate) meanwhile: &'static str,
}

/// An act that somebody does to something.
#[derive(Debug)]
pub(crate) struct Deed<'a> {
    act: &'a Act,
    digest: Digest,
    by: &'a str,
    at: Timestamp,
}

impl Act {
    /// Done to what has that digest.
    pub(crate) const fn of<'a>(&'a self, digest: Digest, by: &'a str, at: Timestamp) -> Deed<'a> {
        Deed { act: self, digest, by, at }
    }
}

/// The document of a place.
pub(crate) async fn find<T: DeserializeOwned>(
    parts: &EngineParts,
    place: Place<'_>,
) -> Result<Option<T>, EngineError> {
    let found = parts.store.document(place.tenant, place.collection, place.key).await?;
    found.map(read).transpose()
}

/// A document as what it is.
pub(crate) fn read<T: DeserializeOwned>(document: Document) -> Result<T, EngineError> {
    serde_json::from_value(document.value).map_err(|error| EngineError::Host(Box::new(error)))
}

/// Keeps a document whose key is its digest; it may be there already, and is the same then.
pub(crate) async fn keep<T: Serialize + Sync>(
    parts: &EngineParts,
    place: Place<'_>,
    document: &T,
) -> Result<(), EngineError> {
    if parts.store.document(place.tenant, place.collection, place.key).await?.is_some() {
        return Ok(());
    }
    let change = change(place, None, document, Vec::new())?;
    match parts.store.change(change).await {
        Ok(_) => Ok(()),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}

/// Makes a document where none is.
///
/// # Errors
/// [`EngineError::Conflict`] where somebody else made one since it was looked for.
pub(crate) async fn make<T: Serialize + Sync>(
    parts: &EngineParts,
    place: Place<'_>,
    document: &T,
    deed: &Deed<'_>,
) -> Result<(), EngineError> {
    let Deed { act: Act { action, done, meanwhile }, digest, by, at } = *deed;
    let key = place.key;
    let entry = AuditDraft {
        at,
        actor: by.to_owned(),
        action: (*action).to_owned(),
        resource: format!("{key} {digest}"),
        outcome: "ok".to_owned(),
    };
    let change = change(place, Some(Version(0)), document, vec![entry])?;
    match parts.store.change(change).await {
        Ok(_) => Ok(()),
        Err(ChangeError::Conflict { .. }) => Err(EngineError::Conflict {
            code: meanwhile,
            message: format!("{key} was {done} by somebody else at the same moment; try again"),
        }),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}

fn change<T: Serialize>(
    place: Place<'_>,
    expected: Option<Version>,
    document: &T,
    audit: Vec<AuditDraft>,
) -> Result<Change, EngineError> {
    let value: Value =
        serde_json::to_value(document).map_err(|error| EngineError::Host(Box::new(error)))?;
    let Place { tenant, collection, key } = place;
    let put = Put { collection, key: key.to_owned(), value: Some(value) };
    let tenant = tenant.clone();
    Ok(Change { tenant, expected, puts: vec![put], audit, idempotent_reply: None })
}
