//! Opens what a process left behind: checks format and key, and brings the view up to the journal.

use std::path::Path;
use std::sync::Arc;

use wforge_model::TenantId;
use wforge_ports::{Clock, Entropy};

use crate::committer::Committer;
use crate::error::{Fault, OpenError};
use crate::files::Files;
use crate::journal::io::JournalIo;
use crate::journal::{Journal, Scan, ScanError, Segments};
use crate::keeper::number;
use crate::keyring::Keyring;
use crate::keys;
use crate::kv::{Batch, Bytes, Kv, Order, Writes};
use crate::overlay::Overlay;
use crate::shared::Shared;
use crate::vault::Vault;

/// The format that this program writes. A higher major is not readable by older programs.
pub(crate) const FORMAT: Format = Format { major: 1, minor: 0 };
/// What is applied to the view at once.
const REPLAY_BYTES: usize = 8 << 20;

/// A version of the store's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    major: u32,
    minor: u32,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Format {
    fn encode(self) -> Vec<u8> {
        [self.major.to_be_bytes(), self.minor.to_be_bytes()].concat()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let (major, minor) = row.split_first_chunk::<4>()?;
        let minor = minor.try_into().ok()?;
        Some(Self { major: u32::from_be_bytes(*major), minor: u32::from_be_bytes(minor) })
    }
}

/// Why a view does not fit its journal.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It must be rebuilt.
    View(String),
    /// Nothing can be done.
    Open(OpenError),
}

/// How the view stood when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// The last process closed the store.
    Clean,
    /// It just ended.
    None,
}

fn format_error(dir: &Path, found: String) -> OpenError {
    OpenError::NewerFormat { dir: dir.to_owned(), found, known: FORMAT.to_string() }
}

/// An error of reading the journal as the opener sees it.
pub(crate) fn scan_error(dir: &Path, error: ScanError) -> OpenError {
    match error {
        ScanError::Newer { found } => format_error(dir, format!("{found} (of its journal)")),
        ScanError::Damaged { name, reason } => {
            damaged(dir, format!("journal segment {name}"), reason)
        }
        ScanError::Io(cause) => {
            OpenError::Io { doing: "reading the journal in", path: dir.to_owned(), cause }
        }
    }
}

pub(crate) fn damaged(dir: &Path, what: impl Into<String>, reason: impl Into<String>) -> OpenError {
    OpenError::Damaged { dir: dir.to_owned(), what: what.into(), reason: reason.into() }
}

fn fault(dir: &Path, fault: &Fault) -> OpenError {
    let mut reason = fault.to_string();
    if let Some(cause) = std::error::Error::source(fault) {
        reason = format!("{reason}: {cause}");
    }
    damaged(dir, "the view", reason)
}

/// Brings the view up to the journal. Replays all that the journal has unless the last process
/// closed the store: what sled holds of a frame that it did not sync is not known, and to write a
/// row again changes nothing.
pub(crate) fn catch_up(
    dir: &Path,
    view: &dyn Kv,
    scan: &Scan,
    io: &dyn JournalIo,
) -> Result<Farewell, Unfit> {
    check_format(dir, view)?;
    let applied = read_number(view, keys::APPLIED)?.unwrap_or(0);
    let synced = read_number(view, keys::SYNCED)?;
    if scan.is_empty() && applied > 0 {
        return Err(Unfit::Open(damaged(dir, "the journal", "it is missing")));
    }
    if applied > scan.last() {
        let reason = format!("it holds group {applied}, the journal ends at {}", scan.last());
        return Err(Unfit::Open(damaged(dir, "the journal", reason)));
    }
    if applied + 1 < scan.first() {
        return Err(Unfit::View(format!(
            "it ends at group {applied}, but the journal begins at {}",
            scan.first()
        )));
    }
    if synced == Some(scan.last()) && applied == scan.last() {
        return Ok(Farewell::Clean);
    }
    replay(view, scan, io).map_err(|error| match error {
        Replay::Scan(error) => Unfit::Open(scan_error(dir, error)),
        Replay::View(fault) => Unfit::View(fault.to_string()),
    })?;
    // A replayed frame may hold the format of a newer program.
    check_format(dir, view)?;
    Ok(Farewell::None)
}

fn check_format(dir: &Path, view: &dyn Kv) -> Result<(), Unfit> {
    let unfit = |fault: Fault| Unfit::View(fault.to_string());
    let Some(row) = view.get(keys::FORMAT).map_err(unfit)? else { return Ok(()) };
    match Format::decode(&row) {
        Some(found) if found.major > FORMAT.major => {
            Err(Unfit::Open(format_error(dir, found.to_string())))
        }
        Some(_) => Ok(()),
        None => Err(Unfit::View("its format row is malformed".to_owned())),
    }
}

fn read_number(view: &dyn Kv, key: &[u8]) -> Result<Option<u64>, Unfit> {
    let row = view.get(key).map_err(|fault| Unfit::View(fault.to_string()))?;
    row.map(|row| row.as_ref().try_into().map(u64::from_be_bytes))
        .transpose()
        .map_err(|_| Unfit::View(format!("its row {} is malformed", key.escape_ascii())))
}

enum Replay {
    Scan(ScanError),
    View(Fault),
}

