//! Code within prose: paths, flags, variables, keys, names and commands.

use crate::claim::{Found, Kind};
use crate::command::Commands;
use crate::known::is_product;
use crate::path;
use crate::prose::{has_versions, version_of};
use crate::shape::{is_compound, is_env, is_flag, is_identifier, is_placeholder, is_small_word};

/// The longest code that is looked at, in bytes.
const CODE_BYTES_MAX: usize = 200;
/// Last parts of names of hosts, which are no keys.
const DOMAINS: [&str; 9] = ["com", "org", "net", "io", "dev", "example", "local", "rs", "app"];

/// The claims of a piece of code within prose.
pub(crate) fn claims(line: usize, code: &str, commands: &Commands) -> Vec<Found> {
    let code = code.trim();
    if code.is_empty() || code.len() > CODE_BYTES_MAX {
        return Vec::new();
    }
    if let Some(claims) = commands.in_prose(line, code) {
        return claims;
    }
    if code.contains(char::is_whitespace) {
        return several_words(line, code).into_iter().collect();
    }
    one_word(line, code).into_iter().collect()
}

/// `--flag VALUE`, `key = value`, `crate 1.2`.
fn several_words(line: usize, code: &str) -> Option<Found> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let (first, second) = (words.first()?, words.get(1)?);
    if is_flag(first) {
        return Some(Found::new(line, Kind::Flag, &[first]));
    }
    if let [name, version] = words.as_slice()
        && has_versions(name)
        && let Some(version) = version_of(version)
    {
        return Some(Found::new(line, Kind::Version, &[version, name]));
    }
    let key = if *second == "=" { first } else { first.strip_suffix(':')? };
    is_key(key).then(|| Found::new(line, Kind::Key, &[key]))
}

fn one_word(line: usize, code: &str) -> Option<Found> {
    let word = code.trim_end_matches([',', ';', '.']);
    let flag = word.split('=').next().unwrap_or(word);
    let variable = word.trim_start_matches('$').trim_matches(['{', '}']);
    if is_flag(flag) {
        return Some(Found::new(line, Kind::Flag, &[flag]));
    }
    if is_env(variable.split('=').next().unwrap_or_default()) {
        let name = variable.split('=').next().unwrap_or_default();
        return Some(Found::new(line, Kind::Env, &[name]));
    }
    if path::is_route(word) {
        return route(line, word);
    }
    if let Some(path) = path::of_text(word) {
        return Some(Found::new(line, Kind::Path, &[&path]));
    }
    if let Some((name, version)) = word.split_once('@')
        && has_versions(name)
        && let Some(version) = version_of(version)
    {
        return Some(Found::new(line, Kind::Version, &[version, name]));
    }
    named(line, word)
}

/// A route to its first part that a caller fills in.
fn route(line: usize, word: &str) -> Option<Found> {
    let fixed = word.split(['{', ':', '<']).next().unwrap_or_default().trim_end_matches('/');
    (fixed.len() > 2).then(|| Found::new(line, Kind::Name, &[word, fixed]))
}

fn named(line: usize, word: &str) -> Option<Found> {
    let name = word.split('(').next().unwrap_or_default();
    let is_call = name.len() < word.len() && word.ends_with(')');
    let last = name.rsplit(['.', ':']).next().unwrap_or_default();
    let section = name.trim_start_matches('[').trim_end_matches(']');
    if word.starts_with('[') && is_key(section) {
        return Some(Found::new(line, Kind::Key, &[section]));
    }
    if is_placeholder(name) || is_product(name) || name.starts_with("std::") {
        return None;
    }
    let is_path_of_names = name.contains("::") && is_identifier(last);
    if (is_call && is_identifier(last) || is_path_of_names) && last.len() > 1 {
        return Some(Found::new(line, Kind::Name, &[word, last]));
    }
    if is_compound(name) && !is_call {
        return Some(Found::new(line, Kind::Name, &[word, name]));
    }
    (name.contains('.') && is_key(name)).then(|| Found::new(line, Kind::Key, &[name]))
}

/// `limits.steps`, `state_bytes_max`: small letters, at least one word of three.
pub(crate) fn is_key(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() > 2
        && is_small_word(&text.to_ascii_lowercase())
        && !text.contains(':')
        && !text.ends_with('.')
        && !text.contains("..")
        && text.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()))
        && (!text.contains('.') || !DOMAINS.contains(&last))
}
