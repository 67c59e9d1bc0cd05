//! What a run used, by node: folded from its tasks and from the records of their host calls.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{StreamExt as _, TryStreamExt as _, iter};
use serde::Serialize;
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::{RunId, TaskId, TenantId, Timestamp, Usage};
use wforge_ports::store::{EffectRecord, Phase};

use crate::request::{EngineError, RunView, TaskView};
use crate::service::Shared;
use crate::tools::with_children;

/// Tasks whose records are read at the same time.
const AT_ONCE: usize = 16;
/// Nodes that a receipt names; the tasks of further ones stand in the total alone.
const NODES_MAX: usize = 1_000;

/// What a run used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The run.
    pub run: RunId,
    /// `name@version` of its workflow.
    pub workflow: String,
    /// How it stands.
    pub status: RunStatus,
    /// Whether a mock stood in for a named agent.
    pub degraded: bool,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it last moved; what came later is not in here.
    pub updated_at: Timestamp,
    /// All of it.
    pub total: Spent,
    /// Each node, in the order in which they first came to an end.
    pub nodes: Vec<NodeSpent>,
    /// Nodes that are left out of the list.
    #[serde(skip_serializing_if = "is_zero")]
    pub nodes_left_out: u64,
}

/// What a node used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeSpent {
    /// The node; `outer/inner` inside a subgraph.
    pub node: String,
    /// Its agent as `publisher/name@version`; none for `set` and `ask`.
    pub agent: Option<String>,
    /// What its tasks used.
    #[serde(flatten)]
    pub spent: Spent,
}

/// What tasks used.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spent {
    /// How many tasks.
    pub tasks: u64,
    /// How many of them got their result how: `live`, `mock`, `fallback`, `cache`, `replay`; or
    /// `failed`, or `open` where they have none yet.
    pub sources: BTreeMap<&'static str, u64>,
    /// Attempts of all tasks.
    pub attempts: u64,
    /// How long the last attempt of each took, added up.
    pub ms: u64,
    /// CPU time in microseconds, of the calls that came to an end.
    pub cpu_us: u64,
    /// The most memory that one call had.
    pub memory_bytes_peak: u64,
    /// Host calls by what was called, those of agents that were called as tools among them.
    pub host_calls: BTreeMap<String, HostCalls>,
    /// Calls of models and their tokens, by model.
    pub models: Usage,
}

/// Host calls of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostCalls {
    /// How many were answered.
    pub calls: u64,
    /// How many of them with a failure.
    pub failed: u64,
    /// Bytes of the answers as JSON.
    pub answer_bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Spent {
    fn take_task(&mut self, task: &TaskView) {
        let source = task.source.map_or(
            if task.failure.is_some() { "failed" } else { "open" },
            wforge_model::mock::TaskSource::as_str,
        );
        self.tasks += 1;
        *self.sources.entry(source).or_default() += 1;
        self.attempts += u64::from(task.attempt);
        self.ms = self.ms.saturating_add(task.ms);
        let sandbox = task.usage.sandbox;
        self.cpu_us = self.cpu_us.saturating_add(sandbox.cpu_us);
        self.memory_bytes_peak = self.memory_bytes_peak.max(sandbox.memory_bytes_peak);
        let of_models =
            Usage { sandbox: wforge_model::SandboxUse::default(), ..task.usage.clone() };
        self.models.add(&of_models);
    }

    fn take_calls(&mut self, calls: &BTreeMap<String, HostCalls>) {
        for (operation, more) in calls {
            let kept = self.host_calls.entry(operation.clone()).or_default();
            kept.calls += more.calls;
            kept.failed += more.failed;
            kept.answer_bytes = kept.answer_bytes.saturating_add(more.answer_bytes);
        }
    }
}

/// The receipt of a run.
pub(crate) async fn of_run(shared: &Shared, view: RunView) -> Result<Receipt, EngineError> {
    let RunView { head, tasks, .. } = view;
    let paths = paths(&tasks);
    let asked: Vec<_> = tasks.iter().map(|task| of_task(shared, &head.tenant, task)).collect();
    let called: Vec<BTreeMap<String, HostCalls>> =
        iter(asked).buffered(AT_ONCE).try_collect().await?;
    let mut receipt = empty(&head);
    let mut place_of: HashMap<&str, Option<usize>> = HashMap::new();
    for (task, calls) in tasks.iter().zip(&called) {
        receipt.total.take_task(task);
        receipt.total.take_calls(calls);
        let Some(path) = paths.get(&task.task) else { continue };
        let place = *place_of.entry(path).or_insert_with(|| receipt.begin(path, task));
        if let Some(node) = place.and_then(|place| receipt.nodes.get_mut(place)) {
            node.spent.take_task(task);
            node.spent.take_calls(calls);
        }
    }
    Ok(receipt)
}

impl Receipt {
    /// A line for that node; none where there are too many.
    fn begin(&mut self, path: &str, task: &TaskView) -> Option<usize> {
        if self.nodes.len() >= NODES_MAX {
            self.nodes_left_out += 1;
            return None;
        }
        let (node, agent) = (path.to_owned(), task.agent.clone());
        self.nodes.push(NodeSpent { node, agent, spent: Spent::default() });
        Some(self.nodes.len() - 1)
    }
}

fn empty(head: &RunHead) -> Receipt {
    Receipt {
        run: head.run,
        workflow: format!("{}@{}", head.workflow, head.version),
        status: head.status,
        degraded: head.degraded,
        started_at: head.started_at,
        updated_at: head.updated_at,
        total: Spent::default(),
        nodes: Vec::new(),
        nodes_left_out: 0,
    }
}

/// The host calls of a task by what was called, and of the agents that it called as tools.
async fn of_task(
    shared: &Shared,
    tenant: &TenantId,
    task: &TaskView,
) -> Result<BTreeMap<String, HostCalls>, EngineError> {
    let mut calls: BTreeMap<String, HostCalls> = BTreeMap::new();
    // Only agents ask anything of the host.
    if task.agent.is_none() {
        return Ok(calls);
    }
    for id in with_children(shared, tenant, vec![task.task]).await? {
        for record in shared.parts.store.records(tenant, id).await? {
            if let Phase::Answer(answer) = &record.phase {
                let operation = operation_of(answer).to_owned();
                calls.entry(operation).or_default().take(answer);
            }
        }
    }
    Ok(calls)
}

impl HostCalls {
    fn take(&mut self, record: &EffectRecord) {
        self.calls += 1;
        match &record.answer {
            Ok(answer) => {
                let bytes = u64::try_from(answer.to_string().len()).unwrap_or(u64::MAX);
                self.answer_bytes = self.answer_bytes.saturating_add(bytes);
            }
            Err(_) => self.failed += 1,
        }
    }
}

/// What was called: a record's summary begins with it.
fn operation_of(record: &EffectRecord) -> &str {
    record.summary.split(' ').next().unwrap_or_default()
}

/// The nodes through which each task is reached, such as `outer/inner`.
fn paths(tasks: &[TaskView]) -> HashMap<TaskId, String> {
    let known: HashMap<TaskId, &TaskView> = tasks.iter().map(|task| (task.task, task)).collect();
    let path = |task: &TaskView| {
        let (mut names, mut next) = (Vec::new(), Some(task.task));
        while let Some(task) = next.and_then(|id| known.get(&id)) {
            names.push(task.node.as_str());
            next = task.within;
        }
        names.reverse();
        names.join("/")
    };
    tasks.iter().map(|task| (task.task, path(task))).collect()
}
