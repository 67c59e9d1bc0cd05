//! One live run: takes facts, decides to quiescence, makes it durable, then tells and performs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use wforge_graph::{Decision, Run, head_of, settle};
use wforge_model::agent::{Execution, Reply};
use wforge_model::command::{Command, Fact};
use wforge_model::event::{EventKind, RunError, RunEvent, StoredEvent};
use wforge_model::head::RunStatus;
use wforge_model::mock::TaskSource;
use wforge_model::{Seq, TaskId, TenantId, ThreadId, Timestamp};
use wforge_ports::Failpoint;
use wforge_ports::store::{AuditDraft, Commit, CommitError};
use wforge_ports::threads::ThreadPut;

use crate::cache::Slot;
use crate::failure;
use crate::inbox;
use crate::load::{Loaded, Since, load_run};
use crate::perform::perform;
use crate::request::EngineError;
use crate::service::{Shared, wake_begun};
use crate::snapshots::save_if_due;
use crate::start::{EMBEDDED_LEASE, queue_of};
use crate::steps::OpenStep;
use crate::threads;

/// Facts that one commit takes at most.
const FACTS_PER_COMMIT_MAX: usize = 64;

/// A fact for a run, and who wants to know that it is durable.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) fact: Fact,
    pub(crate) done: Option<oneshot::Sender<Result<(), EngineError>>>,
    /// Where the result of the call is kept once it counts.
    pub(crate) keep: Option<Slot>,
}

impl Message {
    /// A fact that nobody waits for.
    pub(crate) const fn of(fact: Fact) -> Self {
        Self { fact, done: None, keep: None }
    }
}

/// A live run.
#[derive(Debug)]
pub(crate) struct Actor {
    shared: Arc<Shared>,
    tenant: TenantId,
    run: Run,
    inbox: mpsc::Receiver<Message>,
    sender: mpsc::Sender<Message>,
    in_flight: HashMap<TaskId, InFlight>,
    queued: VecDeque<(TaskId, u32)>,
    /// Cancelled when the process stops, or when the tenant's runs shall stand still.
    stop: CancellationToken,
    /// The parent of the tasks' own: cancelled when the run ends too.
    tasks: CancellationToken,
    wake_at: Option<Timestamp>,
    step: OpenStep,
    since: Since,
    /// Results that are kept for other tasks once they count.
    fresh: HashMap<TaskId, (Slot, Reply)>,
    /// Tasks that were there before this actor, so that an earlier process may have run them.
    taken_up: HashSet<TaskId>,
}

/// A call that is under way.
#[derive(Debug)]
struct InFlight {
    attempt: u32,
    /// Drops the sandbox.
    cancel: CancellationToken,
}

/// Whether the loop goes on.
enum Next {
    Go,
    Stop,
}

impl Actor {
    pub(crate) fn new(
        (shared, stop): (Arc<Shared>, CancellationToken),
        tenant: TenantId,
        Loaded { run, since }: Loaded,
        (sender, inbox): (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    ) -> Self {
        let tasks = stop.child_token();
        let step = OpenStep::of(&run);
        let taken_up = run.all_tasks().map(|task| task.id).collect();
        Self {
            taken_up,
            shared,
            tenant,
            run,
            inbox,
            sender,
            in_flight: HashMap::new(),
            queued: VecDeque::new(),
            stop,
            tasks,
            wake_at: None,
            step,
            since,
            fresh: HashMap::new(),
        }
    }

    /// Drives the run until it ends, sleeps, or the process stops.
    pub(crate) async fn drive(mut self, first: Vec<Command>) {
        let stop = self.stop.clone();
        let was_queued = self.run.status == RunStatus::Queued;
        self.perform(first);
        while self.has_work() {
            let messages = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                messages = next_messages(&mut self.inbox) => messages,
                () = wake(&self.shared, self.wake_at) => vec![Message::of(Fact::Time)],
            };
            if matches!(self.step(messages).await, Next::Stop) {
                break;
            }
        }
        let (shared, tenant, run) = (self.shared.clone(), self.tenant.clone(), self.run.id);
        let thread = self.leave();
        if let Some(thread) = thread {
            threads::begin_next(&shared, &tenant, thread).await;
        }
        if was_queued {
            wake_begun(&shared, &tenant, run).await;
        }
    }

