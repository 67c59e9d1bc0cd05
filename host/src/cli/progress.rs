//! What a person sees while a run goes on: one line a node and source, whatever the fan-out, and
//! on a terminal one line that moves.
//!
//! Nodes of subgraphs are shown by their path, `outer/inner`. Where a node runs its subgraph
//! several times at once, the lines of what is inside come once, when the node has ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Failure, NodeId, Seq, TaskId, Timestamp};
use wforge_ports::Clock;
use wforge_view::{AFTER_WRITE, Level, Place, Trail, duration, for_steps};

use super::ui::{Paint, Ui, harmless};

/// Failures of one node that are shown in full; the rest is counted.
const FAILURES_SHOWN: usize = 3;
/// Between two drawings of the moving line.
const REDRAW_NS: u64 = 80_000_000;
/// A failure that another node handles.
const HANDLED: &str = "handled";
const FAILED: &str = "failed";
/// The progress of one run.
pub(crate) struct Progress {
    ui: Ui,
    clock: Arc<dyn Clock>,
    /// Up to here everything was seen before; nothing of it is printed.
    quiet_until: Seq,
    trail: Trail,
    /// Whom the run's own nodes name, also where the agent is missing.
    wanted: HashMap<NodeId, String>,
    levels: BTreeMap<Level, LevelProgress>,
    /// What ended inside of nodes that run several times at once, by path.
    held: BTreeMap<String, BySource>,
    agents: HashMap<String, String>,
    failures: HashMap<String, usize>,
    drawn_ns: u64,
}

/// The current super-step of a level.
#[derive(Debug)]
struct LevelProgress {
    began: Timestamp,
    nodes: BTreeMap<NodeId, NodeProgress>,
}

/// One node within a super-step.
#[derive(Debug, Default)]
struct NodeProgress {
    planned: usize,
    ended: usize,
    by_source: BySource,
}

type BySource = BTreeMap<&'static str, Group>;

/// The tasks of a node that got their result in the same way.
#[derive(Debug, Clone)]
struct Group {
    tasks: usize,
    ms: u64,
    from: Timestamp,
    until: Timestamp,
    why: Option<String>,
}

impl Group {
    fn join(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.ms = other.ms;
        self.from = self.from.min(other.from);
        self.until = self.until.max(other.until);
        self.why = self.why.take().or(other.why);
    }
}

impl Progress {
    pub(crate) fn new(
        ui: &Ui,
        clock: Arc<dyn Clock>,
        quiet_until: Seq,
        draft: &WorkflowDraft,
    ) -> Self {
        // A node whose agent is missing has no pin; then it shows whom it wanted.
        let wanted = draft.nodes.iter().filter_map(|(id, node)| match &node.work {
            Work::Agent(agent) => Some((id.clone(), agent.to_string())),
            Work::Workflow(inside) => Some((id.clone(), inside.workflow.to_string())),
            Work::Mock | Work::Set(_) | Work::Ask(_) => None,
        });
        Self {
            ui: ui.clone(),
            clock,
            quiet_until,
            trail: Trail::default(),
            wanted: wanted.collect(),
            levels: BTreeMap::new(),
            held: BTreeMap::new(),
            agents: HashMap::new(),
            failures: HashMap::new(),
            drawn_ns: 0,
        }
    }

