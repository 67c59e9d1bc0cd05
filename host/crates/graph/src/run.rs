//! A run as folded from its log: its levels, and what holds for all of them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use wforge_model::agent::AgentPin;
use wforge_model::effect::Waiting;
use wforge_model::event::{KeptAnswer, RunError, RunStarted};
use wforge_model::head::RunStatus;
use wforge_model::workflow::Node;
use wforge_model::{Digest, NodeId, NodePath, Object, RunId, Seq, TaskId, Timestamp, Usage, Value};

use crate::carried::{Carried, Kept};
use crate::expressions::State;
use crate::frame::{Frame, Task, TaskStatus};
use crate::levels::measure;
use crate::library::Library;
use crate::site::Site;
use crate::workflow::Workflow;

/// A run. Cheap to clone: values are shared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The length of the log that it was folded from.
    pub seq: Seq,
    /// The length that its log had at its last border: after its beginning, or after its last
    /// committed super-step. 0 before its beginning.
    #[serde(default)]
    pub border: Seq,
    /// How it stands; see [`Run::standing`], which also knows what is never stored here.
    pub status: RunStatus,
    /// What it was started with; none before that event.
    pub started: Option<Arc<RunStarted>>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// Whether a mock has stood in for a named agent.
    pub degraded: bool,
    /// The output of a completed run.
    pub output: Option<Object>,
    /// The outcome that an edge named.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// The task that blocks it.
    pub blocked_by: Option<TaskId>,
    /// What a queued run will be started with.
    pub queued: Option<Arc<RunStarted>>,
    /// What its tasks used of models in the attempts that have ended.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
    pub(crate) root: Frame,
    /// The subgraphs that are open, by the task that runs each.
    pub(crate) inner: BTreeMap<TaskId, Frame>,
    /// The states that subgraphs left for later calls, by path.
    pub(crate) kept: BTreeMap<NodePath, Kept>,
    pub(crate) tasks_finished: u64,
    /// Tasks that are ready, over all levels.
    pub(crate) ready: usize,
    /// How often nodes whose script counts were called, each by its path.
    pub(crate) called: BTreeMap<NodePath, u32>,
    /// What people answered since the last border. No default: a snapshot without it would forget
    /// answers, so it must not be read, and the log is folded instead.
    pub(crate) given_answers: Vec<KeptAnswer>,
    /// What they had answered to the tasks that this run begins again, as far as it is not used.
    pub(crate) kept_answers: Vec<KeptAnswer>,
    pub(crate) pauses: bool,
    /// Super-steps until it pauses.
    pub(crate) steps_left: Option<u32>,
    pub(crate) failure_handled: bool,
    /// Time during which a task ran, and since when one does.
    pub(crate) worked_ms: u64,
    pub(crate) working_since: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) library: Option<Library>,
    /// Where a task stands: its level and its place there.
    #[serde(skip)]
    pub(crate) place_of: BTreeMap<TaskId, (Option<TaskId>, usize)>,
    #[serde(skip)]
    pub(crate) carried: Option<Carried>,
}

impl Run {
    /// A run without events.
    #[must_use]
    pub fn new(id: RunId, library: Library) -> Self {
        Self {
            id,
            seq: Seq(0),
            border: Seq(0),
            status: RunStatus::Running,
            started: None,
            started_at: Timestamp(0),
            updated_at: Timestamp(0),
            degraded: false,
            output: None,
            outcome: None,
            error: None,
            blocked_by: None,
            queued: None,
            usage: Usage::default(),
            root: Frame::new(&library.root, None),
            inner: BTreeMap::new(),
            kept: BTreeMap::new(),
            tasks_finished: 0,
            ready: 0,
            called: BTreeMap::new(),
            given_answers: Vec::new(),
            kept_answers: Vec::new(),
            pauses: false,
            steps_left: None,
            failure_handled: false,
            worked_ms: 0,
            working_since: None,
            library: Some(library),
            place_of: BTreeMap::new(),
            carried: None,
        }
    }

    /// The same, which will begin at a checkpoint with what was carried over from it.
    #[must_use]
    pub fn with_carried(mut self, carried: Carried) -> Self {
        self.carried = Some(carried);
        self
    }

