//! Ids, names and times as text.

use core::fmt::{Debug, Display};
use core::str::FromStr;

use wforge_model::id::IdHasher;
use wforge_model::{AgentRef, Digest, Key, NodeId, PluginName, RunId, TaskId, TenantId, Timestamp};

/// Texts that read back as themselves, and texts that are refused.
fn check<T: FromStr<Err: Display> + Display>(good: &[&str], bad: &[&str]) {
    for text in good {
        match text.parse::<T>() {
            Ok(value) => assert_eq!(value.to_string(), *text),
            Err(error) => panic!("\"{text}\" was refused: {error}"),
        }
    }
    for text in bad {
        assert!(text.parse::<T>().is_err(), "\"{text}\" was taken");
    }
}

#[test]
fn an_id_reads_back_and_another_kinds_id_is_refused() {
    let hex = "0123456789abcdef0123456789abcdef";
    let (run, task) = (format!("run_{hex}"), format!("task_{hex}"));
    let (short, loud) = (format!("run_{}", &hex[1..]), run.to_uppercase());
    check::<RunId>(&[&run], &[&task, &short, &loud, hex, "", "run_"]);
    check::<TaskId>(&[&task], &[&run]);
    let digest = format!("sha256:{hex}{hex}");
    check::<Digest>(&[&digest], &[&format!("{hex}{hex}"), "sha256:", &run]);
}

#[test]
fn names_keep_to_their_letters() {
    let long = "a".repeat(65);
    check::<NodeId>(&["a", "look-again", "B_2"], &["", "1a", "a.b", "a b", "START", "END", &long]);
    check::<Key>(&["a", "_a", "a_1"], &["", "a-b", "1a", "ä"]);
    check::<TenantId>(&["acme", "acme-2"], &["", "Acme", "a_b", "a/b", "-a"]);
    check::<PluginName>(&["wforge/scan", "a1/b-2"], &["scan", "a/b/c", "A/b", "/b", "a/", "a/b@1"]);
}

#[test]
fn an_agent_is_named_with_its_plugin_agent_and_range() {
    let good = ["a/b", "a/b.main", "a/b@^1.2", "a/b.summarise@=1.0.0"];
    check::<AgentRef>(&good, &["a", "a/b.", "a/b@", "a/b@many", "a/b.1", "a/b.c.d"]);
}

#[test]
fn a_moment_reads_as_rfc_3339() {
    let check = |ms: u64, text: &str| assert_eq!(Timestamp(ms).to_string(), text);
    check(0, "1970-01-01T00:00:00.000Z");
    check(951_782_400_000, "2000-02-29T00:00:00.000Z");
    check(1_795_581_921_875, "2026-11-25T04:45:21.875Z");
}

#[test]
fn two_lists_of_fields_never_hash_alike() {
    let hash = |fields: &[&str]| {
        let start = IdHasher::new("test");
        fields.iter().fold(start, |hasher, field| hasher.field(field.as_bytes())).finish()
    };
    let lists: [&[&str]; 5] = [&["ab", "c"], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
    let hashes: std::collections::BTreeSet<[u8; 16]> = lists.iter().map(|l| hash(l)).collect();
    assert_eq!(hashes.len(), lists.len());
}

/// Every failure kind's name reads back.
#[test]
fn failure_kinds_are_written_as_workflow_files_write_them() {
    fn same<T: PartialEq + Debug>(left: &T, right: &T) {
        assert_eq!(left, right);
    }
    for (kind, text) in wforge_model::FailureKind::ALL {
        same(&wforge_model::FailureKind::from_text(text), &Some(kind));
        same(&serde_json::to_value(kind).unwrap(), &serde_json::json!(text));
    }
}
