//! What a word looks like.

use crate::known::{is_blank_to_fill, is_document_stem};

/// A letter, then letters, digits and `_ . -`: what may be a name in prose as well.
pub(crate) fn is_plain_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !is_env(text)
}

/// `[A-Za-z_][A-Za-z0-9_]*`.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `WFORGE_DATA`: capitals with at least one `_` between them.
pub(crate) fn is_env(text: &str) -> bool {
    let parts: Vec<&str> = text.split('_').collect();
    let is_part = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    parts.len() > 1
        && parts.iter().all(is_part)
        && text.starts_with(|c: char| c.is_ascii_uppercase())
}

/// `--dry-run`.
pub(crate) fn is_flag(text: &str) -> bool {
    text.strip_prefix("--").is_some_and(|name| {
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.ends_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    })
}

/// `build`, `dry-run`: a subcommand, a target, a script.
pub(crate) fn is_small_word(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_:.".contains(c))
}

/// A name that was made of several words: `BlobRef`, `blobRef`, `blob_ref`, `blob-ref`.
pub(crate) fn is_compound(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || text.len() < 4 {
        return false;
    }
    joined_by('_', text) || joined_by('-', text) || has_humps(text)
}

fn joined_by(sign: char, text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.contains(sign) && text.split(sign).all(is_part)
}

fn has_humps(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let hump = |three: &[char]| match three {
        [before, capital, after] => {
            before.is_ascii_lowercase()
                && capital.is_ascii_uppercase()
                && after.is_ascii_lowercase()
        }
        _ => false,
    };
    is_identifier(text) && !text.contains('_') && characters.windows(3).any(hump)
}

/// Whether the text stands for something that the reader fills in.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let signs = ['<', '>', '…', '$', '{', '}', '"', '\'', '|', '\\'];
    text.contains(signs) || text.contains("...") || text.split(['/', '=', '@']).any(is_stand_in)
}

fn is_stand_in(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    let stem = part.split('.').next().unwrap_or_default();
    let is_capital = |text: &str| text.len() > 1 && text.chars().all(|c| c.is_ascii_uppercase());
    let heads = ["my-", "my_", "your-", "your_", "some-", "some_"];
    ["foo", "bar", "baz", "acme", "xxx", "my", "your", "me"].contains(&&*lower)
        || heads.iter().any(|head| lower.starts_with(head))
        || is_capital(part) && !is_document_stem(part)
        || is_capital(stem) && is_blank_to_fill(stem)
}
