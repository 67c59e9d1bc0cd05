//! What an opening finds: locks, keys, formats, damage.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use expect_test::{Expect, expect};
use futures::executor::block_on;
use serde_json::json;
use tempfile::TempDir;
use wforge_model::Seq;
use wforge_ports::store::Store as _;
use wforge_ports::store::audit_hash;
use wforge_store::{Kek, OpenError, SledOptions, SledStore};
use wforge_testkit::store::make;

use crate::entropy;

fn try_open(dir: &Path, options: SledOptions) -> Result<SledStore, OpenError> {
    SledStore::open(dir, options, entropy())
}

fn open(dir: &Path) -> SledStore {
    try_open(dir, SledOptions::default()).unwrap()
}

fn with_key(byte: u8) -> SledOptions {
    SledOptions { kek: Some(Kek::from_bytes([byte; 32])), ..SledOptions::default() }
}

fn write_run(store: &SledStore, events: u64) {
    let acme = make::tenant("acme");
    for place in 0..events {
        let commit = make::commit(&acme, make::run(1), place, vec![make::started(json!(place))]);
        block_on(store.commit(commit)).unwrap();
    }
}

fn length(store: &SledStore) -> Option<Seq> {
    let head = block_on(store.head(&make::tenant("acme"), make::run(1))).unwrap();
    head.map(|head| head.seq)
}

/// The error of an opening, with the folder written as `DIR`.
fn check(dir: &Path, options: SledOptions, expected: &Expect) {
    let error = try_open(dir, options).unwrap_err().to_string();
    let pid = std::process::id().to_string();
    expected.assert_eq(&error.replace(&dir.display().to_string(), "DIR").replace(&pid, "PID"));
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("journal")).unwrap();
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wal"))
        .collect();
    found.sort();
    found
}

fn change_file(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs_err::read(path).unwrap();
    change(&mut bytes);
    fs_err::write(path, bytes).unwrap();
}

#[test]
fn a_second_opening_hears_at_once_who_has_the_store() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    check(
        dir.path(),
        SledOptions::default(),
        &expect!["the data directory DIR is in use by process PID"],
    );
    drop(store);
    open(dir.path());
}

#[test]
fn the_key_file_is_for_its_owner_only() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    let mode = std::fs::metadata(dir.path().join("kek")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_key_that_is_handed_in_leaves_no_file() {
    let dir = TempDir::new().unwrap();
    write_run(&try_open(dir.path(), with_key(1)).unwrap(), 1);
    assert!(!dir.path().join("kek").exists());
    assert_eq!(length(&try_open(dir.path(), with_key(1)).unwrap()), Some(Seq(1)));
}

#[test]
fn another_key_opens_nothing() {
    let dir = TempDir::new().unwrap();
    write_run(&try_open(dir.path(), with_key(1)).unwrap(), 1);
    check(
        dir.path(),
        with_key(2),
        &expect![
            "the data directory DIR was sealed with another key: hand in the key that the store was made with"
        ],
    );
}

#[test]
fn a_lost_key_is_not_replaced() {
    let dir = TempDir::new().unwrap();
    write_run(&open(dir.path()), 1);
    fs_err::remove_file(dir.path().join("kek")).unwrap();
    check(
        dir.path(),
        SledOptions::default(),
        &expect![
            "the data directory DIR was sealed with another key: DIR/kek is missing; put it back, or hand in the key"
        ],
    );
    assert!(!dir.path().join("kek").exists());
}

#[test]
fn a_journal_of_a_newer_program_is_left_alone() {
    let dir = TempDir::new().unwrap();
    write_run(&open(dir.path()), 1);
    // The version follows the magic number.
    change_file(&segments(dir.path())[0], |bytes| bytes[8] = 2);
    check(
        dir.path(),
        SledOptions::default(),
        &expect![
            "the data directory DIR has store format 2 (of its journal), this program reads up to 1.0: run the newer program, or restore a backup from before the upgrade"
        ],
    );
}

#[test]
fn a_damaged_frame_between_good_ones_is_refused() {
    let dir = TempDir::new().unwrap();
    write_run(&open(dir.path()), 5);
    change_file(&segments(dir.path())[0], |bytes| bytes[100] ^= 1);
    check(
        dir.path(),
        SledOptions::default(),
        &expect![
            "journal segment 00000000000000000001.wal in DIR is damaged: frame 1 is damaged, but later ones are good; restore a backup of the directory"
        ],
    );
}

#[test]
fn a_torn_last_frame_is_forgotten() {
    let dir = TempDir::new().unwrap();
    write_run(&open(dir.path()), 5);
    change_file(&segments(dir.path())[0], |bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[end] ^= 1;
    });
    // The view may hold the frame already; then the journal has lost what was acknowledged.
    match try_open(dir.path(), SledOptions::default()) {
        Ok(store) => assert_eq!(length(&store), Some(Seq(4))),
        Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error}"),
    }
}

#[test]
fn a_lost_view_is_rebuilt_from_a_whole_journal_and_counted() {
    let dir = TempDir::new().unwrap();
    write_run(&open(dir.path()), 5);
    change_file(&dir.path().join("view").join("conf"), |bytes| bytes.reverse());
    let store = open(dir.path());
    assert_eq!((length(&store), store.figures().rebuilds), (Some(Seq(5)), 1));
    assert!(dir.path().join("view.damaged-1").exists());
    write_run_on(&store);
}