impl From<ScanError> for Replay {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

fn replay(view: &dyn Kv, scan: &Scan, io: &dyn JournalIo) -> Result<(), Replay> {
    let (mut pending, mut bytes) = (Writes::new(), 0);
    scan.replay(io, |group, writes| {
        bytes += writes.values().flatten().map(|value| value.len()).sum::<usize>();
        pending.extend(writes);
        pending.insert(keys::APPLIED.into(), Some(number(group)));
        if bytes < REPLAY_BYTES && group < scan.last() {
            return Ok(());
        }
        bytes = 0;
        view.apply(&std::mem::take(&mut pending)).map_err(Replay::View)
    })
}

/// What an open store is put together from.
pub(crate) struct Parts {
    pub(crate) segments: Arc<Segments>,
    pub(crate) overlay: Overlay,
    /// Caught up with the journal.
    pub(crate) view: Box<dyn Kv>,
    pub(crate) files: Option<Files>,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl Parts {
    /// Loads the keys, sweeps the files, goes on with the journal, and begins a new store.
    pub(crate) fn assemble(
        self,
        dir: &Path,
        scan: &Scan,
        farewell: Farewell,
    ) -> Result<(Arc<Shared>, Committer), OpenError> {
        let Self { segments, overlay, view, files, keyring, clock } = self;
        let usage = load_keys(dir, view.as_ref(), &keyring)?;
        if let Some(files) = files.as_ref().filter(|_| farewell == Farewell::None) {
            sweep(dir, view.as_ref(), files)?;
        }
        let entropy = Arc::clone(&keyring.entropy);
        let journal = Journal::open(Arc::clone(&segments), scan, entropy).map_err(|cause| {
            OpenError::Io { doing: "opening the journal in", path: dir.to_owned(), cause }
        })?;
        let vault = Vault::new(keyring, files);
        let shared = Arc::new(Shared::new(vault, overlay, view, segments, clock));
        usage.into_iter().for_each(|(tenant, row)| shared.usage.load(tenant, &row));
        let mut committer = Committer::new(Arc::clone(&shared), journal);
        begin(dir, &shared, &mut committer)?;
        Ok((shared, committer))
    }
}

/// Writes the first group of a new store.
fn begin(dir: &Path, shared: &Shared, committer: &mut Committer) -> Result<(), OpenError> {
    let unreadable = |error| fault(dir, &error);
    if shared.view.get(keys::FORMAT).map_err(unreadable)?.is_some() {
        return Ok(());
    }
    let first = first_group(&shared.vault.keyring).map_err(unreadable)?;
    committer.write(first, 0).map_err(|gone| damaged(dir, "the journal", gone.to_string()))
}

fn first_group(keyring: &Keyring) -> Result<Batch, Fault> {
    let mut batch = Batch::default();
    batch.put(keys::FORMAT, FORMAT.encode());
    batch.put(keys::KEY_CHECK, keyring.check_row()?);
    Ok(batch)
}

/// Checks the key of the deployment, and takes over those of the tenants; what says how much they
/// have is given back.
fn load_keys(
    dir: &Path,
    view: &dyn Kv,
    keyring: &Keyring,
) -> Result<Vec<(TenantId, Bytes)>, OpenError> {
    let unreadable = |error: Fault| fault(dir, &error);
    if let Some(row) = view.get(keys::KEY_CHECK).map_err(unreadable)?
        && !keyring.fits(&row)
    {
        let reason = "hand in the key that the store was made with".to_owned();
        return Err(OpenError::WrongKey { dir: dir.to_owned(), reason });
    }
    let (mut last, mut usage) = (None, Vec::new());
    loop {
        let range = keys::tenants_after(last.as_ref());
        let found = view.scan(&range, Order::Ascending, 1).map_err(unreadable)?;
        let Some(row) = found.first() else { return Ok(usage) };
        let tenant = keys::tenant_of(&row.key)
            .ok_or_else(|| damaged(dir, crate::vault::what(&row.key), "it has no tenant"))?;
        if let Some(wrapped) = view.get(&keys::data_key(&tenant)).map_err(unreadable)? {
            keyring.load(tenant.clone(), wrapped).map_err(unreadable)?;
        }
        let row = view.get(&keys::usage(&tenant)).map_err(unreadable)?;
        usage.extend(row.map(|row| (tenant.clone(), row)));
        last = Some(tenant);
    }
}

/// Removes the files that no row names: what commits that failed or never ended left behind.
fn sweep(dir: &Path, view: &dyn Kv, files: &Files) -> Result<(), OpenError> {
    let removed = files.sweep(|tenant, id| {
        let file = crate::files::FileRef { id, bytes: 0 };
        Ok(view.get(&keys::file(tenant, &file))?.is_some())
    });
    let removed = removed.map_err(|error| fault(dir, &error))?;
    if removed > 0 {
        tracing::info!(removed, "removed files that no row names");
    }
    Ok(())
}

/// The keyring of a directory.
pub(crate) fn keyring(
    dir: &Path,
    kek: Option<crate::keyring::Kek>,
    entropy: Arc<dyn Entropy>,
    scan: &Scan,
) -> Result<Keyring, OpenError> {
    Keyring::open(dir, kek, entropy, !scan.is_empty())
}
