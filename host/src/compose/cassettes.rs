//! Cassettes as files beside the models' file: read to be played, appended to while they are made.
//!
//! A line is on the disk before its answer is given. Lines hold what was asked and answered, never
//! a key; they are not sealed, so in production none is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use wforge_effects::llm::{CassetteEntry, CassetteMode, CassetteSink, ModelsConfig};
use wforge_ports::BoxError;

use crate::config::Environment;

/// The cassettes that are played, by the names in the configuration.
pub(super) fn read(
    folder: &Path,
    named: &ModelsConfig,
) -> anyhow::Result<BTreeMap<String, Vec<CassetteEntry>>> {
    let mut cassettes = BTreeMap::new();
    for name in of_mode(named, CassetteMode::Replay) {
        let path = folder.join(name);
        let text = fs_err::read_to_string(&path)?;
        let entries = CassetteEntry::parse(&text);
        let entries = entries.with_context(|| format!("reading {}", path.display()))?;
        cassettes.insert(name.to_owned(), entries);
    }
    Ok(cassettes)
}

fn of_mode(named: &ModelsConfig, mode: CassetteMode) -> BTreeSet<&str> {
    let of_it = named.models.iter().filter(|model| model.mode == Some(mode));
    of_it.filter_map(|model| model.cassette.as_deref()).collect()
}

/// How every line that is written here begins.
const LINE_BEGINS: &[u8] = b"{\"hash\":\"";

/// The cassettes that are made.
#[derive(Debug)]
pub(super) struct CassetteFiles(BTreeMap<String, Mutex<File>>);

impl CassetteFiles {
    /// Opens the files, private to their owner; none where no model records.
    pub(super) fn open(
        env: Environment,
        folder: &Path,
        named: &ModelsConfig,
    ) -> anyhow::Result<Option<Arc<dyn CassetteSink>>> {
        let names = of_mode(named, CassetteMode::Record);
        if names.is_empty() {
            return Ok(None);
        }
        if env == Environment::Production {
            anyhow::bail!(
                "a model of the provider cassette has mode = \"record\", which writes what agents \
                 ask as plain text: not in production"
            );
        }
        let mut files = BTreeMap::new();
        for name in names {
            let path = folder.join(name);
            let file = open_private(&path);
            let file = file.with_context(|| format!("opening {}", path.display()))?;
            files.insert(name.to_owned(), Mutex::new(file));
        }
        Ok(Some(Arc::new(Self(files))))
    }
}

impl CassetteSink for CassetteFiles {
    fn keep(&self, cassette: &str, entry: &CassetteEntry) -> Result<(), BoxError> {
        let file = self.0.get(cassette).ok_or("nobody opened it")?;
        let line = entry.to_line() + "\n";
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.metadata()?.len();
        let kept = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        // What a full disk took half of would stand in the way of all that follows.
        kept.or_else(|error| file.set_len(before).and(Err(error)))?;
        Ok(())
    }
}

/// A file to append to. What a process that died had only half written goes: its answer was given
/// to nobody. A file that is no cassette stays as it is.
fn open_private(path: &Path) -> anyhow::Result<File> {
    let mut file = File::options().append(true).read(true).create(true).mode(0o600).open(path)?;
    let bytes = fs_err::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (lines, rest) = bytes.split_at_checked(whole).unwrap_or((&bytes, &[]));
    CassetteEntry::parse(std::str::from_utf8(lines)?)?;
    if rest.is_empty() {
        return Ok(file);
    }
    if std::str::from_utf8(rest).is_ok_and(|rest| CassetteEntry::parse(rest).is_ok()) {
        // Whole but for its end, as an editor may leave it.
        file.write_all(b"\n")?;
    } else if LINE_BEGINS.starts_with(rest) || rest.starts_with(LINE_BEGINS) {
        file.set_len(lines.len() as u64)?;
    } else {
        anyhow::bail!("its last line is no entry of a cassette; name another file to record to");
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn named(mode: &str) -> ModelsConfig {
        let text = format!(
            "[[model]]\nname = \"m\"\nprovider = \"cassette\"\nmode = \"{mode}\"\n\
             cassette = \"tape.jsonl\"\nthrough = \"mock\"\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn entry(number: u8) -> CassetteEntry {
        let line = format!("{{\"request\":{{\"n\":{number}}},\"answer\":{number}}}");
        CassetteEntry::parse(&line).unwrap().remove(0)
    }

    fn sink(folder: &Path) -> Arc<dyn CassetteSink> {
        let (env, named) = (Environment::Development, named("record"));
        CassetteFiles::open(env, folder, &named).unwrap().unwrap()
    }

    #[test]
    fn entries_are_appended_over_restarts_in_a_private_file_and_a_torn_line_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.jsonl");
        sink(folder.path()).keep("tape.jsonl", &entry(1)).unwrap();
        fs_err::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"hash\":\"00")
            .unwrap();
        sink(folder.path()).keep("tape.jsonl", &entry(2)).unwrap();
        let played = read(folder.path(), &named("replay")).unwrap();
        assert_eq!(played["tape.jsonl"], [entry(1), entry(2)]);
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_entry_without_its_end_is_kept_and_what_is_no_cassette_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.jsonl");
        fs_err::write(&path, entry(1).to_line()).unwrap();
        sink(folder.path()).keep("tape.jsonl", &entry(2)).unwrap();
        let played = read(folder.path(), &named("replay")).unwrap();
        assert_eq!(played["tape.jsonl"], [entry(1), entry(2)]);
        for other in ["{\"name\": \"mine\"}", "{\"hash\": 1}\n", "a letter"] {
            fs_err::write(&path, other).unwrap();
            let opened =
                CassetteFiles::open(Environment::Development, folder.path(), &named("record"));
            assert!(opened.is_err(), "{other}");
            assert_eq!(fs_err::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn nothing_is_recorded_in_production() {
        let folder = tempfile::tempdir().unwrap();
        let refused = CassetteFiles::open(Environment::Production, folder.path(), &named("record"));
        assert!(refused.unwrap_err().to_string().contains("not in production"));
        let none = CassetteFiles::open(Environment::Production, folder.path(), &named("replay"));
        assert!(none.unwrap().is_none());
    }
}
