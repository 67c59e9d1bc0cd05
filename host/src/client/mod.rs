//! What commands ask of an engine: the one in this process, or the one behind a server's API.
//!
//! Both answer with the same plain data, so a command prints the same either way. Which one it is
//! decides [`open`]: a named server, else the server that holds the data directory, else none.

mod control;
mod embedded;
mod lineage;
mod problem;
mod reading;
mod remote;
mod sse;
mod steering;
mod stream;
mod threads;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::Context as _;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use wforge_engine::{Multitask, PluginInfo, WorkflowInfo};
use wforge_model::checkpoint::Durability;
use wforge_model::event::StoredEvent;
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::mock::{MockAnswer, TaskSource};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{
    Checkpoint, Digest, Failure, Labels, NodeId, NodePath, Object, QuestionId, Recording, RunId,
    Seq, TaskId, ThreadId, Timestamp, Usage, Value,
};
use wforge_ports::Clock as _;
use wforge_ports::plugins::Admitted;

use crate::cli::refusal::Refusal;
use crate::clock::SystemClock;
use crate::compose::{Host, LOCKED, Mode, default_tenant};
use crate::config::Config;
use crate::server_file::ServerFile;

pub(crate) use control::{Control, in_query};
pub(crate) use embedded::Embedded;
pub(crate) use remote::Remote;
pub(crate) use stream::Wanted;
pub(crate) use threads::{CheckpointRow, Keep, Migrate, Migrated, ThreadReport, ThreadRow, Update};

/// How long a store that somebody else holds is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// An engine, here or elsewhere.
#[derive(Debug)]
pub(crate) enum Client {
    /// In this process.
    Embedded(Box<Embedded>),
    /// Behind a server.
    Remote(Remote),
}

/// What a run is started with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The workflow.
    pub(crate) workflow: Workflow,
    /// The input keys.
    pub(crate) input: Object,
    /// Read-only JSON.
    pub(crate) context: Value,
    /// Answers given beforehand.
    pub(crate) answers: BTreeMap<NodePath, Value>,
    /// Nodes to mock.
    pub(crate) mocks: BTreeMap<NodePath, Option<MockAnswer>>,
    /// The components of `--plugins`.
    pub(crate) plugins: Option<Vec<Component>>,
    /// Workflows that its nodes may name, beside those that are registered.
    pub(crate) with: Vec<WorkflowFile>,
    /// Thread, pace and history.
    pub(crate) options: RunOptions,
}

/// Where a run belongs, how fast it goes, what its history keeps and what it is found by.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunOptions {
    /// The thread whose state it goes on from.
    pub(crate) thread: Option<ThreadId>,
    /// What happens where another run of the thread is under way.
    pub(crate) multitask: Multitask,
    /// Which borders are history.
    pub(crate) durability: Durability,
    /// After so many super-steps it pauses.
    pub(crate) steps: Option<u32>,
    /// What it is found by.
    pub(crate) labels: Labels,
}

/// A workflow file: its text and what it says.
#[derive(Debug, Clone)]
pub(crate) struct WorkflowFile {
    /// How messages call it.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) draft: WorkflowDraft,
}

/// A workflow to run.
#[derive(Debug, Clone)]
pub(crate) enum Workflow {
    /// A file.
    File(Box<WorkflowFile>),
    /// A registered one.
    Registered {
        /// Its name.
        name: String,
        /// Its version.
        version: semver::Version,
        /// What it says.
        draft: Box<WorkflowDraft>,
    },
}

impl Workflow {
    /// What it says.
    pub(crate) fn draft(&self) -> &WorkflowDraft {
        match self {
            Self::File(file) => &file.draft,
            Self::Registered { draft, .. } => draft,
        }
    }
}

/// A component that was read from a file.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    /// The file, for messages.
    pub(crate) file: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its signature file, where it is to be installed with one.
    pub(crate) signature: Option<Vec<u8>>,
}

/// A run with everything that is known of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The row of the list.
    #[serde(flatten)]
    pub(crate) head: RunHead,
    /// The output of a completed run.
    pub(crate) output: Option<Object>,
    /// Its tasks, in the order of their end.
    pub(crate) tasks: Vec<TaskRow>,
    /// The questions that are open.
    pub(crate) questions: Vec<QuestionRow>,
}

/// One task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskRow {
    pub(crate) task: TaskId,
    pub(crate) node: NodeId,
    /// The task whose subgraph it belongs to.
    #[serde(default)]
    pub(crate) within: Option<TaskId>,
    pub(crate) step: u32,
    pub(crate) agent: Option<String>,
    pub(crate) source: Option<TaskSource>,
    pub(crate) attempt: u32,
    pub(crate) ms: u64,
    pub(crate) failure: Option<Failure>,
    /// What it used of models.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub(crate) usage: Usage,
    /// Whether all that it may do to the world is on record.
    #[serde(default)]
    pub(crate) effects: Recording,
}

