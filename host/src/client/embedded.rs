//! The engine of this process, asked for the tenant of the command line.

use anyhow::Context as _;
use futures::stream::{BoxStream, StreamExt as _};
use wforge_engine::{
    AnswerGiven, AnswerTo, CancelRun, PluginInfo, PluginUpload, QuestionView, RunMessage, RunView,
    StartRun, TaskView, ThreadMessage, WorkflowInfo,
};
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Checkpoint, Digest, RunId, Seq, TenantId, ThreadId};
use wforge_ports::plugins::Admitted;

use super::problem::of_engine;
use super::threads::choice;
use super::{Answer, Component, Message, QuestionRow, Report, Start, TaskRow, WorkflowFile};
use crate::compose::{Host, components_in, read_component};

/// Who asks, as logs and audit call it.
pub(super) const BY: &str = "cli";
/// Events read at once.
const PAGE: usize = 512;

/// The engine.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(super) host: Host,
    pub(super) tenant: TenantId,
    sources: Vec<String>,
}

impl Embedded {
    pub(crate) fn new(host: Host, tenant: TenantId) -> Self {
        Self { host, tenant, sources: Vec::new() }
    }

    pub(crate) fn plugin_sources(&self) -> Vec<String> {
        self.sources.clone()
    }

    pub(crate) async fn start(&mut self, start: Start) -> anyhow::Result<RunId> {
        let plugins = self.offered(start.plugins).await?;
        let workflow = choice(start.workflow);
        let request = StartRun {
            input: start.input,
            context: start.context,
            workflows: start.with.into_iter().map(|file| file.draft).collect(),
            thread: start.options.thread,
            multitask: start.options.multitask,
            answers: start.answers,
            mocks: start.mocks,
            durability: start.options.durability,
            steps: start.options.steps,
            labels: start.options.labels,
            plugins,
            ..StartRun::of(workflow, BY)
        };
        let started = self.host.handle.start(&self.tenant, request).await.map_err(of_engine)?;
        Ok(started.run)
    }

    /// The plugins that may serve: those of `--plugins`, else what there is.
    pub(super) async fn offered(
        &mut self,
        given: Option<Vec<Component>>,
    ) -> anyhow::Result<Option<Vec<Admitted>>> {
        match given {
            Some(components) => Ok(Some(self.admit_all(components).await?)),
            None => self.installed_and_developed().await,
        }
    }

    async fn admit_all(&self, components: Vec<Component>) -> anyhow::Result<Vec<Admitted>> {
        let mut admitted = Vec::new();
        for component in components {
            admitted.push(self.admit(component).await?);
        }
        Ok(admitted)
    }

    /// What is installed, and from `plugins.dirs` what is not; none where only the former counts.
    async fn installed_and_developed(&mut self) -> anyhow::Result<Option<Vec<Admitted>>> {
        let installed = self.plugins().await?;
        let dirs = self.host.config.plugins.dirs.clone();
        self.sources = match installed.len() {
            0 => Vec::new(),
            count => vec![format!("{count} installed")],
        };
        let mut offered: Vec<Admitted> = installed.into_iter().map(|info| info.admitted).collect();
        let mut developed = false;
        for dir in dirs.iter().filter(|dir| dir.is_dir()) {
            let files = components_in(dir)?;
            let components: anyhow::Result<Vec<_>> =
                files.iter().map(|file| read_component(file)).collect();
            let mut found = self.admit_all(components?).await?;
            found.retain(|new| !offered.iter().any(|old| old.manifest.name == new.manifest.name));
            if !found.is_empty() {
                self.sources.push(format!("{} from {}", found.len(), dir.display()));
            }
            developed |= !found.is_empty();
            offered.extend(found);
        }
        Ok(developed.then_some(offered))
    }

    pub(crate) async fn report(&self, run: RunId) -> anyhow::Result<Report> {
        let view = self.host.handle.view(&self.tenant, run).await.map_err(of_engine)?;
        Ok(report(view))
    }

