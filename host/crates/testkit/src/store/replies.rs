//! Replies under idempotency keys: the first writer wins.

use futures::future::join_all;
use serde_json::{Value, json};
use wforge_model::{RunId, Seq, TenantId, Timestamp};
use wforge_ports::store::{Change, ChangeError, Commit, CommitError, IdempotentReply, ReplySweep};

use super::Bench;
use super::make::{audit, change, commit, put, reply, run, started, tenant};

/// A run that is started by a request with that key.
fn start(of: &TenantId, run: RunId, reply: IdempotentReply) -> Commit {
    let mut commit = commit(of, run, 0, vec![started(json!(1))]);
    commit.audit = vec![audit("run.start")];
    commit.idempotent_reply = Some(reply);
    commit
}

/// A setting that is made by a request with that key.
fn set(of: &TenantId, key: &str, reply: IdempotentReply) -> Change {
    let mut change = change(of, None, vec![put(key, Some(json!(1)))]);
    change.audit = vec![audit("settings.put")];
    change.idempotent_reply = Some(reply);
    change
}

fn from_another_request(of: IdempotentReply) -> IdempotentReply {
    IdempotentReply { fingerprint: "another".to_owned(), ..of }
}

/// The same request gets the same answer, also from a change.
pub async fn a_reply_is_given_again_to_its_tenant_only(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    let mut first = commit(&acme, run(1), 0, vec![started(json!(1))]);
    first.idempotent_reply = Some(reply("POST /runs 1", json!({"run": 1})));
    store.commit(first).await.unwrap();
    let mut second = change(&acme, None, vec![put("a", Some(json!(1)))]);
    second.idempotent_reply = Some(reply("POST /plugins 1", json!("ok")));
    store.change(second).await.unwrap();
    let found = store.idempotent_reply(&acme, "POST /runs 1").await.unwrap();
    assert_eq!(found, Some(reply("POST /runs 1", json!({"run": 1}))));
    let found = store.idempotent_reply(&acme, "POST /plugins 1").await.unwrap();
    assert_eq!(found, Some(reply("POST /plugins 1", json!("ok"))));
    assert_eq!(store.idempotent_reply(&other, "POST /runs 1").await.unwrap(), None);
    assert_eq!(store.idempotent_reply(&acme, "POST /runs").await.unwrap(), None);
}

/// The same request and another one alike hear the first reply, and leave nothing behind.
pub async fn a_reply_stands_and_what_would_write_another_is_refused_whole(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    let first = reply("key", json!("first"));
    store.commit(start(&acme, run(1), first.clone())).await.unwrap();
    let later = reply("key", json!("later"));
    for later in [first.clone(), later.clone(), from_another_request(later)] {
        let refused = store.commit(start(&acme, run(2), later.clone())).await;
        assert!(matches!(&refused, Err(CommitError::Replied(found)) if **found == first));
        let refused = store.change(set(&acme, "a", later)).await;
        assert!(matches!(&refused, Err(ChangeError::Replied(found)) if **found == first));
    }
    assert_eq!(store.head(&acme, run(2)).await.unwrap(), None);
    assert_eq!(store.claim(9).await.unwrap().len(), 1);
    let collection = wforge_ports::store::Collection::Settings;
    assert_eq!(store.document(&acme, collection, "a").await.unwrap(), None);
    assert_eq!(store.audit(&acme, 0, 9).await.unwrap().len(), 1);
    assert_eq!(store.idempotent_reply(&acme, "key").await.unwrap(), Some(first));
    store.commit(start(&acme, run(2), reply("another key", json!("fine")))).await.unwrap();
    store.commit(start(&other, run(2), reply("key", json!("fine")))).await.unwrap();
}