impl Report {
    /// Where its tasks are found.
    pub(crate) fn paths(&self) -> Paths<'_> {
        Paths { tasks: self.tasks.iter().map(|task| (task.task, task)).collect() }
    }

    /// The path of the node that asks each open question, with the question.
    pub(crate) fn asked(&self) -> Vec<(String, &QuestionRow)> {
        let paths = self.paths();
        let task_of = |question: &QuestionRow| {
            let mut open = self.head.questions();
            open.find(|(_, open)| open.id == question.id).map(|(task, _)| task)
        };
        let path = |question: &QuestionRow| {
            task_of(question).map_or_else(|| question.node.to_string(), |task| paths.of(task))
        };
        self.questions.iter().map(|question| (path(question), question)).collect()
    }
}

/// Where the tasks of a run are found.
#[derive(Debug)]
pub(crate) struct Paths<'a> {
    tasks: HashMap<TaskId, &'a TaskRow>,
}

impl Paths<'_> {
    /// The nodes through which a task is reached, such as `outer/inner`.
    pub(crate) fn of(&self, task: TaskId) -> String {
        let names = self.way(task).into_iter().map(|row| row.node.to_string());
        names.collect::<Vec<_>>().join("/")
    }

    /// The super-steps in which it is reached, such as `2.1`.
    pub(crate) fn steps(&self, task: TaskId) -> String {
        let steps = self.way(task).into_iter().map(|row| row.step.to_string());
        steps.collect::<Vec<_>>().join(".")
    }

    fn way(&self, task: TaskId) -> Vec<&TaskRow> {
        let mut way = Vec::new();
        let mut next = Some(task);
        while let Some(row) = next.and_then(|task| self.tasks.get(&task)) {
            way.push(*row);
            next = row.within;
        }
        way.reverse();
        way
    }
}

/// An open question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QuestionRow {
    pub(crate) id: QuestionId,
    pub(crate) node: NodeId,
    pub(crate) prompt: String,
    pub(crate) schema: Option<Value>,
    pub(crate) deadline: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assignee: Option<String>,
}

/// An answer to an open question.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) question: QuestionId,
    pub(crate) answer: Value,
}

/// What comes from a run while it is followed.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// A durable event; in order, each exactly once.
    Event(StoredEvent),
    /// A line that a plugin wrote.
    Line { node: String, task: TaskId, level: String, message: String },
    /// So many messages came faster than they were read; what is durable follows.
    Lagged { skipped: u64 },
}

/// Whether nothing happens any more until somebody does something.
pub(crate) fn is_settled(head: &RunHead) -> bool {
    // The workflow that handles a failure may be about to be started.
    head.is_settled() && (head.status != RunStatus::Failed || head.waiting_for.is_empty())
}

/// Finds the engine to ask, and opens it.
pub(crate) async fn open(config: &Config, mode: Mode) -> anyhow::Result<Client> {
    match open_some(config, mode).await? {
        Opened::Remote(remote) => Ok(Client::Remote(remote)),
        Opened::Host(host) => {
            Ok(Client::Embedded(Box::new(Embedded::new(*host, default_tenant()?))))
        }
    }
}

/// Who was found.
#[derive(Debug)]
pub(crate) enum Opened {
    Remote(Remote),
    Host(Box<Host>),
}

