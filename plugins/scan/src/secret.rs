//! Secrets: private keys, keys of known services, web tokens, assigned passwords, and long texts
//! that look like chance.

use std::ops::Range;

use crate::Kind;
use crate::span::{Span, runs, trim};

/// Beginnings of keys of well-known services, and how long the rest is at least.
const KNOWN: [(&str, usize); 25] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xoxs-", 10),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("pk_live_", 16),
    ("sk-", 20),
    ("npm_", 36),
    ("pypi-", 40),
    ("hf_", 30),
    ("dop_v1_", 40),
    ("SG.", 40),
    ("shpat_", 32),
];
/// Names after which a value is a secret.
const NAMES: [&str; 8] =
    ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "access_key"];
/// Values that only stand in the place of one.
const PLACEHOLDERS: [&str; 10] = [
    "example",
    "changeme",
    "your",
    "xxx",
    "placeholder",
    "redacted",
    "secret",
    "password",
    "null",
    "none",
];
const CREDENTIAL_BYTES_MIN: usize = 8;
const TOKEN_BYTES_MIN: usize = 24;
const TOKEN_BYTES_MAX: usize = 512;
/// How far back the beginning of an address is looked for.
const ADDRESS_BYTES_MAX: usize = 256;
/// Bits per character above which a mixed text looks like chance.
const TOKEN_ENTROPY_MIN: f64 = 3.9;

pub(crate) fn find(line: &str) -> Vec<Span> {
    let mut spans = private_key(line);
    spans.extend(runs(line, is_key_part).filter_map(|run| key(line, run)));
    spans.extend(credential(line));
    spans
}

fn private_key(line: &str) -> Vec<Span> {
    let begin = line.find("-----BEGIN ").filter(|_| line.contains("PRIVATE KEY"));
    let span = begin.map(|begin| Span { kind: Kind::PrivateKey, bytes: begin..line.len() });
    span.into_iter().collect()
}

fn is_key_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=')
}

fn key(line: &str, run: (Range<usize>, &str)) -> Option<Span> {
    // `NAME=value` is one run; the value is what counts. Padding at the end stays.
    let (mut bytes, mut text) = trim(run, &['.', '/', '-', '+']);
    if let Some(at) = text.trim_end_matches('=').rfind('=') {
        bytes.start += at + 1;
        text = text.get(at + 1..)?;
    }
    let kind = if is_known(text) {
        Kind::ApiKey
    } else if is_jwt(text) {
        Kind::Jwt
    } else if is_token(line, &bytes, text) {
        Kind::Token
    } else {
        return None;
    };
    Some(Span { kind, bytes })
}

fn is_known(text: &str) -> bool {
    KNOWN.iter().any(|(prefix, rest_min)| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *rest_min && has_digit(rest))
    })
}

fn is_jwt(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && text.starts_with("eyJ") && parts.iter().all(|part| part.len() >= 10)
}

/// Long, of small and capital letters and digits, without structure. A digest, a path or an address
/// is none of that.
fn is_token(line: &str, bytes: &Range<usize>, text: &str) -> bool {
    let (small, capital, digit) = (
        text.contains(|c: char| c.is_ascii_lowercase()),
        text.contains(|c: char| c.is_ascii_uppercase()),
        has_digit(text),
    );
    (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&text.len())
        && small
        && capital
        && digit
        && !is_in_address(line, bytes.start)
        && text.matches('.').count() == 0
        && text.matches('/').count() <= 2
        && text.matches(['-', '_']).count() <= 2
        && entropy(text) >= TOKEN_ENTROPY_MIN
}

/// Whether the word up to here is the beginning of an address, a link or a digest.
fn is_in_address(line: &str, at: usize) -> bool {
    let near = line.floor_char_boundary(at.saturating_sub(ADDRESS_BYTES_MAX));
    let before = line.get(near..at).unwrap_or_default();
    before.rsplit(char::is_whitespace).next().is_some_and(|word| {
        word.contains("://") || word.contains("](") || word.ends_with(['#', '@', ':'])
    })
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Shannon's entropy of the bytes, in bits per byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = text.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

/// `password: "…"`, `api_key = …`, `TOKEN=…`.
fn credential(line: &str) -> Option<Span> {
    // Small letters of ASCII alone, so that places in both lines are the same.
    let lower = line.to_ascii_lowercase();
    let end = NAMES.iter().filter_map(|name| lower.find(name).map(|at| at + name.len())).max()?;
    let rest = line.get(end..)?.trim_start_matches(['"', '\'', '`', '*']);
    let value = rest.trim_start().strip_prefix(['=', ':'])?;
    let begin = line.len() - value.len();
    let quoted = runs(value, |c| !c.is_whitespace() && !"\"'`,;<>(){}".contains(c)).next()?;
    let (bytes, text) = trim(quoted, &['.', '*']);
    let lower = text.to_ascii_lowercase();
    let real = text.len() >= CREDENTIAL_BYTES_MIN
        && text.contains(|c: char| !c.is_alphabetic())
        && !PLACEHOLDERS.iter().any(|word| lower.starts_with(word))
        && !text.starts_with(['$', '/', '[', '#'])
        && !text.contains("://")
        && !text.contains("::");
    let bytes = begin + bytes.start..begin + bytes.end;
    real.then_some(Span { kind: Kind::Credential, bytes })
}
