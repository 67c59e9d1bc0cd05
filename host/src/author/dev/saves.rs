//! Wakes up when a file of a project is saved.
//!
//! By Linux's own inotify, as the rest of the host is for Linux: the crate notify would bring a
//! thread, and another build of the runtime's own poller. A folder is watched without what is below
//! it: those of compilers have thousands, and the system has few watches. How long nothing must
//! have happened is waited for here and not by a debouncer, since whoever measures a save wants the
//! moment of its first event.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use inotify::{Inotify, WatchDescriptor, WatchMask};
use tokio::io::unix::AsyncFd;
use wforge_ports::Clock as _;

use crate::cli::refusal::Refusal;
use crate::clock::SystemClock;

/// An editor that writes a file in several steps is done when nothing happens for so long.
const QUIET_MS: u64 = 30;
/// Whoever saves all the time is not waited for longer.
const QUIET_STEPS_MAX: usize = 20;
/// Events that are taken at once; what they say does not matter.
const EVENTS_BYTES: usize = 4 << 10;

/// The folders that are watched.
pub(crate) struct Saves {
    inotify: AsyncFd<Inotify>,
    watched: HashMap<PathBuf, WatchDescriptor>,
    first_ns: Option<u64>,
}

impl Saves {
    /// Watches nothing yet.
    #[expect(deprecated, reason = "Inotify owns its descriptor, which is open as long as it lives")]
    pub(crate) fn open() -> anyhow::Result<Self> {
        let inotify = Inotify::init().and_then(AsyncFd::new).map_err(|error| unable(&error))?;
        Ok(Self { inotify, watched: HashMap::new(), first_ns: None })
    }

    /// Watches these folders, and no others any more; whether one of them is new, so that what was
    /// saved there before has to be looked at.
    pub(crate) fn watch(&mut self, folders: &[PathBuf]) -> anyhow::Result<bool> {
        let change = WatchMask::CREATE | WatchMask::DELETE | WatchMask::MOVE;
        let change = change | WatchMask::MODIFY | WatchMask::CLOSE_WRITE | WatchMask::ONLYDIR;
        let mut watches = self.inotify.get_ref().watches();
        let mut is_new = false;
        for folder in folders {
            if self.watched.contains_key(folder) {
                continue;
            }
            match watches.add(folder, change) {
                Ok(watch) => drop(self.watched.insert(folder.clone(), watch)),
                // Gone since it was seen; that is an event of the folder around it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unable(&error).into()),
            }
            is_new = true;
        }
        for (_, gone) in self.watched.extract_if(|folder, _| !folders.contains(folder)) {
            // The system has forgotten a folder that is gone by itself.
            let _gone = watches.remove(gone);
        }
        Ok(is_new)
    }

    /// The moment of the next save, by the monotonic clock, once it is quiet again. May be dropped
    /// and called again: no save is lost.
    pub(crate) async fn next(&mut self) -> u64 {
        if self.first_ns.is_none() {
            self.event().await;
            self.first_ns = Some(SystemClock.monotonic_ns());
        }
        for _ in 0..QUIET_STEPS_MAX {
            tokio::select! {
                () = self.event() => {}
                () = SystemClock.sleep_until(SystemClock.now().after_ms(QUIET_MS)) => break,
            }
        }
        self.first_ns.take().unwrap_or_else(|| SystemClock.monotonic_ns())
    }

    /// Waits until something happens, and forgets what.
    async fn event(&mut self) {
        let mut buffer = [0; EVENTS_BYTES];
        loop {
            let Ok(mut ready) = self.inotify.readable_mut().await else {
                // The executor ends, and everything with it.
                return std::future::pending().await;
            };
            let read = ready.try_io(|inotify| {
                inotify.get_mut().read_events(&mut buffer).map(|events| events.count())
            });
            // Events that were lost are as good as one.
            if read.is_ok_and(|read| read.is_err() || read.is_ok_and(|count| count > 0)) {
                return;
            }
        }
    }
}

fn unable(error: &io::Error) -> Refusal {
    let refusal = Refusal::failed("cannot_watch", format!("files cannot be watched: {error}"));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => refusal.help(
            "the system has no watch left: sudo sysctl fs.inotify.max_user_watches=524288, or name \
             folders without sources in .gitignore",
        ),
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_save_in_several_steps_is_one_and_reading_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.js");
        fs_err::write(&file, "1").unwrap();
        let mut saves = Saves::open().unwrap();
        assert!(saves.watch(&[folder.path().to_owned()]).unwrap());
        let before = SystemClock.monotonic_ns();
        fs_err::read(&file).unwrap();
        for text in ["2", "3", "4"] {
            fs_err::write(&file, text).unwrap();
        }
        assert!(saves.next().await >= before);
        let quiet = SystemClock.sleep_until(SystemClock.now().after_ms(3 * QUIET_MS));
        tokio::select! {
            _ = saves.next() => panic!("a second save"),
            () = quiet => {}
        }
    }
}
