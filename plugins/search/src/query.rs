//! A query, checked once: what to look for, and in which files.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use workflowforge_sdk::Failure;

use crate::glob::to_regex;
use crate::word::Word;

/// The longest text of a query, in bytes.
const TEXT_BYTES_MAX: usize = 1024;
/// The largest program that a regular expression may become, in bytes.
const PROGRAM_BYTES_MAX: usize = 1 << 20;

/// What to look for.
#[derive(Debug, Clone, Deserialize)]
pub struct Query {
    /// What the text is.
    pub kind: Kind,
    /// What to look for.
    pub text: String,
    /// A glob: only in these files.
    #[serde(default)]
    pub files: Option<String>,
    /// A glob: not in these files.
    #[serde(default)]
    pub except: Option<String>,
    /// Whether small and capital letters are the same.
    #[serde(default)]
    pub ignore_case: bool,
}

/// What a query's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file or folder.
    Path,
    /// A text that stands on its own.
    Word,
    /// A regular expression.
    Regex,
    /// A glob of paths.
    Glob,
}

/// Which files a query is about.
#[derive(Debug)]
pub(crate) struct Scope {
    files: Option<Regex>,
    except: Option<Regex>,
}

impl Scope {
    pub(crate) fn new(query: &Query) -> Result<Self, Failure> {
        if query.text.trim().is_empty() || query.text.len() > TEXT_BYTES_MAX {
            let message = format!("write a text of 1 to {TEXT_BYTES_MAX} bytes");
            return Err(Failure::invalid_input("bad_query", message));
        }
        let scope = |text: &Option<String>| text.as_deref().map(|text| glob(text, false));
        Ok(Self {
            files: scope(&query.files).transpose()?,
            except: scope(&query.except).transpose()?,
        })
    }

    pub(crate) fn holds(&self, path: &str) -> bool {
        let path = path.as_bytes();
        self.files.as_ref().is_none_or(|files| files.is_match(path))
            && !self.except.as_ref().is_some_and(|except| except.is_match(path))
    }
}

/// A pattern that is looked for in contents.
#[derive(Debug)]
pub(crate) enum Pattern {
    Word(Word),
    Regex(Regex),
}

impl Pattern {
    pub(crate) fn new(kind: Kind, text: &str, ignore_case: bool) -> Result<Self, Failure> {
        if kind == Kind::Regex {
            return regex(text, ignore_case).map(Self::Regex);
        }
        if !ignore_case {
            return Ok(Self::Word(Word::exact(text)));
        }
        let pattern = regex(&regex::escape(text), true)?;
        Ok(Self::Word(Word::in_any_case(text, pattern)))
    }

    /// Where it stands next in `bytes`, from `at`.
    pub(crate) fn next(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        match self {
            Self::Word(word) => word.next(bytes, at),
            Self::Regex(regex) => regex.find_at(bytes, at).map(|found| found.range()),
        }
    }
}

/// A glob as an expression over whole paths.
pub(crate) fn glob(text: &str, ignore_case: bool) -> Result<Regex, Failure> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("a glob has at most {TEXT_BYTES_MAX} bytes");
        return Err(Failure::invalid_input("bad_query", message));
    }
    regex(&to_regex(text), ignore_case)
}

/// Letters are ASCII, `^` and `$` are ends of lines.
fn regex(text: &str, ignore_case: bool) -> Result<Regex, Failure> {
    RegexBuilder::new(text)
        .unicode(false)
        .multi_line(true)
        .crlf(true)
        .case_insensitive(ignore_case)
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(PROGRAM_BYTES_MAX)
        .build()
        .map_err(|error| {
            Failure::invalid_input("bad_query", format!("\"{text}\" cannot be searched: {error}"))
        })
}
