//! What outlives a process.

use std::fs;
use std::path::Path;

use serde_json::json;
use wforge_model::{Seq, Version};
use wforge_ports::store::{Collection, CommitError, Recorded, Snapshot};

use super::Bench;
use super::make::{
    answer, audit, change, commit, put, reply, run, started, stepped, task, tenant, text,
};

async fn write_everything(bench: &Bench, secret: &str) {
    let (acme, store) = (tenant("acme"), bench.store());
    let value = json!(secret);
    let mut first = commit(&acme, run(1), 0, vec![started(value.clone())]);
    first.idempotent_reply = Some(reply("key", value.clone()));
    first.audit = vec![audit(secret)];
    store.commit(first).await.unwrap();
    store.record(answer(&acme, task(1), 0, value.clone())).await.unwrap();
    store.change(change(&acme, None, vec![put("a", Some(value))])).await.unwrap();
    store.put_blob(&acme, secret.as_bytes().to_vec()).await.unwrap();
    let state = secret.as_bytes().to_vec();
    let snapshot = Snapshot { tenant: acme, run: run(1), seq: Seq(1), state };
    store.save_snapshot(snapshot).await.unwrap();
}

async fn check_everything(bench: &Bench, secret: &str) {
    let (acme, store) = (tenant("acme"), bench.store());
    let value = json!(secret);
    let events = store.events(&acme, run(1), Seq(0), 9).await.unwrap();
    assert!(events.len() == 1 && events[0].event == started(value.clone()));
    assert_eq!(store.head(&acme, run(1)).await.unwrap().unwrap().seq, Seq(1));
    let found = store.idempotent_reply(&acme, "key").await.unwrap();
    assert!(found == Some(reply("key", value.clone())));
    assert!(store.audit(&acme, 0, 9).await.unwrap()[0].entry == audit(secret));
    let records = store.records(&acme, task(1)).await.unwrap();
    assert!(records == [answer(&acme, task(1), 0, value.clone())]);
    let found = store.document(&acme, Collection::Settings, "a").await.unwrap().unwrap();
    assert!(found.value == value && found.version == Version(1));
    let digest = store.put_blob(&acme, secret.as_bytes().to_vec()).await.unwrap();
    assert!(store.blob(&acme, digest).await.unwrap() == Some(secret.as_bytes().to_vec()));
    let snapshot = store.snapshot(&acme, run(1)).await.unwrap().unwrap();
    assert!(snapshot.state == secret.as_bytes() && snapshot.seq == Seq(1));
}

/// In rows, in chunks and in files.
pub async fn everything_survives_a_closing(bench: &mut Bench) {
    for bytes in [10, 10_000, 1_000_000] {
        let mut fresh = Bench {
            folder: tempfile::TempDir::new().unwrap(),
            open: std::mem::replace(&mut bench.open, Box::new(|_| unreachable!())),
            store: None,
        };
        fresh.reopen();
        write_everything(&fresh, &text(bytes)).await;
        fresh.close_and_reopen().await;
        check_everything(&fresh, &text(bytes)).await;
        fresh.close_and_reopen().await;
        check_everything(&fresh, &text(bytes)).await;
        drop(fresh.store.take());
        bench.open = fresh.open;
    }
}

/// Without a word of farewell.
pub async fn everything_survives_a_process_that_just_ends(bench: &mut Bench) {
    write_everything(bench, &text(300_000)).await;
    for _ in 0..3 {
        bench.reopen();
        check_everything(bench, &text(300_000)).await;
    }
}

/// Numbers go on where they stopped.
pub async fn a_chain_and_versions_go_on_after_reopening(bench: &mut Bench) {
    let acme = tenant("acme");
    for round in 1..=3_u64 {
        let mut next = change(&acme, Some(round - 1), vec![put("a", Some(json!(round)))]);
        next.audit = vec![audit("same")];
        assert_eq!(bench.store().change(next).await.unwrap(), Version(round));
        let event = if round == 1 { started(json!(1)) } else { stepped(1) };
        let next = commit(&acme, run(1), round - 1, vec![event]);
        assert_eq!(bench.store().commit(next).await.unwrap(), Seq(round));
        bench.reopen();
    }
    let entries = bench.store().audit(&acme, 0, 9).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.place).collect::<Vec<_>>(), [1, 2, 3]);
}

