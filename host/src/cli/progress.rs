//! What a person sees while a run goes on: one line a node and source, whatever the fan-out, and
//! on a terminal one line that moves.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Failure, NodeId, Seq, TaskId, Timestamp};
use wforge_ports::Clock;

use super::ui::{Paint, Ui, harmless};

/// Failures of one node that are shown in full; the rest is counted.
const FAILURES_SHOWN: usize = 3;
/// Between two drawings of the moving line.
const REDRAW_NS: u64 = 80_000_000;

/// The progress of one run.
pub(crate) struct Progress {
    ui: Ui,
    clock: Arc<dyn Clock>,
    /// Up to here everything was seen before; nothing of it is printed.
    quiet_until: Seq,
    agents: HashMap<NodeId, String>,
    step: u32,
    step_began: Timestamp,
    nodes: BTreeMap<NodeId, NodeProgress>,
    node_of: HashMap<TaskId, NodeId>,
    retries: HashMap<NodeId, usize>,
    drawn_ns: u64,
}

/// One node within a super-step.
#[derive(Debug, Default)]
struct NodeProgress {
    planned: usize,
    ended: usize,
    by_source: BTreeMap<&'static str, Group>,
}

/// The tasks of a node that got their result in the same way.
#[derive(Debug, Default)]
struct Group {
    tasks: usize,
    ms: u64,
    until: Timestamp,
    why: Option<Failure>,
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
            Work::Mock | Work::Set(_) | Work::Ask(_) => None,
        });
        Self {
            ui: ui.clone(),
            clock,
            quiet_until,
            agents: wanted.collect(),
            step: 0,
            step_began: Timestamp(0),
            nodes: BTreeMap::new(),
            node_of: HashMap::new(),
            retries: HashMap::new(),
            drawn_ns: 0,
        }
    }

    /// Takes one event.
    pub(crate) fn take(&mut self, stored: &StoredEvent) {
        let loud = stored.seq > self.quiet_until;
        let at = stored.event.at;
        match &stored.event.kind {
            EventKind::RunStarted(started) => {
                for (node, pin) in &started.pins {
                    let name = if pin.agent == wforge_model::manifest::MAIN_AGENT {
                        pin.plugin.to_string()
                    } else {
                        format!("{}.{}", pin.plugin, pin.agent)
                    };
                    self.agents.insert(node.clone(), format!("{name}@{}", pin.version));
                }
            }
            EventKind::StepPlanned { step, tasks } => {
                self.step = *step;
                self.step_began = at;
                self.nodes.clear();
                self.retries.clear();
                for task in tasks {
                    self.node_of.insert(task.id, task.node.clone());
                    self.nodes.entry(task.node.clone()).or_default().planned += 1;
                }
            }
            EventKind::TaskFinished(finished) => {
                let source = finished.source.as_str();
                let group = (source, finished.elapsed_ms, finished.instead_of.clone());
                self.ended(finished.task, group, at, loud);
            }
            EventKind::TaskFailed { task, failure, .. } => {
                self.ended(*task, ("failed", 0, Some(failure.clone())), at, loud);
            }
            EventKind::TaskRetried { task, attempt, failure, .. } if loud => {
                self.retried(*task, *attempt, failure);
            }
            EventKind::RunBlocked { task, divergence } if loud => {
                let node = self.name_of(*task);
                self.ui.note(&format!("{node}  blocked: {divergence:?}"));
            }
            EventKind::TaskRetried { .. }
            | EventKind::TaskSuspended { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::QuestionAnswered { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::RunFailed { .. }
            | EventKind::RunCancelled { .. }
            | EventKind::RunBlocked { .. }
            | EventKind::RunUnblocked { .. } => {}
        }
        if loud {
            self.draw();
        }
    }

    fn name_of(&self, task: TaskId) -> String {
        self.node_of.get(&task).map_or_else(|| task.to_string(), ToString::to_string)
    }

    fn ended(
        &mut self,
        task: TaskId,
        (source, ms, why): (&'static str, u64, Option<Failure>),
        at: Timestamp,
        loud: bool,
    ) {
        let Some(name) = self.node_of.get(&task).cloned() else { return };
        let Some(node) = self.nodes.get_mut(&name) else { return };
        node.ended += 1;
        let group = node.by_source.entry(source).or_default();
        group.tasks += 1;
        group.ms = ms;
        group.until = at;
        group.why = group.why.take().or(why);
        if node.ended == node.planned && loud {
            for line in self.lines_of(&name) {
                self.ui.note(&line);
            }
        }
    }

    fn lines_of(&self, name: &NodeId) -> Vec<String> {
        let Some(node) = self.nodes.get(name) else { return Vec::new() };
        let agent = self.agents.get(name).map_or("-", String::as_str);
        let line = |(source, group): (&&'static str, &Group)| {
            let (tasks, ms) = match group.tasks {
                1 => ("1 task".to_owned(), group.ms),
                many => {
                    let since = group.until.since(self.step_began).as_millis();
                    (format!("{many} tasks"), u64::try_from(since).unwrap_or(u64::MAX))
                }
            };
            let padded = format!("{source:8}");
            let source = self.ui.paint(paint(source), &padded);
            let name = self.ui.paint(Paint::Bold, &format!("{:12}", name.as_str()));
            let why = match &group.why {
                Some(failure) => format!("  ({})", harmless(&failure.to_string())),
                None => String::new(),
            };
            let time = duration(ms);
            let line = format!("{name}  {agent:24}  {source}  {tasks:>11}  {time:>8}{why}");
            line.trim_end().to_owned()
        };
        node.by_source.iter().map(line).collect()
    }

    fn retried(&mut self, task: TaskId, attempt: u32, failure: &Failure) {
        let name = self.name_of(task);
        let count = match self.node_of.get(&task) {
            Some(node) => self.retries.entry(node.clone()).or_default(),
            None => return,
        };
        *count += 1;
        if *count <= FAILURES_SHOWN {
            let failure = harmless(&failure.to_string());
            self.ui.note(&format!("{name}  attempt {attempt} failed: {failure}"));
        } else if *count == FAILURES_SHOWN + 1 {
            self.ui.note(&format!("{name}  more attempts failed; not shown"));
        }
    }

    fn draw(&mut self) {
        let now = self.clock.monotonic_ns();
        if !self.ui.live || now.saturating_sub(self.drawn_ns) < REDRAW_NS {
            return;
        }
        self.drawn_ns = now;
        let open = self.nodes.iter().filter(|(_, node)| node.ended < node.planned);
        let nodes: Vec<String> =
            open.map(|(name, node)| format!("{name} {}/{}", node.ended, node.planned)).collect();
        if !nodes.is_empty() {
            let line = format!("step {}  {}", self.step, nodes.join("  "));
            self.ui.status(&line.chars().take(78).collect::<String>());
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

fn paint(source: &str) -> Paint {
    match source {
        "failed" => Paint::Red,
        source if source == TaskSource::Live.as_str() => Paint::Green,
        _ => Paint::Yellow,
    }
}

/// Milliseconds as people write them.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let texts = [0, 999, 3_240, 59_999, 61_000].map(duration);
        assert_eq!(texts, ["0 ms", "999 ms", "3.2 s", "59.9 s", "1 min 1 s"]);
    }
}
