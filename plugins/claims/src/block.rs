//! Configuration in blocks of code: keys and variables.

use crate::claim::{Found, Kind};
use crate::inline::is_key;
use crate::shape::{is_compound, is_env};

/// The most keys of one block.
const KEYS_MAX: usize = 50;

/// The claims of a block in that language.
pub(crate) fn claims(line: usize, language: &str, block: &str) -> Vec<Found> {
    let found: Vec<Found> = match language {
        "toml" | "ini" | "conf" | "properties" | "cfg" => sections_and_keys(line, block),
        "env" | "dotenv" => variables(line, block),
        // What stands before a colon is as often the author's own word, such as a node's name.
        "yaml" | "yml" | "json" | "jsonc" | "json5" => compound_keys(line, block),
        _ => Vec::new(),
    };
    found.into_iter().take(KEYS_MAX).collect()
}

fn sections_and_keys(line: usize, block: &str) -> Vec<Found> {
    let mut section = "";
    let mut found = Vec::new();
    for (text, line) in block.lines().zip(line..) {
        let text = text.trim();
        if let Some(name) = text.strip_prefix('[') {
            section = name.trim_start_matches('[').split(']').next().unwrap_or_default().trim();
            if is_key(section) {
                found.push(Found::new(line, Kind::Key, &[section]));
            }
        } else if let Some(key) = key_before(text, '=') {
            let subjects = if is_key(section) { vec![key, section] } else { vec![key] };
            found.push(Found::new(line, Kind::Key, &subjects));
        }
    }
    found
}

fn compound_keys(line: usize, block: &str) -> Vec<Found> {
    let keys = block.lines().zip(line..).filter_map(|(text, line)| {
        let key = key_before(text.trim_start_matches(['{', '-', ' ', '\t']), ':')?;
        is_compound(key).then(|| Found::new(line, Kind::Key, &[key]))
    });
    keys.collect()
}

fn variables(line: usize, block: &str) -> Vec<Found> {
    let names = block.lines().zip(line..).filter_map(|(text, line)| {
        let name = text.trim().trim_start_matches("export ").split_once('=')?.0;
        is_env(name).then(|| Found::new(line, Kind::Env, &[name]))
    });
    names.collect()
}

fn key_before(text: &str, sign: char) -> Option<&str> {
    let key = text.split_once(sign)?.0.trim().trim_matches(['"', '\'']);
    is_key(key).then_some(key)
}