/// A rerun after a crash is answered from the record.
pub async fn the_first_writer_wins_over_a_reopening(bench: &mut Bench) {
    let acme = tenant("acme");
    let first = answer(&acme, task(1), 0, json!("first"));
    bench.store().record(first.clone()).await.unwrap();
    bench.reopen();
    let second = bench.store().record(answer(&acme, task(1), 0, json!("second"))).await.unwrap();
    assert_eq!(second, Recorded::Already(first.phase));
}

/// A client that asks again after a crash gets no second run.
pub async fn a_reply_stands_over_a_reopening(bench: &mut Bench) {
    let acme = tenant("acme");
    for (number, bytes) in [(1, 10), (2, 10_000), (3, 1_000_000)] {
        let start = |number: u8| {
            let mut start = commit(&acme, run(number), 0, vec![started(json!(1))]);
            start.idempotent_reply = Some(reply(&bytes.to_string(), json!(text(bytes))));
            start
        };
        bench.store().commit(start(number)).await.unwrap();
        bench.reopen();
        let refused = bench.store().commit(start(number + 100)).await;
        assert!(matches!(refused, Err(CommitError::Replied(_))), "{bytes}");
    }
}

/// Of all tenants, by a store that has seen none of them yet.
pub async fn live_runs_are_claimed_after_reopening(bench: &mut Bench) {
    for name in ["acme", "b", "zeta"].map(tenant) {
        let first = commit(&name, run(1), 0, vec![started(json!(1))]);
        bench.store().commit(first).await.unwrap();
    }
    bench.reopen();
    let claims = bench.store().claim(9).await.unwrap();
    let names: Vec<_> = claims.iter().map(|claim| claim.tenant.as_str()).collect();
    assert_eq!(names, ["acme", "b", "zeta"]);
}

/// Whoever steals the disk reads nothing: in rows, in chunks, in files, before and after closing.
pub async fn no_plaintext_is_in_any_file(bench: &mut Bench) {
    const MARK: &str = "the-secret-of-acme";
    for repeats in [1, 1_000, 50_000] {
        write_secret(bench, &MARK.repeat(repeats)).await;
    }
    assert!(files_with(bench.folder(), MARK.as_bytes()).is_empty());
    bench.close_and_reopen().await;
    assert!(files_with(bench.folder(), MARK.as_bytes()).is_empty());
    assert!(!files_with(bench.folder(), b"acme").is_empty(), "keys begin with the tenant");
}

async fn write_secret(bench: &Bench, secret: &str) {
    let (acme, store) = (tenant("acme"), bench.store());
    let number = u8::try_from(secret.len() % 251).unwrap();
    let mut first = commit(&acme, run(number), 0, vec![started(json!(secret))]);
    first.audit = vec![audit(secret)];
    first.idempotent_reply = Some(reply(&format!("key {number}"), json!(secret)));
    store.commit(first).await.unwrap();
    store.record(answer(&acme, task(number), 0, json!(secret))).await.unwrap();
    store.change(change(&acme, None, vec![put("a", Some(json!(secret)))])).await.unwrap();
    store.put_blob(&acme, secret.as_bytes().to_vec()).await.unwrap();
}

fn files_with(folder: &Path, mark: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, mark));
        } else if bytes_of(&path).windows(mark.len()).any(|window| window == mark) {
            found.push(path);
        }
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "the path of a failure is of no interest here")]
fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

fn bytes_below(folder: &Path) -> u64 {
    let size = |path: &Path| {
        if path.is_dir() { bytes_below(path) } else { fs::metadata(path).unwrap().len() }
    };
    fs::read_dir(folder).unwrap().map(|entry| size(&entry.unwrap().path())).sum()
}

/// A value that is written again and again takes the room of one.
pub async fn files_of_replaced_values_go(bench: &mut Bench) {
    const BYTES: usize = 4_000_000;
    let acme = tenant("acme");
    let mut after_first = 0;
    for round in 0..8 {
        let value = json!(format!("{round}{}", text(BYTES)));
        bench.store().change(change(&acme, None, vec![put("a", Some(value))])).await.unwrap();
        if round == 0 {
            after_first = bytes_below(bench.folder());
        }
    }
    bench.close_and_reopen().await;
    let grown = bytes_below(bench.folder()).saturating_sub(after_first);
    assert!(grown < 2 * BYTES as u64, "grew by {grown} bytes");
    let found = bench.store().document(&acme, Collection::Settings, "a").await.unwrap().unwrap();
    assert!(found.value.as_str().unwrap().starts_with('7'));
}
