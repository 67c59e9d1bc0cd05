//! Whether a text is a path into the folder.

use crate::known::{is_bare_file, is_ending, is_made, is_product};
use crate::shape::is_placeholder;

/// Folders of a machine, below which nothing belongs to anybody's project.
const ROOTS: [&str; 14] = [
    "bin", "boot", "dev", "etc", "home", "lib", "mnt", "opt", "proc", "root", "run", "sys", "tmp",
    "usr",
];

/// The path as the folder would write it, if the text is one: relative, of this folder, and not
/// made by a build.
pub(crate) fn of_text(text: &str) -> Option<String> {
    let path = text.trim_start_matches("./");
    let is_path = !path.is_empty()
        && !path.contains(char::is_whitespace)
        && !path.contains("://")
        && !path.starts_with(['/', '~', '-', '@', '#', '%', '!', '+'])
        && !path.contains([':', '(', ')', ',', ';', '&', '`', '='])
        && !is_placeholder(&without_braces(path))
        && !is_version(path)
        && looks_like_one(path, text.starts_with("./"));
    is_path.then(|| cleaned(path)).flatten()
}

/// The path that a link leads to, if that is a file here.
pub(crate) fn of_link(url: &str) -> Option<String> {
    let path = url.split(['#', '?']).next().unwrap_or_default();
    let scheme = path.split('/').next().is_some_and(|head| head.contains(':'));
    if path.is_empty() || scheme || path.starts_with("//") || is_placeholder(path) {
        return None;
    }
    cleaned(&path.replace("%20", " "))
}

/// Whether an absolute path is one of a server and not of a machine.
pub(crate) fn is_route(text: &str) -> bool {
    let Some(path) = text.strip_prefix('/') else { return false };
    let first = path.split('/').next().unwrap_or_default();
    path.len() > 1
        && !ROOTS.contains(&first)
        && first.starts_with(|c: char| c.is_ascii_lowercase())
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.{}:".contains(c))
}

/// Alternatives of a glob are no stand-ins.
fn without_braces(path: &str) -> String {
    if path.contains(',') { path.to_owned() } else { path.replace(['{', '}'], "") }
}

fn looks_like_one(path: &str, dotted: bool) -> bool {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_file = is_ending(ending) && !stem.is_empty() && !is_product(name)
        || is_bare_file(name)
        || is_dot_file(name);
    if path.contains('/') {
        return dotted || is_file || path.ends_with('/') || is_ambiguous(path);
    }
    // `console.log` and `result.env` are no files.
    is_file && !matches!(ending, "env" | "less" | "ex") && !stem.contains("()")
        || dotted && name.len() > 2
}

/// `.gitignore` is a file, `.rs` an ending.
fn is_dot_file(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|rest| {
        rest.len() > 2
            && rest.starts_with(|c: char| c.is_ascii_alphabetic())
            && (!is_ending(rest) || rest == "env")
    })
}

/// `a/b` may be a path, and the name of something as well.
fn is_ambiguous(path: &str) -> bool {
    path.split('/').all(|part| {
        part.len() > 1
            && part.starts_with(|c: char| c.is_ascii_lowercase() || c == '.' || c == '*')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-.*".contains(c))
    })
}

/// `1.2.3`, `v2.js`-like things aside.
fn is_version(path: &str) -> bool {
    path.starts_with(|c: char| c.is_ascii_digit())
        && path.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// Without what leads out of the folder and back; none where a build makes it.
fn cleaned(path: &str) -> Option<String> {
    let mut rest = path;
    while let Some(inner) = rest.strip_prefix("./").or_else(|| rest.strip_prefix("../")) {
        rest = inner;
    }
    let rest = rest.trim_start_matches('/');
    let first = rest.split('/').next().unwrap_or_default();
    let useful = !rest.is_empty() && rest != "." && rest != ".." && !is_made(first);
    useful.then(|| rest.to_owned())
}