    /// The run that was serialised, with its workflows.
    #[must_use]
    pub fn with_library(mut self, library: Library) -> Self {
        self.library = Some(library);
        self.place_of = self.places().collect();
        self
    }

    /// What may be stored of it: the keys that never reach the store are as before their first
    /// write, as when the log is folded again.
    #[must_use]
    pub fn persisted(&self) -> Self {
        let mut run = self.clone();
        let levels: Vec<Option<TaskId>> = self.levels().collect();
        for ns in levels {
            let state = self.site(ns).map(|site| site.stored_state());
            if let (Some(state), Some(frame)) = (state, run.frame_mut(ns)) {
                frame.state_bytes = measure(&state);
                frame.state = state;
            }
        }
        run
    }

    /// The state of the run itself, without the keys that never reach the store.
    #[must_use]
    pub fn persisted_state(&self) -> State {
        self.site(None).map(|site| site.persisted_state()).unwrap_or_default()
    }

    fn places(&self) -> impl Iterator<Item = (TaskId, (Option<TaskId>, usize))> {
        let levels = self.inner.iter().map(|(ns, frame)| (Some(*ns), frame));
        core::iter::once((None, &self.root)).chain(levels).flat_map(|(ns, frame)| {
            (0..).zip(&frame.tasks).map(move |(place, task)| (task.id, (ns, place)))
        })
    }

    /// Its workflow; none only between reading a snapshot and [`Run::with_library`].
    #[must_use]
    pub fn workflow(&self) -> Option<&Arc<Workflow>> {
        self.library.as_ref().map(|library| &library.root)
    }

    /// Its workflow and those that are parts of it.
    #[must_use]
    pub const fn library(&self) -> Option<&Library> {
        self.library.as_ref()
    }

