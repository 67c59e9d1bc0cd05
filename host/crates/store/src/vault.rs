//! How a value becomes a row and a row a value: encoding, sealing, and files for large values.
//!
//! A row is `1 | kind | nonce | ciphertext | tag`; what is sealed is `codec | number | body`. The
//! key of the row is authenticated with it, so no row can be put in another's place. Keys are in
//! [`crate::keyring`], what rows mean in [`crate::rules`].

use std::sync::Arc;

use serde::de::DeserializeOwned;
use wforge_model::TenantId;

use crate::error::{Fault, TooLarge};
use crate::files::{FileRef, Files, NewFile};
use crate::keyring::{DataKey, Keyring};
use crate::kv::{Bytes, Rows};

/// The largest body that rides in its row.
pub(crate) const INLINE_BYTES_MAX: usize = 256 << 10;

const FORMAT: u8 = 1;
const INLINE: u8 = 0;
const FILE: u8 = 1;
/// JSON, or bytes that mean themselves.
const CODEC: u8 = 1;
/// Larger rows are not unsealed on a caller's thread.
const QUICK_BYTES_MAX: usize = 64 << 10;

/// Encodes, seals, opens and decodes.
#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) keyring: Keyring,
    /// None: every value rides in its row.
    files: Option<Files>,
}

/// A body on its way into a row.
#[derive(Debug)]
pub(crate) enum Body {
    Inline(Vec<u8>),
    File(FileRef),
}

/// A row's content.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The version of a document or thread, a queue's moment, how a run stands; 0 elsewhere.
    pub(crate) number: u64,
    pub(crate) body: Body,
}

/// Why an operation could not be prepared.
#[derive(Debug)]
pub(crate) enum Refused {
    TooLarge(TooLarge),
    Fault(Fault),
}

impl From<TooLarge> for Refused {
    fn from(too_large: TooLarge) -> Self {
        Self::TooLarge(too_large)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Vault {
    pub(crate) const fn new(keyring: Keyring, files: Option<Files>) -> Self {
        Self { keyring, files }
    }

    /// Puts a large body into a file, durable on return, and leaves a small one.
    pub(crate) fn place(
        &self,
        tenant: &TenantId,
        key: &DataKey,
        body: Vec<u8>,
        new: &mut Vec<NewFile>,
    ) -> Result<Body, Fault> {
        let Some(files) = self.files.as_ref().filter(|_| body.len() > INLINE_BYTES_MAX) else {
            return Ok(Body::Inline(body));
        };
        let mut sealed = Vec::with_capacity(body.len() + 64);
        let entropy = self.keyring.entropy.as_ref();
        key.cipher.seal(entropy, &file_aad(tenant), &[&body], &mut sealed)?;
        let written = files.write(tenant, &sealed, body.len() as u64)?;
        let file = written.file;
        new.push(written);
        Ok(Body::File(file))
    }

    /// The value of the row under `row_key`.
    pub(crate) fn seal(
        &self,
        key: &DataKey,
        row_key: &[u8],
        number: u64,
        body: &Body,
    ) -> Result<Bytes, Fault> {
        let (kind, body) = match body {
            Body::Inline(bytes) => (INLINE, std::borrow::Cow::Borrowed(bytes.as_slice())),
            Body::File(file) => (FILE, std::borrow::Cow::Owned(file.encode())),
        };
        let mut row = Vec::with_capacity(body.len() + 64);
        row.extend_from_slice(&[FORMAT, kind]);
        let number = number.to_le_bytes();
        let plain = [&[CODEC], number.as_slice(), &body];
        let entropy = self.keyring.entropy.as_ref();
        key.cipher.seal(entropy, &row_aad(row_key, kind), &plain, &mut row)?;
        Ok(row.into())
    }

    /// Opens the value of the row under `row_key`.
    pub(crate) fn open(
        &self,
        tenant: &TenantId,
        row_key: &[u8],
        row: &[u8],
    ) -> Result<Opened, Fault> {
        self.try_open(tenant, row_key, row).map_err(|reason| Fault::damaged(what(row_key), reason))
    }

    fn try_open(
        &self,
        tenant: &TenantId,
        row_key: &[u8],
        row: &[u8],
    ) -> Result<Opened, &'static str> {
        let [FORMAT, kind, sealed @ ..] = row else { return Err("its format is unknown") };
        let key = self.keyring.get(tenant).ok_or("the tenant has no data key")?;
        let plain =
            key.cipher.open(&row_aad(row_key, *kind), sealed).ok_or("its seal is broken")?;
        let (codec, rest) = plain.split_first().ok_or("it is empty")?;
        let (number, body) = rest.split_first_chunk::<8>().ok_or("it is cut short")?;
        if *codec != CODEC {
            return Err("its codec is of a newer version");
        }
        let body = match *kind {
            INLINE => Body::Inline(body.to_vec()),
            FILE => Body::File(FileRef::decode(body).ok_or("its file reference is cut short")?),
            _ => return Err("its kind is unknown"),
        };
        Ok(Opened { number: u64::from_le_bytes(*number), body })
    }

    /// The number and body of the row under `row_key`; none where there is no such row.
    pub(crate) fn read(
        &self,
        rows: &dyn Rows,
        tenant: &TenantId,
        row_key: &[u8],
    ) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let mut before: Option<Bytes> = None;
        loop {
            let Some(row) = rows.get(row_key)? else { return Ok(None) };
            let opened = self.unpack(rows, tenant, row_key, &row);
            // A row may be replaced while its file or its chunks are read: whoever cannot read it
            // looks whether it still stands.
            match opened {
                Err(Fault::Damaged { .. }) if before.as_ref() != Some(&row) => before = Some(row),
                done => return done.map(Some),
            }
        }
    }