    /// A run that only waits for a person or a later moment is not kept in memory.
    fn has_work(&self) -> bool {
        let status = self.run.standing();
        status == RunStatus::Running || !self.in_flight.is_empty() || !self.inbox.is_empty()
    }

    async fn step(&mut self, messages: Vec<Message>) -> Next {
        let now = self.shared.parts.clock.now();
        let messages = messages.into_iter().map(|mut message| {
            self.note_result(&mut message);
            (message.fact, message.done)
        });
        let (facts, waiting): (Vec<Fact>, Vec<_>) = messages.unzip();
        facts.iter().for_each(|fact| self.note_return(fact));
        let before = self.run.seq;
        let expressions = self.shared.parts.expressions.clone();
        let decision = settle(&mut self.run, &facts, now, expressions.as_ref());
        let mut audit = self.shared.notes.of_commit(&self.tenant, self.run.id, &decision.events);
        audit.extend(inbox::audit_of(self.run.id, &decision.events));
        let outcome = self.commit((before, &audit), &decision.events, now).await;
        let next = match outcome {
            Ok(()) => {
                self.tell(before, decision);
                save_if_due(&self.shared, &self.tenant, &self.run, &mut self.since).await;
                Next::Go
            }
            Err(CommitError::TooLarge { bytes, limit }) => {
                self.fail_too_large(before, bytes, limit).await
            }
            Err(error) => {
                // What was decided is not durable, so nobody may hear of it.
                error!(run = %self.run.id, error = %error, "run dropped: its commit failed");
                for done in waiting.into_iter().flatten() {
                    let _ = done.send(Err(EngineError::Host("the commit failed".into())));
                }
                return Next::Stop;
            }
        };
        for done in waiting.into_iter().flatten() {
            let _ = done.send(Ok(()));
        }
        next
    }

    /// A result that is to be kept waits until it is durable that it counts.
    fn note_result(&mut self, message: &mut Message) {
        if let (Some(slot), Fact::Executed { task, execution: Execution::Replied(reply), .. }) =
            (message.keep.take(), &message.fact)
        {
            self.fresh.insert(*task, (slot, reply.clone()));
        }
    }

    /// A call that came back is not under way any more.
    fn note_return(&mut self, fact: &Fact) {
        let (Fact::Executed { task, attempt, .. } | Fact::Cached { task, attempt, .. }) = fact
        else {
            return;
        };
        if self.in_flight.get(task).is_some_and(|call| call.attempt == *attempt) {
            self.in_flight.remove(task);
        }
    }

    async fn commit(
        &self,
        (before, audit): (Seq, &[AuditDraft]),
        events: &[RunEvent],
        now: Timestamp,
    ) -> Result<(), CommitError> {
        if events.is_empty() {
            return Ok(());
        }
        let change = threads::change_of(&self.run, events);
        for _ in 0..threads::TRIES_MAX {
            let thread = match change {
                Some(change) => {
                    let put = threads::put_of(&self.shared, &self.tenant, self.run.id, change);
                    Some(put.await.map_err(|error| CommitError::Unavailable(Box::new(error)))?)
                }
                None => None,
            };
            match self.commit_with(thread, (before, audit), events, now).await {
                // Somebody else changed the thread in this moment.
                Err(CommitError::ThreadConflict { .. }) => {}
                done => return done,
            }
        }
        self.commit_with(None, (before, audit), events, now).await
    }

