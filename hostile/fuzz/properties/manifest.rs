//! A manifest that is let in says the same after it was written again, and each of its names is one
//! that a workflow file can write, by rules that are spelled out here once more.
#![allow(clippy::expect_used, reason = "what does not hold panics, for fuzzer and test alike")]

use std::collections::BTreeSet;

use wforge_model::manifest::{AGENTS_MAX, MANIFEST_BYTES_MAX, Manifest};

/// Whether it is let in.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let Ok(manifest) = Manifest::from_section(bytes) else {
        return false;
    };
    assert!(bytes.len() <= MANIFEST_BYTES_MAX, "{} bytes", bytes.len());
    let (publisher, name) = manifest.name.as_str().split_once('/').expect("two parts");
    for part in [publisher, name] {
        let mut letters = part.bytes();
        assert!(letters.next().is_some_and(|first| first.is_ascii_lowercase()), "{part:?}");
        assert!(letters.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{part:?}");
    }
    let agents: BTreeSet<&str> = manifest.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(agents.len(), manifest.agents.len(), "an agent is named twice");
    assert!((1..=AGENTS_MAX).contains(&agents.len()), "{} agents", agents.len());
    let exits = manifest.agents.iter().flat_map(|agent| agent.exits.iter().map(String::as_str));
    for word in agents.iter().copied().chain(exits) {
        let mut letters = word.bytes();
        assert!(letters.next().is_some_and(|first| first.is_ascii_alphabetic()), "{word:?}");
        assert!(letters.all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)), "{word:?}");
    }
    for agent in &manifest.agents {
        assert_eq!(manifest.agent(Some(&agent.name)), Some(agent));
    }
    let written = serde_json::to_vec(&manifest).expect("JSON");
    // Written anew it may be longer than it came: `1e9` becomes ten digits.
    if written.len() <= MANIFEST_BYTES_MAX {
        assert_eq!(Manifest::from_section(&written).as_ref(), Ok(&manifest));
    }
    true
}
