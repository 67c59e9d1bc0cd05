//! The files of a journal, as a trait so that a test can lose power between any two steps.

use std::fmt::Debug;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// A folder of files.
pub(crate) trait JournalIo: Debug + Send + Sync {
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// All bytes of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// A new file of so many zeros, on the disk on return; in place of one of that name.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn JournalFile>>;

    /// A file, for writing.
    fn open(&self, name: &str) -> io::Result<Box<dyn JournalFile>>;

    /// Gives a file another name; durable after [`JournalIo::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file of a journal.
pub(crate) trait JournalFile: Debug + Send {
    /// Writes all bytes at that place.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        fs_err::create_dir_all(&path)?;
        Ok(Self { path })
    }
}

/// A file of the file system.
#[derive(Debug)]
struct File(fs_err::File);

impl JournalIo for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        let entries = fs_err::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs_err::read(self.path.join(name))
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn JournalFile>> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        let mut file = fs_err::File::create(self.path.join(name))?;
        // Real zeros: blocks that are only reserved would be converted at their first write, and
        // then an fdatasync has metadata to write, too.
        let mut left = bytes;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
            file.write_all(ZEROS.get(..length).unwrap_or_default())?;
            left -= length as u64;
        }
        file.sync_all()?;
        Ok(Box::new(File(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn JournalFile>> {
        let file = fs_err::OpenOptions::new().write(true).open(self.path.join(name))?;
        Ok(Box::new(File(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs_err::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs_err::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        fs_err::File::open(&self.path)?.sync_all()
    }
}

impl JournalFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.file().write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
