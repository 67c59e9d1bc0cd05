//! What the world sees of the engine: a cheap clone, one method for each thing that can be asked.

use std::sync::Arc;

use futures::stream::BoxStream;
use semver::Version;
use tokio::sync::oneshot;
use wforge_model::command::Fact;
use wforge_model::effect::Question;
use wforge_model::event::StoredEvent;
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, NodeId, QuestionId, RunId, Seq, TaskId, TenantId, Value};
use wforge_ports::plugins::Admitted;

use crate::actor::{Message, stored};
use crate::request::{
    AnswerGiven, AnswerTo, EngineError, PluginInfo, RunMessage, RunView, StartRun, Started,
    WaitFor, WorkflowInfo,
};
use crate::service::{Shared, enter, send, too_many_live};
use crate::start::Start;
use crate::stats::EngineFigures;
use crate::{catalog, install, load, start, subscribe, views};

/// A handle on the engine.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Starts a run. It is durable on return; the same idempotency key gives the same run.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the request is wrong; nothing is left behind then.
    pub async fn start(
        &self,
        tenant: &TenantId,
        request: StartRun,
    ) -> Result<Started, EngineError> {
        if let Some(key) = &request.idempotency {
            let before = self.shared.parts.store.idempotent_reply(tenant, &key.key).await?;
            let now = self.shared.parts.clock.now();
            if let Some(before) = before.filter(|before| before.expires_at > now) {
                return start::replayed(&before, Some(key));
            }
        }
        let shared = &self.shared;
        if shared.registry.live() >= shared.options.runs_live_max {
            return Err(too_many_live(shared.options.runs_live_max));
        }
        let begun = match start::start(&shared.parts, &shared.options, tenant, request).await? {
            Start::Begun(begun) => begun,
            Start::Replied(started) => return Ok(started),
        };
        let run = begun.run.id;
        self.shared.stats.count(&begun.events);
        self.shared.parts.bus.publish(tenant, run, stored(Seq(0), begun.events));
        if begun.run.status == RunStatus::Running {
            enter(&self.shared, tenant, begun.run, begun.commands)?;
        }
        Ok(Started { run, replayed: false })
    }

    /// Answers questions of a run, or, without answers, goes on with one that nobody drives.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too; [`EngineError::Invalid`] where an
    /// answer does not fit its question; then no answer is taken.
    pub async fn resume(
        &self,
        tenant: &TenantId,
        run: RunId,
        answers: Vec<AnswerGiven>,
        by: &str,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        if head.status.is_final() || head.status == RunStatus::Blocked {
            return Err(EngineError::Conflict {
                code: "run_ended",
                message: format!("{run} cannot be resumed: it is {}", head.status.as_str()),
            });
        }
        let view = self.view(tenant, run).await?;
        let mut facts = Vec::new();
        for given in answers {
            let (question, node) = asked(&head, &view, &given.to)?;
            self.check_answer(&question, &node, &given.answer)?;
            facts.push(Fact::Answer { question: question.id, answer: given.answer, by: by.into() });
        }
        if facts.is_empty() {
            facts.push(Fact::Loaded);
        }
        for fact in facts {
            self.tell(tenant, run, fact).await?;
        }
        self.head(tenant, run).await
    }

    /// Takes up a run that is blocked: the task that diverged from its record begins again with an
    /// empty one. What it had done to the world may be done once more.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] where the run is not blocked.
    pub async fn discard_effects(
        &self,
        tenant: &TenantId,
        run: RunId,
        by: &str,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        if head.status != RunStatus::Blocked {
            return Err(EngineError::Conflict {
                code: "run_not_blocked",
                message: format!("{run} is {}, not blocked", head.status.as_str()),
            });
        }
        self.tell(tenant, run, Fact::DiscardEffects { by: by.to_owned() }).await?;
        self.head(tenant, run).await
    }

    /// Ends a run and drops its sandboxes at once.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] where it has ended already.
    pub async fn cancel(
        &self,
        tenant: &TenantId,
        run: RunId,
        reason: &str,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        if head.status.is_final() {
            return Err(EngineError::Conflict {
                code: "run_ended",
                message: format!("{run} has ended: {}", head.status.as_str()),
            });
        }
        self.tell(tenant, run, Fact::Cancel { reason: reason.to_owned() }).await?;
        self.head(tenant, run).await
    }

    /// Waits until a run has ended, is blocked, or waits for a person.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn wait(
        &self,
        tenant: &TenantId,
        run: RunId,
        wait: WaitFor,
    ) -> Result<RunHead, EngineError> {
        subscribe::wait(&self.shared, tenant, run, wait).await
    }

    /// The row of a run.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn head(&self, tenant: &TenantId, run: RunId) -> Result<RunHead, EngineError> {
        subscribe::head(&self.shared, tenant, run).await
    }

    /// Rows of runs older than `before`, newest first.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn heads(
        &self,
        tenant: &TenantId,
        before: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<RunHead>, EngineError> {
        Ok(self.shared.parts.store.heads(tenant, before, limit).await?)
    }

    /// A run with its tasks and questions.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn view(&self, tenant: &TenantId, run: RunId) -> Result<RunView, EngineError> {
        let head = self.head(tenant, run).await?;
        views::view(&self.shared.parts, head).await
    }

    /// At most `limit` durable events of a run after `after`.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn events(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, EngineError> {
        Ok(self.shared.parts.store.events(tenant, run, after, limit).await?)
    }

    /// The events of a run after `after`, then whatever comes; ends with the run.
    #[must_use]
    pub fn subscribe(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: Seq,
    ) -> BoxStream<'static, Result<RunMessage, EngineError>> {
        subscribe::subscribe(self.shared.clone(), tenant.clone(), run, after)
    }

    /// Installs a plugin.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it is not let in.
    pub async fn install_plugin(
        &self,
        tenant: &TenantId,
        bytes: Vec<u8>,
        by: &str,
    ) -> Result<PluginInfo, EngineError> {
        install::plugin(&self.shared.parts, tenant, bytes, by).await
    }

    /// Checks a plugin and keeps its component without installing it; a run can start with it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it is not let in.
    pub async fn admit_plugin(
        &self,
        tenant: &TenantId,
        bytes: Vec<u8>,
    ) -> Result<Admitted, EngineError> {
        install::component(&self.shared.parts, tenant, bytes).await
    }

    /// A component of the tenant that was let in.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's component too.
    pub async fn component(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Admitted, EngineError> {
        catalog::component(&self.shared.parts, tenant, digest).await
    }

    /// The tenant's plugins.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn plugins(&self, tenant: &TenantId) -> Result<Vec<PluginInfo>, EngineError> {
        catalog::plugins(&self.shared.parts, tenant).await
    }

    /// The newest plugin of that `publisher/name[@range]`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn plugin(&self, tenant: &TenantId, name: &str) -> Result<PluginInfo, EngineError> {
        catalog::plugin(&self.shared.parts, tenant, name).await
    }

    /// Registers a workflow.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it cannot run, [`EngineError::Conflict`] where its version is
    /// taken by another.
    pub async fn register_workflow(
        &self,
        tenant: &TenantId,
        draft: WorkflowDraft,
        by: &str,
    ) -> Result<WorkflowInfo, EngineError> {
        install::workflow(&self.shared.parts, tenant, draft, by).await
    }

    /// The tenant's registered workflows.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn workflows(&self, tenant: &TenantId) -> Result<Vec<WorkflowInfo>, EngineError> {
        catalog::workflows(&self.shared.parts, tenant).await
    }

    /// A registered workflow; the newest where no version is given.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn workflow(
        &self,
        tenant: &TenantId,
        name: &str,
        version: Option<&Version>,
    ) -> Result<(WorkflowInfo, WorkflowDraft), EngineError> {
        catalog::workflow(&self.shared.parts, tenant, name, version).await
    }

    /// The workflow of a digest, such as the one that a run is pinned to.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn workflow_by_digest(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<WorkflowDraft, EngineError> {
        load::draft_by_digest(&self.shared.parts, tenant, digest).await
    }

    /// The state of a run after its last committed super-step, by key.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn state(&self, tenant: &TenantId, run: RunId) -> Result<Value, EngineError> {
        let run = load::load_run(&self.shared.parts, tenant, run).await?;
        serde_json::to_value(&run.state).map_err(|error| EngineError::Host(Box::new(error)))
    }

    /// Counters and figures.
    #[must_use]
    pub fn figures(&self) -> EngineFigures {
        EngineFigures {
            runs_live: self.shared.registry.live() as u64,
            store: self.shared.parts.store.figures(),
            runtime: self.shared.parts.runtime.figures(),
            ..self.shared.stats.read()
        }
    }

    /// Hands a fact to a run and waits until it is durable.
    async fn tell(&self, tenant: &TenantId, run: RunId, fact: Fact) -> Result<(), EngineError> {
        loop {
            let (done, durable) = oneshot::channel();
            let message = Message { fact: fact.clone(), done: Some(done) };
            send(&self.shared, tenant, run, message).await?;
            match durable.await {
                Ok(Err(EngineError::Busy { .. })) | Err(_) => {
                    // The run was put to sleep in this moment, or its actor was: once more. A
                    // process that stops answers here.
                    if self.shared.shutdown.is_cancelled() {
                        return Err(EngineError::Host("the engine is stopping".into()));
                    }
                }
                Ok(result) => return result,
            }
        }
    }

    fn check_answer(
        &self,
        question: &Question,
        node: &NodeId,
        answer: &Value,
    ) -> Result<(), EngineError> {
        let Some(schema) = &question.schema else {
            return Ok(());
        };
        self.shared.parts.expressions.check(schema, answer).map_err(|details| {
            EngineError::Invalid {
                code: "answer_schema",
                message: format!("the answer does not fit what node {node} asks for"),
                details,
            }
        })
    }
}

