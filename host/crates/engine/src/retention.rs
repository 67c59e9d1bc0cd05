//! What has ended long enough ago goes: runs, threads of which every run is such a one, and replies
//! under idempotency keys that have expired.
//!
//! A run is due when it ended longer ago than it is kept, or when the tenant has as many newer ones
//! that ended as it may keep. A run that no thread has goes by itself; the runs of a thread go on
//! from each other, so they go together, with the thread, once all of them are due. Nothing goes
//! that is under way or waits, nor a run from which another goes on: the store looks once more as
//! it removes.
//!
//! A thread goes before its runs, so nobody sees a thread that lacks some. Whoever is interrupted
//! has removed some and not others; the next look finds the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tracing::{info, warn};
use wforge_model::head::RunHead;
use wforge_model::tenancy::TenantState;
use wforge_model::{RunId, Seq, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::store::ReplySweep;
use wforge_ports::threads::{ForgetThread, ThreadForgotten, ThreadRun};

use crate::followed;
use crate::forgotten::{Seen, forget};
use crate::parts::RetentionOptions;
use crate::request::EngineError;
use crate::service::Shared;
use crate::sweep;

/// Rows that are read at once.
const PAGE: usize = 256;
/// A run that ended so lately, in milliseconds, stays however many there are: whoever started it is
/// about to ask for what came of it.
const YOUNG_MS: u64 = 600_000;
/// Small runs that go at once: one commit takes several, and whoever begins a run waits for all of
/// it. Others go one by one.
const AT_ONCE: usize = 32;
/// Events of a small run.
const SMALL_MAX: u64 = 64;
/// Runs that one look finds due; with more it looks again.
const DUE_MAX: usize = 1 << 20;

/// What a look at a tenant's runs and replies removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retired {
    /// Runs.
    pub runs: u64,
    /// Threads.
    pub threads: u64,
    /// Replies under idempotency keys.
    pub replies: u64,
    /// When the first of the ended runs ended that are still kept.
    pub oldest_ended_at: Option<Timestamp>,
}

/// A run that may go, as it was seen.
#[derive(Debug, Clone, Copy)]
struct DueRun {
    at: Seq,
    ended_at: Timestamp,
    thread: Option<ThreadId>,
}

/// What a look found and has not removed yet.
#[derive(Debug, Default)]
struct Due {
    /// The oldest runs that are due, the oldest first.
    runs: BTreeMap<RunId, DueRun>,
    of_threads: BTreeMap<ThreadId, Vec<RunId>>,
    /// Threads with a run that is not.
    kept_threads: BTreeSet<ThreadId>,
    /// When the first of those ended that are not.
    oldest_ended_at: Option<Timestamp>,
    has_more: bool,
}

/// A look at the runs of a tenant, and what came of it.
struct Look<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    due: Due,
    retired: &'a mut Retired,
}

