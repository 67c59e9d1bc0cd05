//! A file that a new one takes the place of when it is large or a day is over; so many of the old
//! ones are kept, as `wforge.log.1`, `wforge.log.2` and so on, the oldest last.
//!
//! tracing-appender's own files go by time alone, and what nobody reads must not fill a disk within
//! an hour.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};

const DAY_MS: u64 = 86_400_000;

/// A file for lines.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// The file that is written.
    pub path: PathBuf,
    /// Its largest size in bytes. 0: any.
    pub bytes_max: u64,
    /// Whether each day (UTC) has a file of its own.
    pub daily: bool,
    /// Old files that are kept.
    pub files_max: u32,
    /// The time, in milliseconds since 1970.
    pub now_ms: fn() -> u64,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Rotating {
    options: FileOptions,
    file: File,
    bytes: u64,
    day: u64,
}

impl Rotating {
    /// Goes on with the file that is there.
    pub(crate) fn open(options: FileOptions) -> io::Result<Self> {
        if let Some(folder) = options.path.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            fs_err::create_dir_all(folder)?;
        }
        let file = appending(&options.path)?;
        let found = file.metadata()?;
        let now_ms = (options.now_ms)();
        let changed = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let changed_ms = changed.and_then(|at| u64::try_from(at.as_millis()).ok());
        let day = changed_ms.filter(|_| found.len() > 0).unwrap_or(now_ms) / DAY_MS;
        Ok(Self { options, file, bytes: found.len(), day })
    }

    fn is_due(&self, today: u64, more: usize) -> bool {
        let FileOptions { bytes_max, daily, .. } = self.options;
        let is_full = bytes_max > 0 && self.bytes.saturating_add(more as u64) > bytes_max;
        self.bytes > 0 && (is_full || daily && today > self.day)
    }

    fn rotate(&mut self) -> io::Result<()> {
        let path = &self.options.path;
        match self.options.files_max {
            0 => fs_err::remove_file(path)?,
            max => {
                for number in (1..max).rev() {
                    move_if_there(&numbered(path, number), &numbered(path, number + 1))?;
                }
                move_if_there(path, &numbered(path, 1))?;
            }
        }
        self.file = appending(path)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let today = (self.options.now_ms)() / DAY_MS;
        if self.is_due(today, bytes.len()) {
            // Where no new file can be made, the old one grows: a long log is better than none.
            let _ = self.rotate();
            self.day = today;
        }
        let written = self.file.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Lines may name tenants and people, so others do not read them.
fn appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs_err::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn options(folder: &Path, now_ms: fn() -> u64) -> FileOptions {
        let path = folder.join("log/wforge.log");
        FileOptions { path, bytes_max: 10, daily: true, files_max: 2, now_ms }
    }

    fn texts(options: &FileOptions) -> Vec<String> {
        let names = [options.path.clone(), numbered(&options.path, 1), numbered(&options.path, 2)];
        let read = |path: &PathBuf| fs_err::read_to_string(path).unwrap_or_else(|_| "-".into());
        assert!(!numbered(&options.path, 3).exists());
        names.iter().map(read).collect()
    }

    #[test]
    fn a_full_file_gives_way_and_only_so_many_old_ones_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path(), || 0);
        let mut file = Rotating::open(options.clone()).unwrap();
        file.day = 0;
        for line in ["one\n", "two\n", "three\n", "four\n", "five-is-long\n", "six\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(texts(&options), ["six\n", "five-is-long\n", "four\n"]);
        drop(file);
        let mut file = Rotating::open(options.clone()).unwrap();
        file.day = 0;
        file.write_all(b"seven\n").unwrap();
        assert_eq!(texts(&options)[0], "six\nseven\n");
    }

    #[test]
    fn each_day_has_a_file_of_its_own() {
        static NOW_MS: AtomicU64 = AtomicU64::new(DAY_MS - 1);
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path(), || NOW_MS.load(Ordering::Relaxed));
        let mut file = Rotating::open(options.clone()).unwrap();
        file.write_all(b"a\n").unwrap();
        NOW_MS.store(DAY_MS, Ordering::Relaxed);
        file.write_all(b"b\n").unwrap();
        file.write_all(b"c\n").unwrap();
        assert_eq!(texts(&options), ["b\nc\n", "a\n", "-"]);
    }
}