    pub(crate) async fn follow(
        &self,
        run: RunId,
        after: Seq,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Message>>> {
        let messages = self.host.handle.subscribe(&self.tenant, run, after);
        let shown = messages.filter_map(|message| {
            futures::future::ready(message.map(plain).map_err(of_engine).transpose())
        });
        Ok(shown.boxed())
    }

    pub(super) async fn follow_thread(
        &self,
        thread: ThreadId,
        after: Option<Checkpoint>,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<(RunId, Message)>>> {
        let messages = self.host.handle.subscribe_thread(&self.tenant, thread, after).await;
        let shown = messages.map_err(of_engine)?.filter_map(|message| {
            let plain = message.map(|ThreadMessage { run, message }| Some((run, plain(message)?)));
            futures::future::ready(plain.map_err(of_engine).transpose())
        });
        Ok(shown.boxed())
    }

    /// Everything that comes from a run, what plugins emit too.
    pub(crate) fn messages(&self, run: RunId) -> BoxStream<'static, anyhow::Result<RunMessage>> {
        let messages = self.host.handle.subscribe(&self.tenant, run, Seq(0));
        messages.map(|message| message.map_err(of_engine)).boxed()
    }

    /// Reads the operator's grants again, for a command that has written them.
    pub(crate) fn read_grants_again(&self) {
        self.host.grants.0.refresh();
    }

    pub(crate) async fn log(&self, head: &RunHead) -> anyhow::Result<Vec<StoredEvent>> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let after = events.last().map_or(Seq(0), |last| last.seq);
            let page = self.host.handle.events(&self.tenant, head.run, after, PAGE).await;
            let page = page.map_err(of_engine)?;
            let last = page.len() < PAGE;
            events.extend(page);
            if last {
                return Ok(events);
            }
        }
    }

    pub(crate) async fn runs(&self, limit: usize) -> anyhow::Result<Vec<RunHead>> {
        self.host.handle.heads(&self.tenant, None, limit).await.map_err(of_engine)
    }

    pub(crate) async fn resume(&self, run: RunId, answers: Vec<Answer>) -> anyhow::Result<RunHead> {
        let given = answers.into_iter().map(|Answer { question, answer }| AnswerGiven {
            to: AnswerTo::Question(question),
            answer,
        });
        let given = given.collect();
        self.host.handle.resume(&self.tenant, run, given, BY).await.map_err(of_engine)
    }

    pub(crate) async fn discard_effects(&self, run: RunId) -> anyhow::Result<RunHead> {
        self.host.handle.discard_effects(&self.tenant, run, BY).await.map_err(of_engine)
    }

    pub(crate) async fn cancel(&self, run: RunId, reason: &str) -> anyhow::Result<RunHead> {
        let cancel = CancelRun { reason: reason.to_owned(), roll_back: false, by: BY.to_owned() };
        self.host.handle.cancel(&self.tenant, run, cancel).await.map_err(of_engine)
    }

    pub(crate) async fn install(&self, component: Component) -> anyhow::Result<PluginInfo> {
        let Component { bytes, signature, .. } = component;
        let upload = PluginUpload { bytes, signature };
        self.host.handle.install_plugin(&self.tenant, upload, BY).await.map_err(of_engine)
    }

    pub(crate) async fn put_blob(&self, bytes: Vec<u8>) -> anyhow::Result<()> {
        let kept = self.host.handle.put_blob(&self.tenant, bytes).await;
        kept.map(drop).map_err(of_engine)
    }

    /// Checks a component without installing it.
    pub(crate) async fn admit(&self, component: Component) -> anyhow::Result<Admitted> {
        let Component { file, bytes, .. } = component;
        let admitted = self.host.handle.admit_plugin(&self.tenant, bytes, BY).await;
        admitted.map_err(of_engine).with_context(|| file)
    }

    pub(crate) async fn plugins(&self) -> anyhow::Result<Vec<PluginInfo>> {
        self.host.handle.plugins(&self.tenant).await.map_err(of_engine)
    }

    pub(crate) async fn register(&self, file: WorkflowFile) -> anyhow::Result<WorkflowInfo> {
        self.host.handle.register_workflow(&self.tenant, file.draft, BY).await.map_err(of_engine)
    }

    pub(crate) async fn workflows(&self) -> anyhow::Result<Vec<WorkflowInfo>> {
        self.host.handle.workflows(&self.tenant).await.map_err(of_engine)
    }

    pub(crate) async fn workflow(
        &self,
        name: &str,
        version: Option<&semver::Version>,
    ) -> anyhow::Result<(WorkflowInfo, WorkflowDraft)> {
        self.host.handle.workflow(&self.tenant, name, version).await.map_err(of_engine)
    }

    pub(crate) async fn workflow_of(&self, head: &RunHead) -> anyhow::Result<WorkflowDraft> {
        let digest = head.digest.with_context(|| format!("{} has no events yet", head.run))?;
        self.host.handle.workflow_by_digest(&self.tenant, digest).await.map_err(of_engine)
    }

    pub(crate) async fn part_of(&self, _: RunId, digest: Digest) -> anyhow::Result<WorkflowDraft> {
        self.host.handle.workflow_by_digest(&self.tenant, digest).await.map_err(of_engine)
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.host.close().await
    }
}

fn report(view: RunView) -> Report {
    let RunView { head, output, tasks, questions } = view;
    let task = |view: TaskView| {
        let TaskView { task, node, within, step, agent, source, attempt, ms, .. } = view;
        let (failure, usage, effects) = (view.failure, view.usage, view.effects);
        TaskRow { task, node, within, step, agent, source, attempt, ms, failure, usage, effects }
    };
    let question = |view: QuestionView| {
        let QuestionView { id, node, prompt, schema, deadline, assignee } = view;
        QuestionRow { id, node, prompt, schema, deadline, assignee }
    };
    let tasks = tasks.into_iter().map(task).collect();
    Report { head, output, tasks, questions: questions.into_iter().map(question).collect() }
}

/// What is shown of a message; none of what a plugin emits.
fn plain(message: RunMessage) -> Option<Message> {
    match message {
        RunMessage::Event(event) => Some(Message::Event(event)),
        RunMessage::Line { node, task, level, message } => {
            Some(Message::Line { node: node.to_string(), task, level: level.to_owned(), message })
        }
        RunMessage::Lagged { skipped, .. } => Some(Message::Lagged { skipped }),
        RunMessage::Emitted { .. } | RunMessage::Delta { .. } => None,
    }
}