    /// The number and body of a row that was found.
    pub(crate) fn unpack(
        &self,
        rows: &dyn Rows,
        tenant: &TenantId,
        row_key: &[u8],
        row: &[u8],
    ) -> Result<(u64, Vec<u8>), Fault> {
        if !rows.may_block() && (row.len() > QUICK_BYTES_MAX || row.get(1) == Some(&FILE)) {
            return Err(Fault::NotInMemory);
        }
        let Opened { number, body } = self.open(tenant, row_key, row)?;
        match body {
            Body::Inline(bytes) => Ok((number, bytes)),
            Body::File(file) => Ok((number, self.read_file(tenant, row_key, &file)?)),
        }
    }

    fn read_file(
        &self,
        tenant: &TenantId,
        row_key: &[u8],
        file: &FileRef,
    ) -> Result<Vec<u8>, Fault> {
        let damaged = |reason| Fault::damaged(what(row_key), reason);
        let files = self.files.as_ref().ok_or_else(|| damaged("this store has no files"))?;
        let sealed = files.read(tenant, file)?.ok_or_else(|| damaged("its file is missing"))?;
        let key = self.keyring.get(tenant).ok_or_else(|| damaged("no data key"))?;
        key.cipher
            .open(&file_aad(tenant), &sealed)
            .filter(|bytes| bytes.len() as u64 == file.bytes)
            .ok_or_else(|| damaged("the seal of its file is broken"))
    }

    /// The file that a row names, without reading it.
    pub(crate) fn file_of(
        &self,
        tenant: &TenantId,
        row_key: &[u8],
        row: &[u8],
    ) -> Result<Option<FileRef>, Fault> {
        if row.get(1) != Some(&FILE) {
            return Ok(None);
        }
        match self.open(tenant, row_key, row)?.body {
            Body::File(file) => Ok(Some(file)),
            Body::Inline(_) => Ok(None),
        }
    }

    /// Removes a file that no row names any more.
    pub(crate) fn remove_file(&self, tenant: &TenantId, file: &FileRef) {
        if let Some(files) = &self.files {
            files.remove(tenant, file);
        }
    }

    /// Removes all files of a tenant.
    pub(crate) fn remove_files(&self, tenant: &TenantId) -> Result<(), Fault> {
        self.files.as_ref().map_or(Ok(()), |files| files.forget(tenant))
    }

    /// The key under which a tenant's rows are sealed.
    pub(crate) fn key(&self, tenant: &TenantId) -> Result<Arc<DataKey>, Fault> {
        self.keyring.get_or_make(tenant)
    }
}

fn row_aad(row_key: &[u8], kind: u8) -> Vec<u8> {
    let mut aad = Vec::with_capacity(row_key.len() + 2);
    aad.extend_from_slice(row_key);
    aad.extend_from_slice(&[FORMAT, kind]);
    aad
}

fn file_aad(tenant: &TenantId) -> Vec<u8> {
    format!("wforge.file.v1/{tenant}").into_bytes()
}

/// A row's key as a person reads it.
pub(crate) fn what(row_key: &[u8]) -> String {
    format!("row \"{}\"", row_key.escape_ascii())
}

/// The value of JSON.
pub(crate) fn decode<T: DeserializeOwned>(row_key: &[u8], json: &[u8]) -> Result<T, Fault> {
    let mut input = serde_json::Deserializer::from_slice(json);
    // What was written had at most `DEPTH_MAX` levels, and its seal held.
    input.disable_recursion_limit();
    T::deserialize(&mut input).map_err(|error| Fault::damaged(what(row_key), error.to_string()))
}
