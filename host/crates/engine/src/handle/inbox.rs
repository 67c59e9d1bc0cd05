//! The inbox: what waits for people, answered and put to somebody.

use wforge_model::command::Fact;
use wforge_model::event::{AnsweredBy, EventKind};
use wforge_model::head::RunHead;
use wforge_model::{QuestionId, RunId, Seq, TenantId, Value};

use super::Handle;
use crate::inbox::{self, InboxEntry, InboxQuery, InboxWants, InterruptId};
use crate::request::{AnswerGiven, AnswerTo, EngineError};

/// The longest name to which a question is put, in bytes.
const ASSIGNEE_BYTES_MAX: usize = 200;
/// The longest note that goes with it, in bytes.
const NOTE_BYTES_MAX: usize = 2_000;
/// Events read at once.
const PAGE: usize = 64;

/// To whom a question is put.
#[derive(Debug, Clone)]
pub struct Assign {
    /// Who should answer; none: whoever comes.
    pub assignee: Option<String>,
    /// What is said to them with it.
    pub note: Option<String>,
    /// Who says so.
    pub by: String,
}

impl Handle {
    /// What waits for people over all runs of a tenant, and whether there is more after it.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn inbox(
        &self,
        tenant: &TenantId,
        query: &InboxQuery,
    ) -> Result<(Vec<InboxEntry>, bool), EngineError> {
        inbox::page(&self.shared, tenant, query).await
    }

    /// One entry of the inbox.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where nothing waits under that id, also where it was answered.
    pub async fn interrupt(
        &self,
        tenant: &TenantId,
        id: InterruptId,
    ) -> Result<InboxEntry, EngineError> {
        inbox::find(&self.shared, tenant, id).await
    }

    /// Answers one question. The answer counted on return.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where it is not open; [`EngineError::Invalid`] where the answer
    /// does not fit it; [`EngineError::Conflict`] where it is no question, or somebody else
    /// answered in the same moment.
    pub async fn answer(
        &self,
        tenant: &TenantId,
        id: InterruptId,
        answer: Value,
        by: &str,
    ) -> Result<RunHead, EngineError> {
        let entry = self.interrupt(tenant, id).await?;
        let question = question_of(&entry)?;
        let before = self.head(tenant, entry.run).await?.seq;
        let given = AnswerGiven { to: AnswerTo::Question(question), answer: answer.clone() };
        let head = self.resume(tenant, entry.run, vec![given], by).await?;
        self.check_counted((tenant, entry.run, before), question, &answer, by).await?;
        Ok(head)
    }

    /// That the answer which the log has is the one that was given.
    async fn check_counted(
        &self,
        (tenant, run, mut after): (&TenantId, RunId, Seq),
        question: QuestionId,
        given: &Value,
        by: &str,
    ) -> Result<(), EngineError> {
        loop {
            let events = self.events(tenant, run, after, PAGE).await?;
            let counted = events.iter().find_map(|stored| match &stored.event.kind {
                EventKind::QuestionAnswered { question: of, answer, by, .. } if *of == question => {
                    Some((answer, by))
                }
                _ => None,
            });
            match (counted, events.last()) {
                (Some((Some(answer), AnsweredBy::Person(who))), _)
                    if answer == given && who == by =>
                {
                    return Ok(());
                }
                (None, Some(last)) if events.len() == PAGE => after = last.seq,
                _ => {
                    let message =
                        format!("{question} was answered, or closed, by somebody else meanwhile");
                    return Err(EngineError::Conflict { code: "already_answered", message });
                }
            }
        }
    }

    /// Puts a question to somebody, or to nobody any more. It is durable on return, and the audit
    /// log says who did.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where it is not open; [`EngineError::Conflict`] where it is no
    /// question; [`EngineError::Invalid`] where a name or a note cannot be.
    pub async fn assign(
        &self,
        tenant: &TenantId,
        id: InterruptId,
        assign: Assign,
    ) -> Result<InboxEntry, EngineError> {
        let Assign { assignee, note, by } = assign;
        check_text("assignee", assignee.as_deref(), ASSIGNEE_BYTES_MAX)?;
        check_text("note", note.as_deref(), NOTE_BYTES_MAX)?;
        let entry = self.interrupt(tenant, id).await?;
        let question = question_of(&entry)?;
        self.tell(tenant, entry.run, Fact::Assign { question, assignee, note, by }).await?;
        self.interrupt(tenant, id).await
    }
}

fn question_of(entry: &InboxEntry) -> Result<QuestionId, EngineError> {
    match entry.wants {
        InboxWants::Answer { question, .. } => Ok(question),
        InboxWants::Resume { .. } => {
            let message = format!("{} asks nothing: {} waits to be continued", entry.id, entry.run);
            Err(EngineError::Conflict { code: "not_a_question", message })
        }
    }
}

fn check_text(name: &str, text: Option<&str>, bytes_max: usize) -> Result<(), EngineError> {
    let Some(text) = text else { return Ok(()) };
    let message = if text.trim().is_empty() {
        format!("{name} is empty; leave it out, or write null")
    } else if text.len() > bytes_max {
        format!("{name} may have at most {bytes_max} bytes")
    } else if text.chars().any(|c| c.is_control() && c != '\n') {
        format!("{name} has control characters; write plain text")
    } else {
        return Ok(());
    };
    Err(EngineError::Invalid { code: "assign", message, details: Vec::new() })
}