    async fn commit_with(
        &self,
        thread: Option<ThreadPut>,
        (before, audit): (Seq, &[AuditDraft]),
        events: &[RunEvent],
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let head = head_of(&self.tenant, &self.run);
        let limits = &self.shared.options.webhooks;
        let mut outbox = self.shared.webhooks.outbox(before, events, &head, limits);
        let commit = Commit {
            tenant: self.tenant.clone(),
            run: self.run.id,
            expected: before,
            lease: EMBEDDED_LEASE,
            events: events.to_vec(),
            head,
            thread,
            kv: Vec::new(),
            queue: queue_of(&self.run, now),
            audit: audit.to_vec(),
            outbox: outbox.take_rows(),
            idempotent_reply: None,
        };
        self.shared.parts.store.commit(commit).await?;
        self.shared.webhooks.committed(outbox);
        Ok(())
    }

    /// Now that it is durable: the call log, the counters, the subscribers, then the commands.
    fn tell(&mut self, before: Seq, decision: Decision) {
        if let Some(failpoints) = &self.shared.parts.failpoints
            && !decision.events.is_empty()
        {
            failpoints.pass(Failpoint::Committed);
        }
        for event in &decision.events {
            if let (EventKind::TaskFinished(finished), Some(log)) =
                (&event.kind, &self.shared.parts.call_log)
            {
                log.committed(finished.task);
            }
        }
        decision.events.iter().for_each(|event| self.since.count(event));
        self.keep_results(&decision.events);
        self.shared.stats.count(&decision.events, self.run.degraded);
        self.step.follow(&self.shared.stats, self.run.started_at, &decision.events);
        self.log_end(&decision.events);
        let told = stored(before, decision.events);
        self.shared.parts.bus.publish(&self.tenant, self.run.id, told);
        self.perform(decision.commands);
    }

    /// Keeps the results that count: the agent's own, of tasks that finished.
    fn keep_results(&mut self, events: &[RunEvent]) {
        if self.fresh.is_empty() {
            return;
        }
        for event in events {
            if let EventKind::TaskFinished(finished) = &event.kind
                && let Some((slot, reply)) = self.fresh.remove(&finished.task)
                && finished.source == TaskSource::Live
            {
                slot.put(&self.shared, &self.tenant, reply);
            }
        }
        self.fresh.clear();
    }

    fn log_end(&self, events: &[RunEvent]) {
        let Some(last) = events.last() else { return };
        match &last.kind {
            EventKind::RunFailed { error } => {
                warn!(run = %self.run.id, code = %error.code, "run failed");
            }
            EventKind::RunBlocked { task, .. } => {
                warn!(run = %self.run.id, %task, "run blocked: a task diverged from its record");
            }
            ended if ended.ends_run() => {
                info!(run = %self.run.id, status = self.run.status.as_str(), "run ended");
            }
            _ => {}
        }
    }

    fn perform(&mut self, commands: Vec<Command>) {
        self.wake_at = None;
        for command in commands {
            match command {
                Command::Start { task, attempt } => self.queued.push_back((task, attempt)),
                Command::WakeAt { at } => {
                    self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
                }
                Command::StopTasks => self.stop_tasks(),
                Command::Drop { tasks } => self.drop_tasks(&tasks),
                Command::HandleFailure => failure::handle(&self.shared, &self.tenant, &self.run),
            }
        }
        self.start_queued();
        self.watch();
    }

    /// The watchdog: a live run that neither waits nor does anything would look healthy for ever.
    fn watch(&self) {
        let idle = self.in_flight.is_empty() && self.queued.is_empty() && self.wake_at.is_none();
        if self.run.standing() == RunStatus::Running && idle && self.inbox.is_empty() {
            self.shared.stats.runs_stuck.fetch_add(1, Ordering::Relaxed);
            error!(run = %self.run.id, seq = %self.run.seq, "run stuck: it waits for nothing");
        }
    }

    /// Drops all sandboxes; what is started later gets new ones.
    fn stop_tasks(&mut self) {
        self.tasks.cancel();
        self.tasks = self.stop.child_token();
        self.in_flight.clear();
        self.queued.clear();
    }

    fn drop_tasks(&mut self, tasks: &[TaskId]) {
        for task in tasks {
            if let Some(call) = self.in_flight.remove(task) {
                call.cancel.cancel();
            }
        }
        self.queued.retain(|(task, _)| !tasks.contains(task));
    }

