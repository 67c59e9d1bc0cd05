//! The embedded default: a directory with a journal, sled as its view, files for large values.
//!
//! `lock`, `kek` (mode 0600, unless the key is handed in), `journal/`, `view/`, `blobs/`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wforge_ports::{Clock, Entropy};

use crate::error::OpenError;
use crate::facade::StoreOf;
use crate::files::Files;
use crate::journal::io::{Folder, JournalIo};
use crate::journal::{Scan, Segments};
use crate::journaled::Journaled;
use crate::keyring::Kek;
use crate::kv::Kv;
use crate::lock::Lock;
use crate::overlay::Overlay;
use crate::recovery::{self, Farewell, Parts, Unfit};
use crate::sled_view::SledView;
use crate::view_dir;

/// A store in a directory.
pub type SledStore = StoreOf<Journaled>;

/// How a [`SledStore`] is opened.
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// The key of the deployment; none: the file `kek` in the directory, made when it is missing.
    pub kek: Option<Kek>,
    /// Pages that sled keeps in memory.
    pub cache_bytes: u64,
    /// A segment of the journal.
    pub segment_bytes: u64,
    /// What the view may lag behind before writers wait.
    pub unapplied_bytes_max: usize,
    /// Rows that are kept in memory after the view has applied them.
    pub copy_bytes_max: usize,
    /// Measures the durations of the figures; none: they stay 0.
    pub clock: Option<Arc<dyn Clock>>,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            kek: None,
            cache_bytes: 64 << 20,
            segment_bytes: 16 << 20,
            unapplied_bytes_max: 64 << 20,
            copy_bytes_max: 32 << 20,
            clock: None,
        }
    }
}

impl SledStore {
    /// Opens the store in a directory, or makes one. Blocks; a lock that somebody else holds is
    /// seen at once.
    pub fn open(
        dir: &Path,
        options: SledOptions,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        make_dir(dir)?;
        let lock = Lock::take(dir)?;
        let io = |doing| move |cause| OpenError::Io { doing, path: dir.to_owned(), cause };
        let journal_io: Arc<dyn JournalIo> =
            Arc::new(Folder::open(dir.join("journal")).map_err(io("making folders in"))?);
        let files = Files::open(dir.join("blobs")).map_err(io("making folders in"))?;
        let scan = Scan::read(journal_io.as_ref()).map_err(|e| recovery::scan_error(dir, e))?;
        let keyring = recovery::keyring(dir, options.kek.clone(), entropy, &scan)?;
        let ready = View::open(dir, &options, &scan, journal_io.as_ref())?;
        let SledOptions { segment_bytes, unapplied_bytes_max, copy_bytes_max, clock, .. } = options;
        let (shared, committer) = Parts {
            segments: Arc::new(Segments::new(journal_io, segment_bytes)),
            overlay: Overlay::new(unapplied_bytes_max, copy_bytes_max),
            view: Box::new(ready.view),
            files: Some(files),
            keyring,
            clock,
        }
        .assemble(dir, &scan, ready.farewell)?;
        shared.counters.rebuilds.store(ready.rebuilds, Ordering::Relaxed);
        let store = Journaled::start("sled", shared, committer, Box::new(lock));
        store.map(Self::over).map_err(io("starting threads for"))
    }
}

fn make_dir(dir: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(dir).map_err(|cause| OpenError::Io {
        doing: "making",
        path: dir.to_owned(),
        cause,
    })
}

/// A view that holds what the journal holds.
struct View {
    view: SledView,
    farewell: Farewell,
    rebuilds: u64,
}

impl View {
    /// Opens sled and brings it up to the journal. A view that cannot be used is moved aside and
    /// rebuilt where the journal still reaches back to the beginning.
    fn open(
        dir: &Path,
        options: &SledOptions,
        scan: &Scan,
        io: &dyn JournalIo,
    ) -> Result<Self, OpenError> {
        let reason = match Self::try_open(dir, options, scan, io) {
            Ok((view, farewell)) => return Ok(Self { view, farewell, rebuilds: 0 }),
            Err(Unfit::Open(error)) => return Err(error),
            Err(Unfit::View(reason)) => reason,
        };
        if scan.first() > 1 {
            let reason = format!("{reason}; the journal does not reach back to the beginning");
            return Err(recovery::damaged(dir, "the view", reason));
        }
        let aside = move_aside(dir)?;
        tracing::warn!(reason, aside = %aside.display(), "the view is rebuilt from the journal");
        match Self::try_open(dir, options, scan, io) {
            Ok((view, _)) => Ok(Self { view, farewell: Farewell::None, rebuilds: 1 }),
            Err(Unfit::Open(error)) => Err(error),
            Err(Unfit::View(reason)) => Err(recovery::damaged(dir, "the rebuilt view", reason)),
        }
    }

    fn try_open(
        dir: &Path,
        options: &SledOptions,
        scan: &Scan,
        io: &dyn JournalIo,
    ) -> Result<(SledView, Farewell), Unfit> {
        let folder = view_dir::current(dir).map_err(|error| Unfit::View(error.to_string()))?;
        view_dir::remove_begun(dir).map_err(|cause| {
            Unfit::Open(OpenError::Io { doing: "tidying", path: dir.to_owned(), cause })
        })?;
        let view = open_sled(&folder, options.cache_bytes)?;
        let farewell = recovery::catch_up(dir, &view as &dyn Kv, scan, io)?;
        Ok((view, farewell))
    }
}

/// A process that ends lets go of sled's own lock a moment after ours.
fn open_sled(dir: &Path, cache_bytes: u64) -> Result<SledView, Unfit> {
    const ATTEMPTS: u32 = 100;
    let pause = std::time::Duration::from_millis(10);
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match SledView::open(dir, cache_bytes) {
            Ok(view) => return Ok(view),
            Err(error) if error.contains("could not acquire lock") => last = error,
            Err(error) => return Err(Unfit::View(error)),
        }
        std::thread::park_timeout(pause);
    }
    let cause = std::io::Error::other(last);
    Err(Unfit::Open(OpenError::Io { doing: "locking", path: dir.to_owned(), cause }))
}

fn move_aside(dir: &Path) -> Result<PathBuf, OpenError> {
    let io =
        |cause| OpenError::Io { doing: "moving aside the view in", path: dir.to_owned(), cause };
    let mut number = 1_u32;
    let aside = loop {
        let aside = dir.join(format!("{}{number}", view_dir::DAMAGED));
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    let folder = view_dir::current(dir).map_err(io)?;
    fs_err::rename(folder, &aside).map_err(io)?;
    fs_err::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
    Ok(aside)
}