    /// The state of the run itself after its last committed super-step.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.root.state
    }

    /// The current super-step of the run itself, from 1; 0 before the first.
    #[must_use]
    pub const fn step(&self) -> u32 {
        self.root.step
    }

    /// The tasks of the run's own current super-step, in their order.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.root.tasks
    }

    /// Every task of every level: the run's own first.
    pub fn all_tasks(&self) -> impl Iterator<Item = &Task> {
        core::iter::once(&self.root).chain(self.inner.values()).flat_map(|frame| &frame.tasks)
    }

    /// The levels that are open: the run itself, then its subgraphs.
    pub fn levels(&self) -> impl Iterator<Item = Option<TaskId>> {
        core::iter::once(None).chain(self.inner.keys().copied().map(Some))
    }

    /// One level with its workflow.
    #[must_use]
    pub fn site(&self, ns: Option<TaskId>) -> Option<Site<'_>> {
        let frame = self.frame(ns)?;
        let workflow = self.library.as_ref()?.get(frame.uses.as_ref())?;
        Some(Site { run: self, ns, frame, workflow })
    }

    /// The level in which a task stands.
    #[must_use]
    pub fn site_of(&self, task: TaskId) -> Option<Site<'_>> {
        self.site(self.place_of.get(&task)?.0)
    }

    /// The task in whose subgraph a task stands; none: in the run itself.
    pub(crate) fn level_of(&self, task: TaskId) -> Option<TaskId> {
        self.place_of.get(&task).and_then(|(ns, _)| *ns)
    }

    pub(crate) fn frame(&self, ns: Option<TaskId>) -> Option<&Frame> {
        match ns {
            Some(ns) => self.inner.get(&ns),
            None => Some(&self.root),
        }
    }

    pub(crate) fn frame_mut(&mut self, ns: Option<TaskId>) -> Option<&mut Frame> {
        match ns {
            Some(ns) => self.inner.get_mut(&ns),
            None => Some(&mut self.root),
        }
    }

    /// The levels that go on, each after the one around it, in the order of the tasks that run
    /// them. A level whose task has failed is none of them, nor are those inside it: it keeps what
    /// its own tasks did, for whoever takes the run up again.
    pub(crate) fn open_levels(&self) -> Vec<Option<TaskId>> {
        let mut levels = alloc::vec![None];
        if self.inner.is_empty() {
            return levels;
        }
        let mut next = 0;
        while let Some(ns) = levels.get(next).copied() {
            next += 1;
            let tasks = self.frame(ns).map_or(&[][..], |frame| frame.tasks.as_slice());
            let inside = tasks.iter().filter(|task| matches!(task.status, TaskStatus::Inside));
            levels.extend(inside.map(|task| Some(task.id)));
        }
        levels
    }

    /// A task of a current super-step.
    #[must_use]
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        let (ns, place) = self.place_of.get(&id)?;
        self.frame(*ns)?.tasks.get(*place)
    }

    /// The node of a task.
    #[must_use]
    pub fn node_of(&self, id: TaskId) -> Option<&Node> {
        let site = self.site_of(id)?;
        site.workflow.nodes.get(&self.task(id)?.node)
    }

    /// The agent that does a task.
    #[must_use]
    pub fn pin_of(&self, id: TaskId) -> Option<&AgentPin> {
        let task = self.task(id)?;
        self.site_of(id)?.pin(task)
    }

    /// The names of the nodes through which a level is reached, with their tasks: what streams
    /// call its namespace. Empty for the run itself.
    #[must_use]
    pub fn namespace(&self, ns: Option<TaskId>) -> Vec<(NodeId, TaskId)> {
        let mut path = Vec::new();
        let mut level = ns;
        while let Some(id) = level {
            let Some(task) = self.task(id) else { break };
            path.push((task.node.clone(), id));
            level = self.place_of.get(&id).and_then(|(ns, _)| *ns);
        }
        path.reverse();
        path
    }

    /// How it stands: also `Waiting` and `Paused`, which follow from its tasks.
    #[must_use]
    pub fn standing(&self) -> RunStatus {
        if self.status != RunStatus::Running || self.started.is_none() {
            return self.status;
        }
        let moves = |task: &Task| match task.status {
            TaskStatus::Ready | TaskStatus::Backoff(_) => true,
            TaskStatus::Suspended(_)
            | TaskStatus::Inside
            | TaskStatus::Finished(_)
            | TaskStatus::Failed { .. } => false,
        };
        if self.ready > 0 || self.all_tasks().any(moves) {
            return RunStatus::Running;
        }
        let waits = |task: &Task| matches!(task.status, TaskStatus::Suspended(_));
        let put_away =
            |task: &Task| matches!(task.status, TaskStatus::Suspended(Waiting::Quarantine { .. }));
        if self.all_tasks().any(waits) {
            let all = self.all_tasks().filter(|task| waits(task)).all(put_away);
            return if all { RunStatus::Blocked } else { RunStatus::Waiting };
        }
        let pauses = self.levels().filter_map(|ns| self.site(ns)).any(|site| site.is_held());
        if pauses { RunStatus::Paused } else { RunStatus::Running }
    }

    /// About how many bytes the state of all its levels has as JSON.
    #[must_use]
    pub fn state_bytes(&self) -> u64 {
        let levels = core::iter::once(&self.root).chain(self.inner.values());
        levels.flat_map(|frame| frame.state_bytes.values()).sum()
    }

    /// Time during which a task ran so far.
    #[must_use]
    pub fn worked_ms(&self, now: Timestamp) -> u64 {
        let since = self.working_since.map_or(0, |since| now.0.saturating_sub(since.0));
        self.worked_ms.saturating_add(since)
    }

    /// Whether the workflow that handles its failure is still to be started.
    #[must_use]
    pub fn owes_failure_handling(&self) -> bool {
        self.status == RunStatus::Failed
            && !self.failure_handled
            && self
                .started
                .as_ref()
                .is_some_and(|started| started.on_failure.is_some() && started.handles.is_none())
    }

    /// The read-only JSON that the run was started with.
    pub(crate) fn context(&self) -> &Value {
        self.started.as_ref().map_or(&Value::Null, |started| &started.context)
    }

    /// The digest of the workflow that a node runs.
    pub(crate) fn used_by(&self, level: Option<&Digest>, node: &NodeId) -> Option<Digest> {
        crate::paths::used_at(self.started.as_ref()?, level, node)
    }
}
