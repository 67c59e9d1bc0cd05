//! What people do with a run that is under way: answer, cancel, take it up again.

use wforge_model::command::Fact;
use wforge_model::effect::Question;
use wforge_model::head::{RunHead, RunStatus, WaitReason, WaitingFor};
use wforge_model::{NodeId, RunId, TenantId, Value};

use super::Handle;
use crate::quarantine;
use crate::request::{AnswerGiven, AnswerTo, CancelRun, EngineError};

impl Handle {
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
        let waits = head.quarantines().next().is_some();
        if head.status.is_final() || head.status == RunStatus::Blocked && !waits {
            return Err(EngineError::Conflict {
                code: "run_ended",
                message: format!("{run} cannot be resumed: it is {}", head.status.as_str()),
            });
        }
        let mut facts = Vec::new();
        for given in answers {
            let (question, node) = asked(&head, &given.to)?;
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
        if let Some(component) = head.quarantines().next() {
            return Err(EngineError::Conflict {
                code: "quarantined",
                message: format!(
                    "{run} waits for {component} and keeps its record: {}",
                    quarantine::way_back(&self.shared, tenant, component)
                ),
            });
        }
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
        cancel: CancelRun,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        if head.status.is_final() {
            return Err(EngineError::Conflict {
                code: "run_ended",
                message: format!("{run} has ended: {}", head.status.as_str()),
            });
        }
        let CancelRun { reason, roll_back, by } = cancel;
        self.tell(tenant, run, Fact::Cancel { reason, by, roll_back }).await?;
        self.head(tenant, run).await
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
fn asked(head: &RunHead, to: &AnswerTo) -> Result<(Question, NodeId), EngineError> {
    let open: Vec<(&Question, &NodeId)> = head.waiting_for.iter().filter_map(open).collect();
    let found = match to {
        AnswerTo::Only => match open.as_slice() {
            [one] => Some(one),
            [] => None,
            several => return Err(several_questions(several)),
        },
        AnswerTo::Question(id) => open.iter().find(|(question, _)| question.id == *id),
        AnswerTo::Node(node) => {
            let by: Vec<_> = open.iter().filter(|(_, asks)| *asks == node).copied().collect();
            if by.len() > 1 {
                return Err(several_questions(&by));
            }
            open.iter().find(|(_, asks)| *asks == node)
        }
    };
    let name = match to {
        AnswerTo::Only => "(any)".to_owned(),
        AnswerTo::Question(id) => id.to_string(),
        AnswerTo::Node(node) => node.to_string(),
    };
    found
        .map(|(question, node)| ((*question).clone(), (*node).clone()))
        .ok_or(EngineError::NotFound { kind: "question", name })
}

fn open(entry: &WaitingFor) -> Option<(&Question, &NodeId)> {
    match (&entry.waiting, &entry.node) {
        (WaitReason::Question(question), Some(node)) => Some((question, node)),
        (
            WaitReason::Question(_)
            | WaitReason::Timer { .. }
            | WaitReason::Calls { .. }
            | WaitReason::Resume { .. }
            | WaitReason::Turn
            | WaitReason::Operator
            | WaitReason::Quarantine { .. }
            | WaitReason::FailureHandler,
            _,
        ) => None,
    }
}

fn several_questions(open: &[(&Question, &NodeId)]) -> EngineError {
    EngineError::Invalid {
        code: "several_questions",
        message: format!("{} questions are open; say which", open.len()),
        details: open
            .iter()
            .map(|(question, _)| format!("{}: {}", question.id, question.prompt))
            .collect(),
    }
}
