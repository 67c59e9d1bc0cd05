//! A file that is read again when it changes, so that a grant or a key that is taken back is gone
//! at once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wforge_ports::Clock;

/// How often files are looked at.
const LOOK_MS: u64 = 1_000;

/// What a file says, and as of when.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    path: PathBuf,
    read: fn(&Path) -> anyhow::Result<T>,
    now: RwLock<(Stamp, Arc<T>)>,
}

/// What changes when a file changes; none where it does not exist.
type Stamp = Option<(SystemTime, u64)>;

impl<T> Watched<T> {
    /// Reads the file for the first time.
    pub(crate) fn open(path: &Path, read: fn(&Path) -> anyhow::Result<T>) -> anyhow::Result<Self> {
        let stamp = stamp(path);
        let now = RwLock::new((stamp, Arc::new(read(path)?)));
        Ok(Self { path: path.to_owned(), read, now })
    }

    /// What the file said when it was last looked at.
    pub(crate) fn get(&self) -> Arc<T> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Reads the file again where it changed. One that cannot be read any more changes nothing,
    /// loudly: nobody loses their keys over a slip in an editor.
    pub(crate) fn refresh(&self) {
        let found = stamp(&self.path);
        if self.now.read().unwrap_or_else(PoisonError::into_inner).0 == found {
            return;
        }
        match (self.read)(&self.path) {
            Ok(value) => {
                info!(path = %self.path.display(), "file read again");
                *self.now.write().unwrap_or_else(PoisonError::into_inner) =
                    (found, Arc::new(value));
            }
            Err(error) => {
                warn!(path = %self.path.display(), error = format!("{error:#}"),
                    "file changed, and cannot be read: what it said before still holds");
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let data = fs_err::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// Calls `refresh` again and again, until the shutdown.
pub(crate) async fn refresh_until(
    shutdown: CancellationToken,
    clock: Arc<dyn Clock>,
    refresh: impl Fn() + Send,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = clock.sleep_until(clock.now().after_ms(LOOK_MS)) => refresh(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> anyhow::Result<String> {
        let text = fs_err::read_to_string(path)?;
        anyhow::ensure!(text != "broken", "broken");
        Ok(text)
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs_err::write(&path, "first").unwrap();
        let watched = Watched::open(&path, read).unwrap();
        for (text, expected) in [("second!", "second!"), ("broken", "second!"), ("ok", "ok")] {
            fs_err::write(&path, text).unwrap();
            watched.refresh();
            assert_eq!(*watched.get(), expected);
        }
    }
}
