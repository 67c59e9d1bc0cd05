//! What a claim is.

use serde::Serialize;

/// The document's claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// In the order of the document.
    pub claims: Vec<Claim>,
    /// How many were found, with those left out.
    pub found: usize,
    /// What was left out, being too many.
    pub left_out: Vec<LeftOut>,
}

/// Something that the document says and the folder can show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Unique in the document; in its order also as text.
    pub id: String,
    /// Its line.
    pub line: usize,
    /// The line's text, cut.
    pub text: String,
    /// What it is about.
    pub kind: Kind,
    /// The same as a question to the folder.
    pub question: String,
    /// What to look for, the most telling first.
    pub subjects: Vec<String>,
}

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something to run: `[how, …]`, where `how` is `make`, `just`, `npm`, `cargo`, `file`,
    /// `module` or `program`.
    Command,
    /// A file or folder: `[path]`.
    Path,
    /// A link to a file: `[path]`.
    Link,
    /// An option of a program: `[--flag]`, or `[--flag, program]`.
    Flag,
    /// A variable of the environment: `[NAME]`.
    Env,
    /// A key of a configuration: `[key]`, or `[key, section]`.
    Key,
    /// How many of something there are: `[number, name]`.
    Number,
    /// A version of something: `[version, name]`.
    Version,
    /// A function, a type, a route: `[name as written, its last part]`.
    Name,
}

/// Claims of one kind that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Their kind.
    pub kind: Kind,
    /// How many.
    pub count: usize,
    /// The line of the first.
    pub from_line: usize,
}

/// A claim before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    pub(crate) subjects: Vec<String>,
}

impl Found {
    pub(crate) fn new(line: usize, kind: Kind, subjects: &[&str]) -> Self {
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        Self { line, kind, subjects }
    }
}
