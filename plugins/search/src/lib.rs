//! Finds paths, words and patterns in a folder that is given by reference.
//!
//! [`find`] answers one query: [`paths`] from the listing alone, [`content`] from the files, which
//! come through [`Blobs`] in ranges. Never here: a judgement about what was found.

mod content;
mod folder;
mod glob;
mod paths;
mod query;
mod read;
mod word;

use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, agent};

pub use folder::{Blob, File, Folder};
pub use query::{Kind, Query};
pub use read::Blobs;

/// The most hits, where the caller does not say.
pub const HITS_DEFAULT: usize = 20;
/// The most hits that a caller can ask for.
pub const HITS_MAX: usize = 200;

/// What the agent gets.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The folder.
    pub folder: Folder,
    /// What to look for.
    pub query: Query,
    /// The most hits.
    #[serde(default)]
    pub max: Option<usize>,
}

/// What the agent answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Output {
    /// What was found, in the order of the listing.
    pub hits: Vec<Hit>,
    /// Files that were looked at; for paths, those of the listing.
    pub files_searched: usize,
    /// Files that are binary.
    pub files_skipped: usize,
    /// Whether there may be more than is said here.
    pub truncated: bool,
}

/// A place where something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The file; a folder ends in `/`.
    pub file: String,
    /// The line, from 1; 0 where the file or folder itself is what was found.
    pub line: usize,
    /// The line's text, cut; what the file or folder is, where the line is 0.
    pub text: String,
}

/// Searches the folder.
///
/// # Errors
/// The query cannot be read, or a file cannot.
#[agent]
pub fn run(_ctx: &Ctx, input: Input) -> Result<Output, Failure> {
    find(&input, &read::Host)
}

/// Answers the query.
///
/// # Errors
/// The query cannot be read, or a file cannot.
pub fn find(input: &Input, blobs: &dyn Blobs) -> Result<Output, Failure> {
    let hits_max = input.max.unwrap_or(HITS_DEFAULT).clamp(1, HITS_MAX);
    let Query { kind, text, ignore_case, .. } = &input.query;
    let scope = query::Scope::new(&input.query)?;
    let files = input.folder.files.iter().filter(|file| scope.holds(&file.path));
    match kind {
        Kind::Path => Ok(paths::named(files, text, *ignore_case, hits_max)),
        Kind::Glob => {
            let glob = query::glob(text, *ignore_case)?;
            Ok(paths::matching(files, &glob, hits_max))
        }
        Kind::Word | Kind::Regex => {
            let pattern = query::Pattern::new(*kind, text, *ignore_case)?;
            content::search(files, &pattern, hits_max, blobs)
        }
    }
}
