//! What came of a case when it was written down last: `tests/snapshots/<case>.json`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::json;
use wforge_model::{Failure, Object, Value};

use super::difference::between;
use crate::author::sandbox::{Effect, Outcome};

/// The folder beside the files of cases.
const FOLDER: &str = "snapshots";
/// The longest name of a file, in bytes.
const NAME_BYTES_MAX: usize = 80;

/// The snapshots beside a file of cases.
#[derive(Debug)]
pub(crate) struct Snapshots(PathBuf);

/// What was written down: JSON, or why it cannot be read as such.
type Known = Result<Value, serde_json::Error>;

/// What holding an outcome against its snapshot came to.
#[derive(Debug)]
pub(super) enum Held {
    Same,
    Written(PathBuf),
    Differs(Vec<String>),
}

impl Snapshots {
    pub(super) fn beside(file: &Path) -> Self {
        Self(file.parent().unwrap_or(Path::new(".")).join(FOLDER))
    }

    /// Compares, or writes where that is wanted.
    pub(super) fn hold(&self, case: &str, outcome: &Outcome, update: bool) -> anyhow::Result<Held> {
        let path = self.0.join(format!("{}.json", slug(case)));
        let found = taken(outcome);
        let known = read(&path)?;
        match known {
            Some(Ok(known)) if known == found => Ok(Held::Same),
            _ if update => {
                fs_err::create_dir_all(&self.0)?;
                fs_err::write(&path, format!("{found:#}\n"))?;
                Ok(Held::Written(path))
            }
            Some(Ok(known)) => Ok(Held::Differs(between("snapshot", &known, &found))),
            Some(Err(error)) => Ok(Held::Differs(vec![format!(
                "{} is no JSON: {error}; mend it, or write it anew with wforge test --update",
                path.display()
            )])),
            None => Ok(Held::Differs(vec![format!(
                "there is no snapshot {}: look at what came of it, and write it down with \
                 wforge test --update",
                path.display()
            )])),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Known>> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is kept of an outcome: nothing of what it took, or of the words of a failure, which change
/// with a compiler.
fn taken(outcome: &Outcome) -> Value {
    let mut kept = Object::new();
    match &outcome.result {
        Ok(reply) => {
            kept.insert("output".to_owned(), reply.output.clone());
            let exits: Vec<&str> = reply.exits.iter().map(|exit| exit.name.as_str()).collect();
            if !exits.is_empty() {
                kept.insert("exits".to_owned(), json!(exits));
            }
        }
        Err(failure) => {
            kept.insert("failure".to_owned(), of_failure(failure));
        }
    }
    let events: Vec<Value> = outcome
        .events
        .iter()
        .map(|(topic, payload)| json!({ "topic": topic, "payload": payload }))
        .collect();
    let effects: Vec<String> = outcome.effects.iter().map(line).collect();
    let lists =
        [("events", json!(events), events.len()), ("effects", json!(effects), effects.len())];
    let lists = lists.into_iter().filter(|(_, _, count)| *count > 0);
    kept.extend(lists.map(|(name, list, _)| (name.to_owned(), list)));
    Value::Object(kept)
}

fn of_failure(failure: &Failure) -> Value {
    json!({ "kind": failure.kind().as_str(), "code": failure.code() })
}

fn line(effect: &Effect) -> String {
    let denied = if effect.is_denied() { " (denied)" } else { "" };
    format!("{}{denied}", effect.line())
}

/// The name of a case as that of a file: its letters and digits, of any script.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if slug.len() + c.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        match c {
            c if c.is_alphanumeric() => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "case".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, slug};

    #[test]
    fn names_of_cases_become_names_of_files() {
        assert_eq!(slug("Counts words, and lines!"), "counts-words-and-lines");
        assert_eq!(slug("../../etc"), "etc");
        assert_eq!(slug("日本: Größe"), "日本-größe");
        assert_eq!(slug("!?"), "case");
    }

    #[test]
    fn a_long_name_is_cut_between_two_letters() {
        assert_eq!(slug(&"日".repeat(NAME_BYTES_MAX)), "日".repeat(NAME_BYTES_MAX / 3));
    }
}