fn write_run_on(store: &SledStore) {
    let acme = make::tenant("acme");
    let commit = make::commit(&acme, make::run(1), 5, vec![make::stepped(1)]);
    assert_eq!(block_on(store.commit(commit)).unwrap(), Seq(6));
}

#[test]
fn a_lost_view_without_a_whole_journal_is_refused() {
    let dir = TempDir::new().unwrap();
    let options = SledOptions { segment_bytes: 4 << 10, ..SledOptions::default() };
    {
        let store = try_open(dir.path(), options.clone()).unwrap();
        write_run(&store, 60);
        block_on(store.close()).unwrap();
    }
    assert!(!segments(dir.path())[0].ends_with("00000000000000000001.wal"));
    change_file(&dir.path().join("view").join("conf"), |bytes| bytes.reverse());
    let error = try_open(dir.path(), options).unwrap_err();
    let OpenError::Damaged { what, reason, .. } = &error else { panic!("{error}") };
    assert_eq!(what, "the view");
    assert!(reason.ends_with("the journal does not reach back to the beginning"), "{reason}");
    assert!(!dir.path().join("view.damaged-1").exists());
}

#[test]
fn a_missing_segment_is_refused() {
    let dir = TempDir::new().unwrap();
    write_run(&open(dir.path()), 5);
    fs_err::remove_file(&segments(dir.path())[0]).unwrap();
    assert!(try_open(dir.path(), SledOptions::default()).is_err());
}

#[test]
fn old_segments_go_when_the_view_is_durable() {
    let dir = TempDir::new().unwrap();
    let options = SledOptions { segment_bytes: 4 << 10, ..SledOptions::default() };
    let store = try_open(dir.path(), options).unwrap();
    write_run(&store, 200);
    block_on(store.close()).unwrap();
    assert!(segments(dir.path()).len() < 10, "{:?}", segments(dir.path()));
}

#[test]
fn the_hash_of_an_audit_entry_is_what_the_documentation_says() {
    let entry = make::audit("x");
    let json = serde_json::to_string(&entry).unwrap();
    let first = blake3::hash(format!("\n1\n{json}\n").as_bytes()).to_hex().to_string();
    assert_eq!(audit_hash("", 1, &entry), first);
    let second = blake3::hash(format!("{first}\n2\n{json}\n").as_bytes()).to_hex().to_string();
    assert_eq!(audit_hash(&first, 2, &entry), second);
}

#[test]
fn bytes_that_are_put_again_with_the_same_chance_keep_their_file() {
    let dir = TempDir::new().unwrap();
    let acme = make::tenant("acme");
    write_run(&open(dir.path()), 1);
    let put = || {
        let store = open(dir.path());
        let digest = block_on(store.put_blob(&acme, vec![7; 300 << 10])).unwrap();
        assert!(block_on(store.blob(&acme, digest)).unwrap().is_some());
    };
    // Each opening draws the same numbers here, so both times the sealed bytes are the same.
    put();
    put();
}

/// The files of a folder and below that hold such bytes.
fn holding(dir: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if fs_err::read(&path).unwrap().windows(bytes.len()).any(|seen| seen == bytes) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn no_file_holds_a_byte_of_an_erased_tenant() {
    let dir = TempDir::new().unwrap();
    let (acme, other) = (make::tenant("acme"), make::tenant("other"));
    let store = open(dir.path());
    let write = |of: &wforge_model::TenantId, key: &str| {
        let change = make::change(of, None, vec![make::put(key, Some(json!("x".repeat(300_000))))]);
        block_on(store.change(change)).unwrap();
    };
    for number in 0..50 {
        write(&acme, &format!("canary-of-acme-{number}"));
        write(&other, &format!("canary-of-other-{number}"));
    }
    // Names of documents stand in keys, which are not sealed: so the search finds what there is.
    assert_ne!(holding(dir.path(), b"canary-of-acme"), Vec::<String>::new());
    let wrapped = [&[4][..], b"acmek"].concat();
    assert_ne!(holding(dir.path(), &wrapped), Vec::<String>::new());
    assert!(dir.path().join("blobs/acme").exists());
    block_on(store.erase(acme)).unwrap();
    for canary in [&b"canary-of-acme"[..], &wrapped, &[&[4][..], b"acme"].concat()] {
        assert_eq!(holding(dir.path(), canary), Vec::<String>::new());
    }
    assert!(!dir.path().join("blobs/acme").exists());
    assert_ne!(holding(dir.path(), b"canary-of-other"), Vec::<String>::new());
    block_on(store.close()).unwrap();
    drop(store);
    let store = open(dir.path());
    for canary in [&b"canary-of-acme"[..], &wrapped] {
        assert_eq!(holding(dir.path(), canary), Vec::<String>::new());
    }
    let found =
        block_on(store.documents(&other, wforge_ports::store::Collection::Settings, "", None, 99));
    assert_eq!(found.unwrap().len(), 50);
}
