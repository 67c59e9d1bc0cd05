//! What the reference says that a plugin hears is what the code says.

use wforge_model::{Capability, Grants};

use crate::repo;

/// The lines of the blocks of text in a page.
fn quoted(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_block = false;
    for line in page.lines() {
        match line {
            "```text" => in_block = true,
            "```" => in_block = false,
            line if in_block => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// The texts of the host's sources, those over several lines joined as the compiler joins them.
fn sources() -> String {
    let files = repo::rust_files();
    let ours = files.iter().filter(|path| path.starts_with("host/") && path.contains("/src/"));
    let mut all = String::new();
    for path in ours {
        let text = repo::read(path);
        let mut pieces = text.split("\\\n");
        all += pieces.next().unwrap_or_default();
        all.extend(pieces.map(str::trim_start));
        all.push('\n');
    }
    // As format! reads them.
    all.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}")
}

#[test]
fn a_message_that_the_reference_quotes_is_one_that_the_code_says() {
    let page = repo::read("docs/reference/capabilities.md");
    let sources = sources();
    let lines = quoted(&page);
    assert!(lines.len() > 12, "{lines:?}");
    for line in lines {
        assert!(
            is_of_a_grant(&line) || sources.contains(&line),
            "docs/reference/capabilities.md quotes what no source says: {line}"
        );
    }
}

/// Whether it is what a plugin without grants hears that wants what the line would grant it.
fn is_of_a_grant(line: &str) -> bool {
    const PLUGIN: &str = "acme/crawler";
    let Some(rest) = line.strip_prefix("to grant it: wforge grants approve acme/crawler ") else {
        return false;
    };
    let Some((wanted, _)) = rest.split_once("; ") else { return false };
    let wanted: Capability = wanted.parse().expect("it is a capability");
    let denial = Grants::default().require(PLUGIN, &wanted).unwrap_err();
    denial.hint == line
}

#[test]
fn every_kind_of_need_has_its_denial_in_the_reference() {
    let page = repo::read("docs/reference/capabilities.md");
    let lines = quoted(&page);
    for kind in ["ask", "kv:", "llm:", "http:", "tool:", "secret:"] {
        let begins = format!("to grant it: wforge grants approve acme/crawler {kind}");
        assert!(lines.iter().any(|line| line.starts_with(&begins)), "no denial of {kind}");
    }
}

#[test]
fn every_limit_that_the_reference_names_is_a_key() {
    let keys = repo::read("docs/reference/wforge.schema.json");
    let keys: serde_json::Value = serde_json::from_str(&keys).expect("JSON");
    let page = repo::read("docs/reference/capabilities.md");
    let spans = page.split('`').skip(1).step_by(2);
    let named: Vec<&str> = spans
        .filter(|span| ["limits.", "llm.", "outbound."].iter().any(|it| span.starts_with(it)))
        .filter(|span| !span.contains('*') && !span.contains('('))
        .collect();
    assert!(named.len() > 12, "{named:?}");
    for key in named {
        let found = key.split('.').try_fold(&keys, |at, name| at.get("properties")?.get(name));
        assert!(found.is_some(), "docs/reference/capabilities.md names {key}, which is no key");
    }
}