/// A request that was answered is not told that its thing is there already.
pub async fn a_repeated_request_hears_its_reply_rather_than_a_conflict(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let mut made = set(&acme, "a", reply("key", json!("made")));
    made.expected = Some(wforge_model::Version(0));
    store.change(made.clone()).await.unwrap();
    let again = store.change(made).await;
    assert!(matches!(&again, Err(ChangeError::Replied(_))), "{again:?}");
    let begun = start(&acme, run(1), reply("another key", json!("begun")));
    store.commit(begun.clone()).await.unwrap();
    let again = store.commit(begun).await;
    assert!(matches!(&again, Err(CommitError::Replied(_))), "{again:?}");
}

/// Two processes that were sent the same request: one starts a run.
pub async fn of_many_requests_with_one_key_one_is_done_and_all_hear_its_reply(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let numbered = |n: u8| reply("key", json!(n));
    let starts = (0..100).map(|n| store.commit(start(&acme, run(n), numbered(n))));
    let changes = (100..200).map(|n| store.change(set(&acme, "a", numbered(n))));
    let (started, changed) = futures::join!(join_all(starts), join_all(changes));
    let stored = store.idempotent_reply(&acme, "key").await.unwrap().unwrap();
    let (mut done, mut heard) = (0, Vec::<Value>::new());
    for outcome in started {
        match outcome {
            Ok(seq) => done += usize::from(seq == Seq(1)),
            Err(CommitError::Replied(first)) => heard.push(first.reply),
            Err(error) => panic!("{error:?}"),
        }
    }
    for outcome in changed {
        match outcome {
            Ok(_) => done += 1,
            Err(ChangeError::Replied(first)) => heard.push(first.reply),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((done, heard.len()), (1, 199));
    assert!(heard.iter().all(|reply| *reply == stored.reply));
    assert_eq!(store.audit(&acme, 0, 999).await.unwrap().len(), 1);
}

/// A key that may be forgotten is as good as new, and not a moment before.
pub async fn a_reply_that_has_expired_gives_way(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let at = |made_at: u64, value: u8| IdempotentReply {
        made_at: Timestamp(made_at),
        expires_at: Timestamp(made_at + 1_000),
        ..reply("key", json!(value))
    };
    store.commit(start(&acme, run(1), at(1_000, 1))).await.unwrap();
    store.commit(start(&acme, run(2), at(1_999, 2))).await.unwrap_err();
    store.commit(start(&acme, run(2), at(2_000, 2))).await.unwrap();
    assert_eq!(store.idempotent_reply(&acme, "key").await.unwrap(), Some(at(2_000, 2)));
    store.change(set(&acme, "a", at(2_500, 3))).await.unwrap_err();
    store.change(set(&acme, "a", at(3_000, 3))).await.unwrap();
    assert_eq!(store.idempotent_reply(&acme, "key").await.unwrap(), Some(at(3_000, 3)));
}

/// In pages, of one tenant, and not a moment before.
pub async fn replies_that_have_expired_are_removed(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    for number in 0..50_u8 {
        let expires_at = Timestamp(if number % 2 == 0 { 9_000 } else { 9_001 });
        let reply = IdempotentReply { expires_at, ..reply(&key_of(number), json!(number)) };
        store.change(set(&acme, "a", reply.clone())).await.unwrap();
        store.change(set(&other, "a", reply)).await.unwrap();
    }
    let full = store.stored_bytes(&acme);
    let sweep = async |now: u64| {
        let (mut after, mut removed) = (None, 0);
        loop {
            let sweep = ReplySweep { tenant: acme.clone(), after, limit: 7, now: Timestamp(now) };
            let swept = store.expire_replies(sweep).await.unwrap();
            removed += swept.removed;
            after = swept.last;
            if after.is_none() {
                return removed;
            }
        }
    };
    assert_eq!((sweep(8_999).await, sweep(9_000).await, sweep(9_000).await), (0, 25, 0));
    assert!(store.stored_bytes(&acme) < full);
    for number in 0..50 {
        let kept = store.idempotent_reply(&acme, &key_of(number)).await.unwrap();
        assert_eq!(kept.is_some(), number % 2 == 1, "{number}");
        assert!(store.idempotent_reply(&other, &key_of(number)).await.unwrap().is_some());
    }
}

fn key_of(number: u8) -> String {
    format!("key {number:03}")
}