    /// Starts queued tasks while there is room. An id in flight is not started twice.
    fn start_queued(&mut self) {
        let parallel = self.run.workflow().map_or(1, |workflow| workflow.limits.parallel_max);
        let parallel = usize::try_from(parallel).unwrap_or(usize::MAX);
        while self.in_flight.len() < parallel {
            let Some((task, attempt)) = self.queued.pop_front() else {
                return;
            };
            let is_open = self.run.task(task).is_some_and(|open| {
                open.attempt == attempt && open.is_due(self.shared.parts.clock.now())
            });
            if !is_open || self.in_flight.contains_key(&task) {
                continue;
            }
            let cancel = self.tasks.child_token();
            let mine = (&self.tenant, &self.run, self.taken_up.contains(&task));
            let step = self.step.span(self.run.step());
            step.in_scope(|| perform(&self.shared, mine, task, &cancel, &self.sender));
            self.in_flight.insert(task, InFlight { attempt, cancel });
        }
    }

    /// A decision that the store cannot hold ends the run: loaded again, it fails.
    async fn fail_too_large(&mut self, before: Seq, bytes: u64, limit: u64) -> Next {
        let message =
            format!("one step of the run has {bytes} bytes, more than the store's {limit}");
        let error = RunError {
            code: "commit_too_large".into(),
            message,
            node: None,
            task: None,
            failure: None,
        };
        let now = self.shared.parts.clock.now();
        let event = RunEvent { at: now, kind: EventKind::RunFailed { error } };
        match load_run(&self.shared, &self.tenant, self.run.id).await {
            Ok(Loaded { run, since }) => (self.run, self.since) = (run, since),
            Err(error) => {
                error!(run = %self.run.id, error = %error, "run dropped: it cannot be loaded");
                return Next::Stop;
            }
        }
        wforge_graph::apply(&mut self.run, &event);
        let events = std::slice::from_ref(&event);
        let audit = self.shared.notes.of_commit(&self.tenant, self.run.id, events);
        if let Err(error) = self.commit((before, &audit), events, now).await {
            error!(run = %self.run.id, error = %error, "run dropped: its failure was not committed");
            return Next::Stop;
        }
        self.tell(before, Decision { events: vec![event], commands: vec![Command::StopTasks] });
        Next::Go
    }

    /// Says in which thread somebody else may begin now.
    fn leave(mut self) -> Option<ThreadId> {
        self.tasks.cancel();
        self.shared.notes.forget(&self.tenant, self.run.id);
        self.shared.note_border(&self.tenant, &self.run, self.since);
        let now = self.shared.parts.clock.now();
        let wake_at = wforge_graph::next_wake(&self.run, now);
        self.inbox.close();
        self.shared.registry.leave(&self.tenant, self.run.id, wake_at);
        // Whoever sent something in the last moment sends it again to the run's next actor.
        while let Ok(message) = self.inbox.try_recv() {
            if let Some(done) = message.done {
                let _ = done.send(Err(EngineError::Busy {
                    message: "the run was just put to sleep; try again".into(),
                    retry_after_ms: 1,
                }));
            }
        }
        let started = self.run.started.as_ref().or(self.run.queued.as_ref())?;
        let makes_room = self.run.status.is_final() || self.run.status == RunStatus::Queued;
        started.thread.filter(|_| makes_room)
    }
}

async fn next_messages(inbox: &mut mpsc::Receiver<Message>) -> Vec<Message> {
    let mut messages = Vec::new();
    inbox.recv_many(&mut messages, FACTS_PER_COMMIT_MAX).await;
    messages
}

async fn wake(shared: &Shared, at: Option<Timestamp>) {
    match at {
        Some(at) => shared.parts.clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The events with their places in the log.
pub(crate) fn stored(before: Seq, events: Vec<RunEvent>) -> impl Iterator<Item = StoredEvent> {
    let mut seq = before;
    events.into_iter().map(move |event| {
        seq = seq.next();
        StoredEvent { seq, event }
    })
}
