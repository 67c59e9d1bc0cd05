//! Paths of a rule: one, all below one, or all.

use alloc::string::{String, ToString};
use core::fmt;

use super::HttpRuleError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    All,
    /// What begins with this; it ends in a slash.
    Below(String),
    One(String),
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, HttpRuleError> {
        if text.is_empty() {
            return Ok(Self::All);
        }
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\') {
            return Err(HttpRuleError::PathText);
        }
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(HttpRuleError::PathDots);
        }
        let prefix = text.strip_suffix('*').unwrap_or(text);
        if prefix.contains('*') || prefix != text && !prefix.ends_with('/') {
            return Err(HttpRuleError::PathStar);
        }
        if !prefix.ends_with('/') {
            return Ok(Self::One(text.to_string()));
        }
        if hides(prefix) {
            return Err(HttpRuleError::PathHides);
        }
        Ok(Self::Below(prefix.to_string()))
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Below(prefix), Self::Below(path)) => path.starts_with(prefix),
            // A server that decodes before it looks for slashes and dots could be led out of the
            // prefix; a grant for that very path, or for all of them, is not fooled.
            (Self::Below(prefix), Self::One(path)) => path.starts_with(prefix) && !hides(path),
            (Self::One(own), Self::One(path)) => own == path,
            (Self::Below(_) | Self::One(_), Self::All) | (Self::One(_), Self::Below(_)) => false,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Below(path) | Self::One(path) => f.write_str(path),
        }
    }
}

/// Whether a server could find slashes or dots in it that are not written as such: `%2f`, `%2e`,
/// `%5c`, an escaped percent sign that begins an escape again, a broken escape, or `..;x`, which
/// some read as `..`.
fn hides(path: &str) -> bool {
    let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    let escape = |(at, _)| is_hiding(path.get(at + 1..).unwrap_or_default());
    path.split('/').any(dots) || path.match_indices('%').any(escape)
}

/// Whether the escape hides something, of which this and the rest of the path follow the `%`.
fn is_hiding(rest: &str) -> bool {
    let Some((code, after)) = rest.split_at_checked(2) else {
        return true;
    };
    let is_escape_again = |byte: u8| byte == b'%' || byte.is_ascii_hexdigit();
    match code.to_ascii_lowercase().as_str() {
        "2e" | "2f" | "5c" => true,
        "25" => after.bytes().next().is_some_and(is_escape_again),
        code => !code.bytes().all(|byte| byte.is_ascii_hexdigit()),
    }
}