/// Removes what is due of a tenant by that time.
pub(crate) async fn retire(
    shared: &Shared,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Retired, EngineError> {
    let _alone = shared.retiring.lock().await;
    let replies = expire_replies(shared, tenant, now).await?;
    let mut retired = Retired { replies, ..Retired::default() };
    finish(shared, tenant).await?;
    loop {
        let (due, before) = (look(shared, tenant, now).await?, retired.runs);
        let has_more = due.has_more;
        Look { shared, tenant, due, retired: &mut retired }.remove().await?;
        if !has_more || retired.runs == before {
            return Ok(retired);
        }
    }
}

/// Goes on with runs that were being removed as the process before this one ended.
async fn finish(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    loop {
        let runs = shared.parts.store.leaving(tenant, PAGE).await?;
        let mut has_gone = false;
        for run in &runs {
            has_gone |= forget(shared, tenant, Seen { run: *run, at: None, listed: None }).await?;
        }
        if runs.len() < PAGE || !has_gone {
            return Ok(());
        }
    }
}

async fn expire_replies(
    shared: &Shared,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<u64, EngineError> {
    let (mut after, mut removed) = (None, 0);
    loop {
        let sweep = ReplySweep { tenant: tenant.clone(), after, limit: PAGE, now };
        let swept = shared.parts.store.expire_replies(sweep).await;
        let swept = swept.map_err(|error| EngineError::Host(Box::new(error)))?;
        removed += swept.removed;
        after = swept.last;
        if after.is_none() {
            return Ok(removed);
        }
    }
}

/// What is due of all runs of a tenant.
async fn look(shared: &Shared, tenant: &TenantId, now: Timestamp) -> Result<Due, EngineError> {
    let (mut due, mut before, mut newer) = (Due::default(), None, 0);
    loop {
        let page = shared.parts.store.heads(tenant, before, PAGE).await?;
        for head in &page {
            due.note(head, is_due(shared, head, (now, newer)));
            newer += u64::from(head.status.is_final());
        }
        match page.last() {
            Some(last) if page.len() == PAGE => before = Some(last.run),
            Some(_) | None => return Ok(due.by_thread()),
        }
    }
}

/// Whether a run may go by that time that is older than so many that have ended. One that ended
/// later than that, by a clock that was ahead, is not old.
fn is_due(shared: &Shared, head: &RunHead, (now, newer): (Timestamp, u64)) -> bool {
    let RetentionOptions { runs_ms, runs_max, .. } = shared.options.retention;
    let age_ms = now.since(head.updated_at).as_millis();
    let is_old = runs_ms > 0 && age_ms >= u128::from(runs_ms);
    let is_over = runs_max > 0 && newer >= runs_max && age_ms >= u128::from(YOUNG_MS);
    head.status.is_final() && (is_old || is_over)
}

impl Due {
    fn note(&mut self, head: &RunHead, is_due: bool) {
        let ended_at = head.updated_at;
        if is_due {
            let due = DueRun { at: head.seq, ended_at, thread: head.thread };
            self.runs.insert(head.run, due);
            if self.runs.len() > DUE_MAX {
                self.runs.pop_last();
                self.has_more = true;
            }
            return;
        }
        self.kept_threads.extend(head.thread);
        if head.status.is_final() {
            self.oldest_ended_at = first(self.oldest_ended_at, Some(ended_at));
        }
    }

    fn by_thread(mut self) -> Self {
        for (run, due) in &self.runs {
            if let Some(thread) = due.thread {
                self.of_threads.entry(thread).or_default().push(*run);
            }
        }
        self
    }

    /// How a run was seen that is due.
    fn seen(&self, run: RunId, listed: Option<(ThreadId, Version)>) -> Option<Seen> {
        self.runs.get(&run).map(|due| Seen { run, at: Some(due.at), listed })
    }
}

fn first(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

impl Look<'_> {
    /// Removes what was found, the oldest first. A run from which another of these goes on is found
    /// needed before that one has gone, so it is asked for once more.
    async fn remove(mut self) -> Result<(), EngineError> {
        let alone = |(run, due): (&RunId, &DueRun)| due.thread.is_none().then_some(*run);
        let alone: Vec<RunId> = self.due.runs.iter().filter_map(alone).collect();
        self.retire_alone(&alone).await?;
        for (thread, runs) in std::mem::take(&mut self.due.of_threads) {
            self.retire_thread(thread, &runs).await?;
        }
        self.retire_alone(&alone).await?;
        let stays = self.due.runs.values().map(|due| due.ended_at).min();
        self.retired.oldest_ended_at = first(self.due.oldest_ended_at, stays);
        Ok(())
    }

    /// Removes runs that no thread has, some at once, unless they have gone, or are needed.
    async fn retire_alone(&mut self, runs: &[RunId]) -> Result<(), EngineError> {
        let (shared, tenant) = (self.shared, self.tenant);
        let forget = |seen: Seen| async move {
            Ok::<_, EngineError>((seen.run, forget(shared, tenant, seen).await?))
        };
        for some in runs.chunks(PAGE) {
            let seen = some.iter().filter_map(|run| self.due.seen(*run, None));
            let is_small = |seen: &Seen| seen.at.is_some_and(|at| at.0 <= SMALL_MAX);
            let (small, large): (Vec<Seen>, Vec<Seen>) = seen.partition(is_small);
            let small = stream::iter(small).map(forget).buffer_unordered(AT_ONCE);
            let large = stream::iter(large).then(forget);
            let mut ended = pin!(small.chain(large));
            while let Some((run, is_gone)) = ended.try_next().await? {
                self.gone(run, is_gone);
            }
        }
        Ok(())
    }

    fn gone(&mut self, run: RunId, is_gone: bool) {
        if is_gone {
            self.due.runs.remove(&run);
            self.retired.runs += 1;
        }
    }

    /// Removes one run, unless it is not due, or needed.
    async fn retire_run(
        &mut self,
        run: RunId,
        listed: Option<(ThreadId, Version)>,
    ) -> Result<(), EngineError> {
        let Some(seen) = self.due.seen(run, listed) else { return Ok(()) };
        let is_gone = forget(self.shared, self.tenant, seen).await?;
        self.gone(run, is_gone);
        Ok(())
    }

    /// Removes a thread of which all runs are due, and these; of another one what its history does
    /// not list.
    async fn retire_thread(&mut self, thread: ThreadId, runs: &[RunId]) -> Result<(), EngineError> {
        let turn = self.shared.locks.lock(self.tenant, thread).await;
        let stored = self.shared.parts.store.thread(self.tenant, thread).await?;
        let expected = stored.as_ref().map_or(Version(0), |stored| stored.version);
        let head = stored.as_ref().and_then(|stored| stored.row.head);
        let is_over = !self.due.kept_threads.contains(&thread) && self.still_stands(head).await?;
        let is_gone = is_over && forget_thread(self.shared, self.tenant, thread, expected).await?;
        // Its runs may be many, and nobody need wait for them: one that begins under its id takes
        // later places, and the store keeps what somebody came to need.
        drop(turn);
        self.retired.threads += u64::from(is_gone && stored.is_some());
        let hidden = stored.filter(|_| !is_gone).map(|stored| stored.row.pruned_before);
        let listed = self.retire_listed(thread, hidden).await?;
        if is_gone {
            // Those that were cancelled while they waited for their turn are listed nowhere.
            for run in runs.iter().filter(|run| !listed.contains(run)) {
                self.retire_run(*run, None).await?;
            }
        }
        Ok(())
    }

    /// Whether the newest run of a thread is one that is due, and as it was seen: another may have
    /// begun since, or this one may have been taken up again.
    async fn still_stands(&self, head: Option<RunId>) -> Result<bool, EngineError> {
        let Some(run) = head else { return Ok(true) };
        let Some(due) = self.due.runs.get(&run) else { return Ok(false) };
        let now = self.shared.parts.store.head(self.tenant, run).await?;
        Ok(now.is_some_and(|head| head.seq == due.at))
    }

    /// Removes the due runs of a thread from before a place (none: all), newest first, so that a
    /// run goes before the one from which it went on. Gives all that were listed.
    async fn retire_listed(
        &mut self,
        thread: ThreadId,
        mut before: Option<Version>,
    ) -> Result<BTreeSet<RunId>, EngineError> {
        let mut listed = BTreeSet::new();
        loop {
            let store = &self.shared.parts.store;
            let page = store.thread_runs(self.tenant, thread, before, PAGE).await?;
            for ThreadRun { place, run } in &page {
                listed.insert(*run);
                self.retire_run(*run, Some((thread, *place))).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => before = Some(last.place),
                Some(_) | None => return Ok(listed),
            }
        }
    }
}

/// Removes a thread and its memory, where nothing is under way in it; whether it is gone.
async fn forget_thread(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    expected: Version,
) -> Result<bool, EngineError> {
    let mut forget = ForgetThread { tenant: tenant.clone(), thread, expected };
    loop {
        let forgotten = shared.parts.store.forget_thread(forget.clone()).await;
        match forgotten.map_err(|error| EngineError::Host(Box::new(error)))? {
            ThreadForgotten::Part => forget.expected = Version(0),
            ThreadForgotten::Whole => return Ok(true),
            ThreadForgotten::Needed => return Ok(false),
        }
    }
}

/// From where a thread lists runs that begins now. What was remembered for one that was removed
/// under its id is gone then.
pub(crate) async fn first_place(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
) -> Result<Version, EngineError> {
    let left = shared.parts.store.thread_runs(tenant, thread, None, 1).await?;
    let Some(last) = left.first() else { return Ok(Version(0)) };
    forget_thread(shared, tenant, thread, Version(0)).await?;
    Ok(last.place.next())
}

/// Looks again and again at the runs of all tenants, until the process stops.
pub(crate) fn at_intervals(shared: &Arc<Shared>) {
    let every_ms = shared.options.retention.sweep_ms;
    let looked_at_ns = Arc::new(AtomicU64::new(shared.parts.clock.monotonic_ns()));
    sweep::again_and_again(shared, every_ms, move |shared| {
        let looked_at_ns = Arc::clone(&looked_at_ns);
        async move {
            let now_ns = shared.parts.clock.monotonic_ns();
            let before_ns = looked_at_ns.swap(now_ns, Ordering::Relaxed);
            retire_all(&shared, now_ns.saturating_sub(before_ns) / 1_000_000).await;
        }
    });
}

/// Looks once, where a server has run for so long since the look before.
async fn retire_all(shared: &Shared, ran_ms: u64) {
    let now = match followed::time(shared, ran_ms).await {
        Ok(now) => now,
        Err(error) => return warn!(%error, "it cannot be known what is due"),
    };
    let stays = |state| !matches!(state, TenantState::Erasing | TenantState::Erased);
    let mut oldest = None;
    for tenant in shared.directory.tenants().into_iter().filter(|tenant| stays(tenant.state)) {
        match retire(shared, &tenant.id, now).await {
            Ok(retired) => {
                oldest = first(oldest, retired.oldest_ended_at);
                tell(shared, &tenant.id, retired);
            }
            Err(error) => warn!(tenant = %tenant.id, %error, "what is due cannot be removed"),
        }
    }
    let oldest_ms = oldest.map_or(0, |oldest| oldest.0);
    shared.stats.oldest_ended_at_ms.store(oldest_ms, Ordering::Relaxed);
}

fn tell(shared: &Shared, tenant: &TenantId, retired: Retired) {
    let Retired { runs, threads, replies, .. } = retired;
    let stats = &shared.stats;
    stats.runs_removed.fetch_add(runs, Ordering::Relaxed);
    stats.threads_removed.fetch_add(threads, Ordering::Relaxed);
    stats.replies_removed.fetch_add(replies, Ordering::Relaxed);
    if runs + threads + replies > 0 {
        info!(%tenant, runs, threads, replies, "what was kept long enough is gone");
    }
}