/// The open question that an answer is for, and the node that asks.
fn asked(head: &RunHead, view: &RunView, to: &AnswerTo) -> Result<(Question, NodeId), EngineError> {
    let node_of = |id: QuestionId| {
        view.questions.iter().find(|question| question.id == id).map(|q| q.node.clone())
    };
    let open: Vec<(TaskId, &Question)> = head.questions().collect();
    let found = match to {
        AnswerTo::Only => match open.as_slice() {
            [(_, question)] => Some(*question),
            [] => None,
            several => {
                return Err(EngineError::Invalid {
                    code: "several_questions",
                    message: format!("{} questions are open; say which", several.len()),
                    details: several
                        .iter()
                        .map(|(_, question)| format!("{}: {}", question.id, question.prompt))
                        .collect(),
                });
            }
        },
        AnswerTo::Question(id) => {
            open.iter().find(|(_, question)| question.id == *id).map(|(_, question)| *question)
        }
        AnswerTo::Node(node) => open
            .iter()
            .find(|(_, question)| node_of(question.id).as_ref() == Some(node))
            .map(|(_, question)| *question),
    };
    let name = match to {
        AnswerTo::Only => "(any)".to_owned(),
        AnswerTo::Question(id) => id.to_string(),
        AnswerTo::Node(node) => node.to_string(),
    };
    found
        .and_then(|question| Some((question.clone(), node_of(question.id)?)))
        .ok_or(EngineError::NotFound { kind: "question", name })
}