async fn open_some(config: &Config, mode: Mode) -> anyhow::Result<Opened> {
    if let Some(server) = &config.client.server {
        let Some(key) = &config.client.api_key else {
            return Err(Refusal::user("no_api_key", format!("{server} needs an API key"))
                .help("wforge login URL keeps one; or set WFORGE_API_KEY")
                .into());
        };
        return Ok(Opened::Remote(Remote::new(server, &key.0, config)?));
    }
    // A command that ends, or a server that starts, holds the store for a moment only.
    let patience_ends = SystemClock.now().after(PATIENCE);
    loop {
        if let Some(file) = ServerFile::of_a_living_server(&config.data_dir).await? {
            return Ok(Opened::Remote(Remote::new(&file.url(), &file.token, config)?));
        }
        match Host::open(config, mode).await {
            Ok(host) => return Ok(Opened::Host(Box::new(host))),
            Err(error) if is_locked(&error) && SystemClock.now() < patience_ends => {
                SystemClock.sleep_until(SystemClock.now().after(PATIENCE / 20)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_locked(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.code == LOCKED)
}

/// Hands a call to whichever engine it is. In the heap, since futures of the engine are large.
macro_rules! either {
    ($self:expr, $client:ident => $call:expr) => {
        match $self {
            Client::Embedded($client) => Box::pin($call).await,
            Client::Remote($client) => Box::pin($call).await,
        }
    };
}

use either;

impl Client {
    /// Whether it is in this process.
    pub(crate) const fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// Where plugins of a run without `--plugins` come from, in a few words.
    pub(crate) fn plugin_sources(&self) -> Vec<String> {
        match self {
            Self::Embedded(client) => client.plugin_sources(),
            Self::Remote(client) => vec![format!("those installed on {}", client.server())],
        }
    }

    /// Starts a run; it is durable on return.
    pub(crate) async fn start(&mut self, start: Start) -> anyhow::Result<RunId> {
        either!(self, client => client.start(start))
    }

    /// A run with everything that is known of it.
    pub(crate) async fn report(&self, run: RunId) -> anyhow::Result<Report> {
        either!(self, client => client.report(run))
    }

    /// The events of a run after `after`, then what comes.
    pub(crate) async fn follow(
        &self,
        run: RunId,
        after: Seq,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Message>>> {
        either!(self, client => client.follow(run, after))
    }

    /// The events of a thread's runs after `after` (none: from its first run), then what comes of
    /// these and of its next ones. It has no end of its own.
    pub(crate) async fn follow_thread(
        &self,
        thread: ThreadId,
        after: Option<Checkpoint>,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<(RunId, Message)>>> {
        match self {
            Self::Embedded(client) => Box::pin(client.follow_thread(thread, after)).await,
            Self::Remote(client) => Ok(client.follow_thread(thread, after)),
        }
    }

    /// The log of a run as it is now.
    pub(crate) async fn log(&self, run: RunId) -> anyhow::Result<Vec<StoredEvent>> {
        let Report { head, .. } = self.report(run).await?;
        either!(self, client => client.log(&head))
    }

    /// Rows of runs, the newest first.
    pub(crate) async fn runs(&self, limit: usize) -> anyhow::Result<Vec<RunHead>> {
        either!(self, client => client.runs(limit))
    }

    /// Answers questions, or goes on with a run that nobody drives.
    pub(crate) async fn resume(&self, run: RunId, answers: Vec<Answer>) -> anyhow::Result<RunHead> {
        either!(self, client => client.resume(run, answers))
    }

    /// Takes up a run that is blocked; what its task had done may be done once more.
    pub(crate) async fn discard_effects(&self, run: RunId) -> anyhow::Result<RunHead> {
        either!(self, client => client.discard_effects(run))
    }

    /// Ends a run.
    pub(crate) async fn cancel(&self, run: RunId, reason: &str) -> anyhow::Result<RunHead> {
        either!(self, client => client.cancel(run, reason))
    }

    /// Installs a plugin.
    pub(crate) async fn install(&self, component: Component) -> anyhow::Result<PluginInfo> {
        let file = component.file.clone();
        either!(self, client => client.install(component)).with_context(|| file)
    }

    /// Keeps the bytes of a file that an input names by its digest.
    pub(crate) async fn put_blob(&self, bytes: Vec<u8>) -> anyhow::Result<()> {
        either!(self, client => client.put_blob(bytes))
    }

    /// Checks a component without installing it.
    pub(crate) async fn admit(&self, component: Component) -> anyhow::Result<Admitted> {
        either!(self, client => client.admit(component))
    }

    /// The installed plugins.
    pub(crate) async fn plugins(&self) -> anyhow::Result<Vec<PluginInfo>> {
        either!(self, client => client.plugins())
    }

    /// Registers a workflow file.
    pub(crate) async fn register(&self, file: WorkflowFile) -> anyhow::Result<WorkflowInfo> {
        either!(self, client => client.register(file))
    }

    /// The registered workflows.
    pub(crate) async fn workflows(&self) -> anyhow::Result<Vec<WorkflowInfo>> {
        either!(self, client => client.workflows())
    }

    /// A registered workflow; the newest where no version is given.
    pub(crate) async fn workflow(
        &self,
        name: &str,
        version: Option<&semver::Version>,
    ) -> anyhow::Result<(WorkflowInfo, WorkflowDraft)> {
        either!(self, client => client.workflow(name, version))
    }

    /// The workflow that a run is pinned to.
    pub(crate) async fn workflow_of(&self, head: &RunHead) -> anyhow::Result<WorkflowDraft> {
        either!(self, client => client.workflow_of(head))
    }

    /// A workflow that is part of the one that a run is pinned to.
    async fn part_of(&self, run: RunId, digest: Digest) -> anyhow::Result<WorkflowDraft> {
        either!(self, client => client.part_of(run, digest))
    }

    /// Ends what was opened, whatever came of the command. Runs that go on are kept for the next
    /// start.
    pub(crate) async fn finish<T>(self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        let closed = match self {
            Self::Embedded(client) => client.close().await,
            Self::Remote(_) => Ok(()),
        };
        let value = result?;
        closed?;
        Ok(value)
    }
}
