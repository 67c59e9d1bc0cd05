//! A thread that keeps its newest borders only: those before are listed no more, and the runs that
//! no fold needs are removed. Nothing is copied, and a run that is under way goes on.

use std::sync::Arc;

use wforge_graph::head_of;
use wforge_model::{Checkpoint, TenantId, ThreadId, Version};
use wforge_ports::store::{AuditDraft, Commit, CommitError};
use wforge_ports::threads::{StoredThread, ThreadPut, ThreadRun};

use super::fork::no_thread;
use super::history::borders_of;
use super::start::busy;
use super::{TRIES_MAX, existing};
use crate::forgotten::{Seen, forget};
use crate::load::{load_run, no_checkpoint};
use crate::request::EngineError;
use crate::service::Shared;
use crate::start::{EMBEDDED_LEASE, commit_refused, queue_of};
use crate::thread_request::{KeepBorders, Pruned};

/// Rows that are read at once.
const PAGE: usize = 512;

/// Hides what came before the borders that are kept, and removes of that what no other run goes on
/// from.
pub(crate) async fn prune(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    keep: KeepBorders,
    by: &str,
) -> Result<Pruned, EngineError> {
    let _turn = shared.locks.lock(tenant, thread).await;
    for _ in 0..TRIES_MAX {
        let stored = existing(shared, tenant, thread).await?;
        let cut = cut(shared, tenant, &stored, keep).await?;
        match hide(shared, tenant, stored, &cut, by).await {
            Ok(()) => return free(shared, tenant, thread, cut).await,
            // The head made a step in between, or a run that waited was cancelled.
            Err(CommitError::Conflict { .. } | CommitError::ThreadConflict { .. }) => {}
            Err(error) => return Err(commit_refused(error)),
        }
    }
    Err(busy(thread))
}

/// Where what is kept begins.
#[derive(Debug, Clone, Copy)]
struct Cut {
    oldest: Checkpoint,
    /// The place of its run.
    place: Version,
    kept: u64,
}

/// The oldest border that is to be kept.
async fn cut(
    shared: &Shared,
    tenant: &TenantId,
    stored: &StoredThread,
    keep: KeepBorders,
) -> Result<Cut, EngineError> {
    let row = &stored.row;
    let (mut place, mut found, mut kept) = (None, None, 0);
    loop {
        let page = shared.parts.store.thread_runs(tenant, row.thread, place, PAGE).await?;
        for listed in page.iter().filter(|listed| listed.place >= row.pruned_before) {
            for border in borders_of(shared, tenant, row, listed.run).await? {
                kept += 1;
                let cut = Cut { oldest: border.checkpoint, place: listed.place, kept };
                let is_last = match keep {
                    KeepBorders::Newest(count) => kept == u64::from(count.get()),
                    KeepBorders::From(oldest) => oldest == border.checkpoint,
                };
                if is_last {
                    return Ok(cut);
                }
                found = Some(cut);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE && last.place >= row.pruned_before => {
                place = Some(last.place);
            }
            Some(_) | None => break,
        }
    }
    match keep {
        KeepBorders::Newest(_) => found.ok_or_else(|| no_thread(row.thread)),
        KeepBorders::From(oldest) => Err(no_checkpoint(oldest)),
    }
}

/// Changes the row of the thread. A thread changes with a commit of one of its runs; this one says
/// nothing of the run, so it is the head's as it stands.
async fn hide(
    shared: &Shared,
    tenant: &TenantId,
    stored: StoredThread,
    cut: &Cut,
    by: &str,
) -> Result<(), CommitError> {
    let StoredThread { version, mut row } = stored;
    let unavailable = |error: EngineError| CommitError::Unavailable(Box::new(error));
    let head = row.head.unwrap_or(cut.oldest.run);
    let run = load_run(shared, tenant, head).await.map_err(unavailable)?.run;
    let now = shared.parts.clock.now();
    row.pruned_before = cut.place;
    row.oldest = Some(cut.oldest);
    row.updated_at = now;
    let commit = Commit {
        tenant: tenant.clone(),
        run: head,
        expected: run.seq,
        lease: EMBEDDED_LEASE,
        events: Vec::new(),
        head: head_of(tenant, &run),
        queue: queue_of(&run, now),
        kv: Vec::new(),
        audit: vec![AuditDraft {
            at: now,
            actor: by.to_owned(),
            action: "thread.prune".into(),
            resource: format!("{} {}", row.thread, cut.oldest),
            outcome: "ok".into(),
        }],
        thread: Some(ThreadPut { expected: version, row, begins: false }),
        outbox: Vec::new(),
        idempotent_reply: None,
    };
    shared.parts.store.commit(commit).await.map(drop)
}

/// Removes what nothing goes on from, newest first, so that a run goes before the one from which
/// it went on.
async fn free(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    cut: Cut,
) -> Result<Pruned, EngineError> {
    let Cut { oldest: checkpoint, place: before, kept } = cut;
    let mut pruned = Pruned { checkpoint, kept, runs_removed: 0, runs_needed: 0 };
    let mut place = Some(before);
    loop {
        let page = shared.parts.store.thread_runs(tenant, thread, place, PAGE).await?;
        for ThreadRun { place, run } in &page {
            let seen = Seen { run: *run, at: None, listed: Some((thread, *place)) };
            if forget(shared, tenant, seen).await? {
                pruned.runs_removed += 1;
            } else {
                pruned.runs_needed += 1;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => place = Some(last.place),
            Some(_) | None => return Ok(pruned),
        }
    }
}
