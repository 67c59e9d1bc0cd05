//! Failpoints for tests: each that is passed is a line of a file, and at one of them the process
//! kills itself, as a machine that loses its power would.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use rustix::process::{Signal, getpid, kill_process};
use wforge_ports::{Failpoint, Failpoints};

/// The file, and at which line the process ends.
#[derive(Debug)]
pub(crate) struct FileFailpoints {
    file: fs_err::File,
    passed: AtomicU64,
    /// 0: at none.
    kill_at: u64,
}

impl FileFailpoints {
    /// Opens the file, which is made where it does not exist.
    pub(crate) fn open(path: &Path, kill_at: u64) -> anyhow::Result<Self> {
        let file = fs_err::OpenOptions::new().append(true).create(true).open(path);
        let file = file.context("opening the failpoint log")?;
        Ok(Self { file, passed: AtomicU64::new(0), kill_at })
    }
}

impl Failpoints for FileFailpoints {
    fn pass(&self, place: Failpoint) {
        let number = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        let line = format!("{number} {}\n", place.as_str());
        if let Err(error) = (&self.file).write_all(line.as_bytes()) {
            tracing::error!(%error, "the failpoint log cannot be written");
        }
        if number == self.kill_at {
            let _ = kill_process(getpid(), Signal::KILL);
            // Nothing more happens while the signal is on its way.
            loop {
                std::thread::park();
            }
        }
    }
}