    /// What the log told so far.
    pub(crate) const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Takes one event.
    pub(crate) fn take(&mut self, stored: &StoredEvent) {
        let (at, kind) = (stored.event.at, &stored.event.kind);
        self.trail.take(kind);
        let loud = stored.seq > self.quiet_until;
        match kind {
            EventKind::StepPlanned { ns, tasks, .. } => {
                self.failures.clear();
                let mut level = LevelProgress { began: at, nodes: BTreeMap::new() };
                for task in tasks {
                    level.nodes.entry(task.node.clone()).or_default().planned += 1;
                }
                self.levels.insert(*ns, level);
            }
            EventKind::TaskFinished(finished) => {
                let why = finished.instead_of.as_ref().map(ToString::to_string);
                let how = (finished.source.as_str(), finished.elapsed_ms, why);
                self.ended(finished.task, how, at, loud);
            }
            EventKind::TaskFailed { task, failure, handler, elapsed_ms, after_write, .. } => {
                let (source, why) = match handler {
                    Some(handler) => (HANDLED, format!("{failure}; {} handles it", handler.node)),
                    None if *after_write => (FAILED, format!("{failure}; {AFTER_WRITE}")),
                    None => (FAILED, failure.to_string()),
                };
                if let Some(handler) = handler {
                    self.expect_one_more(*task, &handler.node);
                }
                self.ended(*task, (source, *elapsed_ms, Some(why)), at, loud);
            }
            EventKind::RunRevived { .. } => self.forget_failures(),
            EventKind::TaskRetried { .. } => self.forget_closed(),
            EventKind::RunQueued(_)
            | EventKind::RunStarted(_)
            | EventKind::SubgraphStarted { .. }
            | EventKind::TaskSuspended { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::QuestionAssigned { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::Interrupted { .. }
            | EventKind::PauseRequested { .. }
            | EventKind::Continued { .. }
            | EventKind::FailureHandled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => {}
        }
        if loud {
            self.tell(kind);
            self.draw();
        }
    }

    /// What is said of an event at once.
    fn tell(&mut self, kind: &EventKind) {
        let line = match kind {
            EventKind::RunQueued(queued) => {
                format!("queued: another run of {} goes first", queued.thread)
            }
            EventKind::TaskRetried { task, attempt, failure, elapsed_ms, falls_back, .. } => {
                let Some(line) = self.retried(*task, (*attempt, *elapsed_ms), failure) else {
                    return;
                };
                let next = if *falls_back { "; its fallback agent takes over" } else { "" };
                format!("{line}{next}")
            }
            EventKind::RunBlocked { task, divergence } => {
                let (recorded, asked) = (&divergence.recorded, &divergence.asked);
                let both = format!("{recorded} is recorded, and {asked} was asked");
                format!("{}  blocked: {}", self.trail.name(*task), harmless(&both))
            }
            EventKind::PauseRequested { by } => {
                format!("pauses after this super-step, as {} asked", harmless(by))
            }
            EventKind::Continued { by, steps } => {
                format!("continued by {}{}", harmless(by), for_steps(*steps))
            }
            EventKind::RunRevived { by } => format!("what failed begins again: {}", harmless(by)),
            EventKind::FailureHandled { run: Some(run), .. } => {
                format!("its failure is handled by {run}")
            }
            EventKind::FailureHandled { run: None, refused } => {
                let why = refused.as_deref().unwrap_or("no reason was given");
                format!("nothing handles its failure: {}", harmless(why))
            }
            // `take` names them all, so that a new one asks for its place.
            _ => return,
        };
        self.ui.note(&line);
    }

    /// One line for each of the first failed attempts of a node.
    fn retried(
        &mut self,
        task: TaskId,
        (attempt, ms): (u32, u64),
        failure: &Failure,
    ) -> Option<String> {
        let name = self.trail.name(task);
        let count = self.failures.entry(name.clone()).or_default();
        *count += 1;
        if *count == FAILURES_SHOWN + 1 {
            return Some(format!("{name}  more attempts failed; not shown"));
        }
        let text = harmless(&failure.to_string());
        let time = duration(ms);
        (*count <= FAILURES_SHOWN)
            .then(|| format!("{name}  attempt {attempt} failed after {time}: {text}"))
    }

    /// A handler joins the super-step of the task that failed.
    fn expect_one_more(&mut self, failed: TaskId, handler: &NodeId) {
        let Some(level) = self.trail.place(failed).map(|place| place.level) else { return };
        if let Some(level) = self.levels.get_mut(&level) {
            level.nodes.entry(handler.clone()).or_default().planned += 1;
        }
    }

    /// Tasks that failed begin again.
    fn forget_failures(&mut self) {
        for node in self.levels.values_mut().flat_map(|level| level.nodes.values_mut()) {
            let failed = node.by_source.remove(FAILED).map_or(0, |group| group.tasks);
            node.ended = node.ended.saturating_sub(failed);
        }
    }

    /// What ran inside a task that has ended, or begins again, is no part of the picture any more.
    fn forget_closed(&mut self) {
        self.levels.retain(|level, _| self.trail.is_open(*level));
    }

    fn ended(
        &mut self,
        task: TaskId,
        (source, ms, why): (&'static str, u64, Option<String>),
        at: Timestamp,
        loud: bool,
    ) {
        self.forget_closed();
        let Some(place) = self.trail.place(task).cloned() else { return };
        if let Some(agent) = self.agent(task, &place) {
            self.agents.insert(place.path.clone(), agent);
        }
        let Some(level) = self.levels.get_mut(&place.level) else { return };
        let began = level.began;
        let Some(node) = level.nodes.get_mut(&place.node) else { return };
        node.ended += 1;
        let group = Group { tasks: 1, ms, from: began, until: at, why };
        join(&mut node.by_source, source, group);
        if node.ended == node.planned {
            let groups = std::mem::take(&mut node.by_source);
            self.node_ended(&place, groups, loud);
        }
    }

    fn agent(&self, task: TaskId, place: &Place) -> Option<String> {
        let named = self.trail.agent(task).or_else(|| self.trail.subgraph(task).map(harmless));
        named.or_else(|| {
            place.level.is_none().then(|| self.wanted.get(&place.node).cloned()).flatten()
        })
    }

    /// Every task of a node has ended.
    fn node_ended(&mut self, place: &Place, groups: BySource, loud: bool) {
        if !self.is_called_once(place.level) {
            let held = self.held.entry(place.path.clone()).or_default();
            groups.into_iter().for_each(|(source, group)| join(held, source, group));
            return;
        }
        let below = format!("{}/", place.path);
        let mut inside = BTreeMap::new();
        while let Some(path) = self.held.keys().find(|path| path.starts_with(&below)).cloned() {
            inside.extend(self.held.remove_entry(&path));
        }
        if !loud {
            return;
        }
        for (path, groups) in inside.iter().chain([(&place.path, &groups)]) {
            for (source, group) in groups {
                self.ui.note(&self.line_of(path, source, group));
            }
        }
    }

    /// Whether no node on the way to a level runs several times at once.
    fn is_called_once(&self, level: Level) -> bool {
        let Some(place) = level.and_then(|task| self.trail.place(task)) else { return true };
        let node = self.levels.get(&place.level).and_then(|level| level.nodes.get(&place.node));
        node.is_some_and(|node| node.planned == 1) && self.is_called_once(place.level)
    }

    fn line_of(&self, path: &str, source: &'static str, group: &Group) -> String {
        let agent = self.agents.get(path).map_or("-", String::as_str);
        let (tasks, ms) = match group.tasks {
            1 => ("1 task".to_owned(), group.ms),
            many => {
                let since = group.until.since(group.from).as_millis();
                (format!("{many} tasks"), u64::try_from(since).unwrap_or(u64::MAX))
            }
        };
        let padded = format!("{source:8}");
        let source = self.ui.paint(paint(source), &padded);
        let name = self.ui.paint(Paint::Bold, &format!("{path:12}"));
        let why = group.why.as_deref().map(|why| format!("  ({})", harmless(why)));
        let (why, time) = (why.unwrap_or_default(), duration(ms));
        let line = format!("{name}  {agent:24}  {source}  {tasks:>11}  {time:>8}{why}");
        line.trim_end().to_owned()
    }

    fn draw(&mut self) {
        let now = self.clock.monotonic_ns();
        if !self.ui.live || now.saturating_sub(self.drawn_ns) < REDRAW_NS {
            return;
        }
        self.drawn_ns = now;
        let mut open: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (level, progress) in &self.levels {
            for (name, node) in progress.nodes.iter().filter(|(_, node)| node.ended < node.planned)
            {
                let (ended, planned) = open.entry(self.trail.path_in(*level, name)).or_default();
                *ended += node.ended;
                *planned += node.planned;
            }
        }
        let nodes: Vec<String> = open
            .iter()
            .map(|(name, (ended, planned))| format!("{name} {ended}/{planned}"))
            .collect();
        if !nodes.is_empty() {
            self.ui.status(&nodes.join("  ").chars().take(78).collect::<String>());
        }
    }

    /// A line that a plugin wrote.
    pub(crate) fn line(&self, node: &str, level: &str, message: &str) {
        if self.ui.lines {
            let (node, level) = (harmless(node), harmless(level));
            self.ui.note(&format!("{node}  {level}: {}", harmless(message)));
        }
    }
}

fn join(groups: &mut BySource, source: &'static str, group: Group) {
    match groups.get_mut(source) {
        Some(there) => there.join(group),
        None => drop(groups.insert(source, group)),
    }
}

fn paint(source: &str) -> Paint {
    match source {
        FAILED => Paint::Red,
        source if source == TaskSource::Live.as_str() => Paint::Green,
        _ => Paint::Yellow,
    }
}
