//! Links that a reader should look at before following them. Nothing is fetched.

use std::collections::BTreeSet;

/// Schemes that do more than show a page.
const ACTIVE: [&str; 4] = ["javascript:", "vbscript:", "data:", "file:"];

/// Why the address is odd, if it is. `anchors` are the ids of the document's sections.
pub(crate) fn oddity(url: &str, anchors: &BTreeSet<&str>) -> Option<&'static str> {
    let lower = url.trim().to_ascii_lowercase();
    if lower.is_empty() {
        return Some("leads nowhere: its reference is not defined");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("has blanks or control characters");
    }
    if ACTIVE.iter().any(|scheme| lower.starts_with(scheme)) {
        return Some("does more than show a page");
    }
    if let Some(anchor) = lower.strip_prefix('#') {
        let known = anchor.is_empty() || anchors.contains(anchor);
        return (!known).then_some("no section has this anchor");
    }
    remote_oddity(&lower)
}

fn remote_oddity(lower: &str) -> Option<&'static str> {
    let (scheme, rest) = lower.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some("carries a user's name or password");
    }
    if authority.is_empty() {
        return Some("names no host");
    }
    (scheme == "http" && !is_local(authority)).then_some("is not encrypted")
}

fn is_local(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}

/// The address without what stands before an `@`: a password does not go on into a report.
pub(crate) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://…{}", rest.get(at..).unwrap_or_default()),
        None => url.to_owned(),
    }
}
