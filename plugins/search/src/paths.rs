//! Finds files and folders by their paths, from the listing alone.

use std::collections::{BTreeMap, BTreeSet};

use regex::bytes::Regex;

use crate::folder::File;
use crate::{Hit, Output};

/// The files that a glob matches, and folders of which it names a part of the path.
pub(crate) fn matching<'a>(
    files: impl Iterator<Item = &'a File>,
    glob: &Regex,
    hits_max: usize,
) -> Output {
    let mut output = Output::default();
    for file in files {
        output.files_searched += 1;
        if glob.is_match(file.path.as_bytes()) {
            keep(&mut output, file_hit(file), hits_max);
        }
    }
    output
}

/// Files and folders of that name: first that very path, then those whose path ends with it.
pub(crate) fn named<'a>(
    files: impl Iterator<Item = &'a File>,
    name: &str,
    ignore_case: bool,
    hits_max: usize,
) -> Output {
    let wanted = Wanted::new(name, ignore_case);
    let mut output = Output::default();
    let mut folders: BTreeMap<&str, Inside<'_>> = BTreeMap::new();
    let mut found: Vec<(bool, Hit)> = Vec::new();
    for file in files {
        output.files_searched += 1;
        if !wanted.folder_only && wanted.is_end_of(&file.path) {
            found.push((wanted.is(&file.path), file_hit(file)));
        }
        for (at, _) in file.path.match_indices('/') {
            let (folder, inside) = file.path.split_at(at);
            if wanted.is_end_of(folder) {
                folders.entry(folder).or_default().add(inside.trim_start_matches('/'));
            }
        }
    }
    found.extend(folders.iter().map(|(path, inside)| (wanted.is(path), inside.hit(path))));
    // A stable sort: what is exactly that comes first, the rest stays in order.
    found.sort_by_key(|(exact, _)| !exact);
    found.into_iter().for_each(|(_, hit)| keep(&mut output, hit, hits_max));
    output
}

fn keep(output: &mut Output, hit: Hit, hits_max: usize) {
    if output.hits.len() < hits_max {
        output.hits.push(hit);
    } else {
        output.truncated = true;
    }
}

fn file_hit(file: &File) -> Hit {
    let text = format!("file, {} bytes", file.blob.size);
    Hit { file: file.path.clone(), line: 0, text }
}

/// A path that is looked for.
struct Wanted {
    path: String,
    folder_only: bool,
    ignore_case: bool,
}

impl Wanted {
    fn new(name: &str, ignore_case: bool) -> Self {
        let name = name.trim();
        let path = name.trim_start_matches("./").trim_matches('/');
        let path = if ignore_case { path.to_lowercase() } else { path.to_owned() };
        Self { path, folder_only: name.ends_with('/'), ignore_case }
    }

    fn is(&self, path: &str) -> bool {
        if self.ignore_case { path.to_lowercase() == self.path } else { path == self.path }
    }

    /// Whether `path` is it, or ends with it behind a `/`.
    fn is_end_of(&self, path: &str) -> bool {
        let ends = |path: &str| {
            path.strip_suffix(&*self.path)
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        if self.path.is_empty() {
            return false;
        }
        if self.ignore_case { ends(&path.to_lowercase()) } else { ends(path) }
    }
}

/// What is in a folder.
#[derive(Default)]
struct Inside<'a> {
    entries: BTreeSet<&'a str>,
    files: usize,
}

impl<'a> Inside<'a> {
    fn add(&mut self, path: &'a str) {
        self.entries.insert(path.split('/').next().unwrap_or(path));
        self.files += 1;
    }

    fn hit(&self, path: &str) -> Hit {
        let text = format!("folder, {} entries, {} files", self.entries.len(), self.files);
        Hit { file: format!("{path}/"), line: 0, text }
    }
}
