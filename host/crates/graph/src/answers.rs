//! What people have said is not asked again where a migration ends the tasks that had asked: the
//! run that begins them anew is handed their answers, and each counts where the same task asks the
//! same in the first super-step.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use wforge_model::effect::{AskerHash, Question, Waiting};
use wforge_model::event::{AnsweredBy, EventKind, KeptAnswer, RunStarted};
use wforge_model::id::IdHasher;
use wforge_model::workflow::Work;
use wforge_model::{NodePath, QuestionId, TaskId, Value};

use crate::decide::Decider;
use crate::expressions::Expressions;
use crate::frame::TaskStatus;
use crate::library::Library;
use crate::paths::node_at;
use crate::run::Run;

/// What becomes of an answer after a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerFate {
    /// The node that asked.
    pub node: NodePath,
    /// The question as the person read it.
    pub prompt: String,
    /// Whether it counts where the node asks the same again.
    pub kept: bool,
    /// Why it does not, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Run {
    /// What people answered to tasks of the current super-step: those that were asked in this run,
    /// and those whose answers it was handed.
    #[must_use]
    pub fn answers_given(&self) -> Vec<KeptAnswer> {
        self.given_answers.iter().chain(&self.kept_answers).cloned().collect()
    }

    fn asker(&self, task: TaskId) -> Option<AskerHash> {
        let mut hasher = IdHasher::new("wforge.asker.v1");
        let mut level = Some(task);
        while let Some(id) = level {
            let task = self.task(id)?;
            let sent = serde_json::to_vec(&task.send).unwrap_or_default();
            hasher = hasher.field(task.node.as_str().as_bytes()).field(&sent);
            level = self.level_of(id);
        }
        Some(AskerHash(hasher.finish()))
    }

    fn asked(&self, task: TaskId, question: QuestionId) -> Option<&Question> {
        let TaskStatus::Suspended(waiting) = &self.task(task)?.status else { return None };
        waiting.questions().iter().find(|asked| asked.id == question)
    }
}

/// Notes an answer before it is applied to its task. Only what people said is kept: nobody's
/// silence, and nothing that the mock agent said.
pub(crate) fn note(
    run: &mut Run,
    task: TaskId,
    question: QuestionId,
    answer: Option<&Value>,
    by: &AnsweredBy,
) {
    let said = match by {
        AnsweredBy::Person(_) | AnsweredBy::Start => answer,
        AnsweredBy::Mock | AnsweredBy::Deadline => None,
    };
    let (Some(answer), Some(asker), Some(asked)) =
        (said, run.asker(task), run.asked(task, question))
    else {
        return;
    };
    let (request, prompt) = (asked.request, asked.prompt.clone());
    let Some(node) = run.task(task).map(|task| task.node.clone()) else { return };
    let node = run.node_path(run.level_of(task), &node);
    let used = |kept: &KeptAnswer| kept.asker == asker && kept.request == request;
    if let Some(place) = run.kept_answers.iter().position(used) {
        run.kept_answers.remove(place);
    }
    let (answer, by) = (answer.clone(), by.clone());
    run.given_answers.push(KeptAnswer { node, asker, request, prompt, answer, by });
}

/// The super-step is over, and what was said in it has done its work.
pub(crate) fn forget(run: &mut Run) {
    run.given_answers.clear();
    run.kept_answers.clear();
}

impl Decider<'_> {
    /// A task waits. What it asks and was told before is answered at once.
    pub(crate) fn suspended(&self, task: TaskId, waiting: Waiting) -> Vec<EventKind> {
        let mut left: Vec<&KeptAnswer> = Vec::new();
        if !self.run.kept_answers.is_empty() && !waiting.questions().is_empty() {
            let asker = self.run.asker(task);
            let of_task = self.run.kept_answers.iter().filter(|kept| Some(kept.asker) == asker);
            left.extend(of_task);
        }
        let mut answered = Vec::new();
        for asked in waiting.questions() {
            let fits = |kept: &&KeptAnswer| {
                kept.request == asked.request && self.fits(asked, &kept.answer)
            };
            let Some(place) = left.iter().position(fits) else { continue };
            let kept = left.remove(place);
            answered.push(EventKind::QuestionAnswered {
                task,
                question: asked.id,
                answer: Some(kept.answer.clone()),
                by: kept.by.clone(),
            });
        }
        let mut events = alloc::vec![EventKind::TaskSuspended { task, waiting }];
        events.extend(answered);
        events
    }

    fn fits(&self, asked: &Question, answer: &Value) -> bool {
        let schema = asked.schema.as_ref();
        schema.is_none_or(|schema| self.expressions.check(schema, answer).is_ok())
    }
}

/// The workflows of one version of a run.
#[derive(Debug, Clone, Copy)]
pub struct VersionOf<'a> {
    /// The workflows.
    pub library: &'a Library,
    /// What the run is begun with.
    pub started: &'a RunStarted,
}

/// What becomes of answers where their run goes on with another version. An agent may ask
/// something else there; whether it does shows when it asks.
#[must_use]
pub fn fates(
    answers: &[KeptAnswer],
    before: VersionOf<'_>,
    after: VersionOf<'_>,
    expressions: &dyn Expressions,
) -> Vec<AnswerFate> {
    let fate = |kept: &KeptAnswer| {
        let why = why_lost(kept, before, after, expressions);
        let (node, prompt) = (kept.node.clone(), kept.prompt.clone());
        AnswerFate { node, prompt, kept: why.is_none(), why }
    };
    answers.iter().map(fate).collect()
}

fn why_lost(
    kept: &KeptAnswer,
    before: VersionOf<'_>,
    after: VersionOf<'_>,
    expressions: &dyn Expressions,
) -> Option<String> {
    let work = |version: VersionOf<'_>| {
        node_at(version.library, version.started, &kept.node).map(|(_, node)| node.work.clone())
    };
    match (work(before), work(after)) {
        (_, None) => Some("the other version has no such node".into()),
        (_, Some(Work::Set(_) | Work::Workflow(_))) => Some("the node asks nothing there".into()),
        (Some(Work::Ask(old)), Some(Work::Ask(new))) => {
            if old.prompt != new.prompt {
                return Some("its question is another there".into());
            }
            let misses = expressions.check(new.schema.as_ref()?, &kept.answer).err()?;
            Some(alloc::format!("the answer does not fit there: {}", misses.join("; ")))
        }
        (Some(Work::Agent(_) | Work::Mock), Some(Work::Agent(_) | Work::Mock)) => None,
        (_, Some(Work::Ask(_) | Work::Agent(_) | Work::Mock)) => {
            Some("another kind of node asks there".to_string())
        }
    }
}
