//! The borders of a thread as clients see them, folded from the logs of its runs.

use std::collections::HashMap;
use std::sync::Arc;

use wforge_graph::{Run, State, Task, TaskStatus};
use wforge_model::checkpoint::Durability;
use wforge_model::event::{EventKind, Origin, PlannedTask, RunStarted, StoredEvent};
use wforge_model::head::RunStatus;
use wforge_model::{Checkpoint, RunId, Seq, TaskId, TenantId, ThreadId, Value};
use wforge_ports::threads::ThreadRow;

use super::existing;
use crate::load::{beginning_of, load_run, replay};
use crate::request::EngineError;
use crate::service::Shared;
use crate::thread_request::{CheckpointSource, CheckpointTask, CheckpointView, ThreadView};

/// Runs that are looked up at once.
const PAGE: usize = 64;
/// Events that are read at once.
const EVENTS: usize = 512;

/// The thread as it stands.
pub(crate) async fn view(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
) -> Result<ThreadView, EngineError> {
    let row = existing(shared, tenant, thread).await?.row;
    let mut view = ThreadView {
        thread,
        workflow: row.workflow,
        digest: row.digest,
        head: row.head,
        status: None,
        queue: row.queue,
        checkpoint: None,
        state: Value::Object(wforge_model::Object::new()),
        next: Vec::new(),
        tasks: Vec::new(),
        waiting_for: Vec::new(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    let Some(head) = row.head else { return Ok(view) };
    let run = load_run(shared, tenant, head).await?.run;
    view.status = Some(run.standing());
    view.checkpoint = Some(Checkpoint { run: head, seq: run.border });
    view.state = json(&run.state_so_far())?;
    view.waiting_for = wforge_graph::waiting_for(&run);
    view.tasks = if run.tasks().is_empty() {
        run.next_tasks().iter().map(planned).collect()
    } else {
        run.tasks().iter().map(standing).collect()
    };
    let open = view.tasks.iter().filter(|task| task.result.is_none());
    view.next = open.map(|task| task.node.clone()).collect();
    Ok(view)
}

/// At most `limit` borders that came before one (none: from the newest), newest first.
pub(crate) async fn history(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    before: Option<Checkpoint>,
    limit: usize,
) -> Result<Vec<CheckpointView>, EngineError> {
    let row = existing(shared, tenant, thread).await?.row;
    let (mut found, mut place) = (Vec::new(), None);
    let mut skips = before;
    loop {
        let page = shared.parts.store.thread_runs(tenant, thread, place, PAGE).await?;
        for listed in page.iter().filter(|listed| listed.place >= row.pruned_before) {
            if skips.is_some_and(|before| before.run != listed.run) {
                continue;
            }
            let borders = borders_of(shared, tenant, &row, listed.run).await?;
            let older = borders
                .into_iter()
                .filter(|border| skips.is_none_or(|before| border.checkpoint.seq < before.seq));
            found.extend(older);
            skips = None;
            if found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE && last.place >= row.pruned_before => {
                place = Some(last.place);
            }
            Some(_) | None => return Ok(found),
        }
    }
}

/// The borders of one run that its thread lists, newest first; none where it was taken back.
pub(super) async fn borders_of(
    shared: &Shared,
    tenant: &TenantId,
    row: &ThreadRow,
    run: RunId,
) -> Result<Vec<CheckpointView>, EngineError> {
    if row.removed.contains(&run) {
        return Ok(Vec::new());
    }
    let mut fold = Borders::default();
    replay(shared, tenant, run, |run, stored| fold.take(run, stored)).await?;
    fold.parent = match fold.started.as_deref() {
        Some(started) => parent_of(shared, tenant, started).await?,
        None => None,
    };
    let mut views = fold.finish()?;
    if let Some(oldest) = row.oldest.filter(|oldest| oldest.run == run) {
        views.retain(|view| view.checkpoint.seq >= oldest.seq);
    }
    Ok(views)
}

/// The border before the first of a run: that from which it goes on. A copy within its thread
/// stands beside the border that it copies, so it has the same one before it.
async fn parent_of(
    shared: &Shared,
    tenant: &TenantId,
    started: &RunStarted,
) -> Result<Option<Checkpoint>, EngineError> {
    let (mut origin, mut base) = (started.origin.clone(), started.base);
    while let Some(copied) = base.filter(|_| origin == Origin::Copy) {
        let (source, _) = beginning_of(shared, tenant, copied.run).await?;
        if source.thread != started.thread {
            break;
        }
        let lists_one = source.durability == Durability::Exit;
        let before = if lists_one { None } else { border_before(shared, tenant, copied).await? };
        if before.is_some() {
            return Ok(before);
        }
        (origin, base) = (source.origin, source.base);
    }
    Ok(base)
}

/// The border of the same run before one.
async fn border_before(
    shared: &Shared,
    tenant: &TenantId,
    at: Checkpoint,
) -> Result<Option<Checkpoint>, EngineError> {
    let (mut seen, mut before) = (Seq(0), None);
    loop {
        let page = shared.parts.store.events(tenant, at.run, seen, EVENTS).await?;
        for stored in page.iter().take_while(|stored| stored.seq < at.seq) {
            if is_border(&stored.event.kind) {
                before = Some(Checkpoint { run: at.run, seq: stored.seq });
            }
        }
        match page.last() {
            Some(last) if page.len() == EVENTS && last.seq < at.seq => seen = last.seq,
            Some(_) | None => return Ok(before),
        }
    }
}

const fn is_border(event: &EventKind) -> bool {
    matches!(event, EventKind::RunStarted(_) | EventKind::StepCommitted { ns: None, .. })
}

#[derive(Default)]
struct Borders {
    borders: Vec<Border>,
    came_of: HashMap<TaskId, CheckpointTask>,
    started: Option<Arc<RunStarted>>,
    /// What comes before the first of them.
    parent: Option<Checkpoint>,
    rolled_back: bool,
}

struct Border {
    at: Checkpoint,
    source: CheckpointSource,
    step: u32,
    state: State,
    next: Vec<PlannedTask>,
    created_at: wforge_model::Timestamp,
}

impl Borders {
    fn take(&mut self, run: &Run, stored: &StoredEvent) {
        match &stored.event.kind {
            EventKind::RunStarted(started) => {
                self.push(run, stored, source_of(&started.origin));
                self.started = Some(started.clone());
            }
            EventKind::StepCommitted { ns: None, .. } => {
                self.push(run, stored, CheckpointSource::Loop);
            }
            EventKind::StepPlanned { ns: None, tasks, .. } => {
                self.came_of.extend(tasks.iter().map(|task| (task.id, planned(task))));
            }
            EventKind::TaskFinished(finished) => {
                if let Some(task) = self.came_of.get_mut(&finished.task) {
                    task.result = Some(finished.writes.clone());
                    task.error.clone_from(&finished.instead_of);
                }
            }
            EventKind::TaskFailed { task, failure, .. } => {
                if let Some(task) = self.came_of.get_mut(task) {
                    task.error = Some(failure.clone());
                }
            }
            EventKind::TaskSuspended { task, waiting } => {
                if let Some(task) = self.came_of.get_mut(task) {
                    task.interrupts.extend_from_slice(waiting.questions());
                }
            }
            EventKind::QuestionAnswered { task, question, .. } => {
                if let Some(task) = self.came_of.get_mut(task) {
                    task.interrupts.retain(|asked| asked.id != *question);
                }
            }
            EventKind::RunCancelled { rolled_back, .. } => self.rolled_back = *rolled_back,
            EventKind::RunCompleted { .. } => {
                if let Some(last) = self.borders.last_mut() {
                    last.next = run.next_tasks();
                }
            }
            EventKind::RunQueued(_)
            | EventKind::StepPlanned { ns: Some(_), .. }
            | EventKind::StepCommitted { ns: Some(_), .. }
            | EventKind::SubgraphStarted { .. }
            | EventKind::TaskRetried { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::Interrupted { .. }
            | EventKind::PauseRequested { .. }
            | EventKind::Continued { .. }
            | EventKind::RunRevived { .. }
            | EventKind::FailureHandled { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => {}
        }
    }

    fn push(&mut self, run: &Run, stored: &StoredEvent, source: CheckpointSource) {
        self.borders.push(Border {
            at: Checkpoint { run: run.id, seq: stored.seq },
            source,
            step: run.step(),
            state: run.persisted_state(),
            next: run.next_tasks(),
            created_at: stored.event.at,
        });
    }

    fn finish(mut self) -> Result<Vec<CheckpointView>, EngineError> {
        let Some(started) = self.started.take().filter(|_| !self.rolled_back) else {
            return Ok(Vec::new());
        };
        if started.durability == Durability::Exit
            && let Some(last) = self.borders.pop()
        {
            self.borders = vec![last];
        }
        let mut parent = self.parent;
        let mut views = Vec::new();
        for border in self.borders {
            let tasks = border
                .next
                .iter()
                .map(|task| self.came_of.get(&task.id).cloned().unwrap_or_else(|| planned(task)));
            views.push(CheckpointView {
                checkpoint: border.at,
                parent,
                source: border.source,
                step: border.step,
                state: json(&border.state)?,
                next: border.next.iter().map(|task| task.node.clone()).collect(),
                tasks: tasks.collect(),
                created_at: border.created_at,
            });
            parent = Some(border.at);
        }
        views.reverse();
        Ok(views)
    }
}

const fn source_of(origin: &Origin) -> CheckpointSource {
    match origin {
        Origin::Input => CheckpointSource::Input,
        Origin::Update(_) => CheckpointSource::Update,
        Origin::Continue | Origin::Copy => CheckpointSource::Fork,
        Origin::Migrate => CheckpointSource::Migrate,
    }
}

fn planned(task: &PlannedTask) -> CheckpointTask {
    CheckpointTask {
        task: task.id,
        node: task.node.clone(),
        error: None,
        interrupts: Vec::new(),
        result: None,
    }
}

fn standing(task: &Task) -> CheckpointTask {
    let mut view = CheckpointTask {
        task: task.id,
        node: task.node.clone(),
        error: None,
        interrupts: Vec::new(),
        result: None,
    };
    match &task.status {
        TaskStatus::Finished(finished) => view.result = Some(finished.writes.clone()),
        TaskStatus::Failed { failure, .. } => view.error = Some(failure.clone()),
        TaskStatus::Suspended(waiting) => view.interrupts.extend_from_slice(waiting.questions()),
        TaskStatus::Ready | TaskStatus::Backoff(_) | TaskStatus::Inside => {}
    }
    view
}

fn json(state: &State) -> Result<Value, EngineError> {
    serde_json::to_value(state).map_err(|error| EngineError::Host(Box::new(error)))
}

/// Whether a run only waits for somebody, so that it may be ended for what somebody does instead.
pub(crate) const fn only_waits(status: RunStatus) -> bool {
    match status {
        RunStatus::Waiting | RunStatus::Paused | RunStatus::Blocked => true,
        RunStatus::Running
        | RunStatus::Queued
        | RunStatus::Completed
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::RolledBack => false,
    }
}
