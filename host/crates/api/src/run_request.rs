//! The bodies of the requests about runs, and what they mean to the engine.
//!
//! None has a field for the tenant or for who asks: both come from the credential.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Ref, Schema, Type};
use utoipa::{PartialSchema as _, ToSchema as _};
use wforge_engine::{AnswerGiven, AnswerTo, Multitask};
use wforge_model::checkpoint::Durability;
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::{Digest, NodeId, NodePath, Object, QuestionId, ThreadId, Value};

use crate::codes;
use crate::error::ApiError;

const REASON_BYTES_MAX: usize = 1_024;
const ANSWERS_MAX: usize = 256;
const FILE_CHARS_MAX: usize = 4_096;

/// The body of `POST /v1/runs`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RunStart)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    pub(crate) workflow: WorkflowField,
    #[serde(default)]
    pub(crate) input: Object,
    #[serde(default)]
    pub(crate) context: Value,
    /// Further workflow files, for nodes that run a workflow.
    #[serde(default)]
    pub(crate) with: Vec<FileField>,
    #[serde(default)]
    pub(crate) thread: Option<ThreadId>,
    /// What becomes of the run that is under way in the thread.
    #[serde(default)]
    pub(crate) multitask: Multitask,
    /// Which borders the thread's history lists.
    #[serde(default)]
    pub(crate) durability: Durability,
    /// Pause after so many super-steps.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub(crate) steps: Option<NonZeroU32>,
    #[serde(default)]
    pub(crate) answers: BTreeMap<NodePath, Value>,
    #[serde(default)]
    #[schema(schema_with = mocks)]
    pub(crate) mocks: BTreeMap<NodePath, Option<MockAnswer>>,
    #[serde(default)]
    pub(crate) mock: Option<MockMode>,
    /// What people find it by: at most 16 keys with values.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// Digests of components to take agents from, and from no others.
    #[serde(default)]
    pub(crate) plugins: Option<Vec<Digest>>,
}

/// What mocks answer, by node; null is the mock agent's own answer. The derive knows no map of
/// what may be null.
fn mocks() -> Schema {
    let answer = OneOfBuilder::new()
        .item(Ref::from_schema_name(MockAnswer::name()))
        .item(ObjectBuilder::new().schema_type(Type::Null));
    let object = ObjectBuilder::new().additional_properties(Some(Schema::OneOf(answer.build())));
    Schema::Object(object.property_names(Some(NodePath::schema())).build())
}

/// A workflow as a request names it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = WorkflowGiven)]
#[serde(
    untagged,
    expecting = "workflow is a name, {\"name\": …, \"version\": …}, the text of a file, or {\"file\": \
                 …, \"text\": …}"
)]
pub(crate) enum WorkflowField {
    /// `name`, `name@version`, or the text of a workflow file.
    Text(String),
    /// Name and version apart.
    Named(NamedWorkflow),
    /// A file with its name.
    File(NamedFile),
}

/// A workflow file as a request brings it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = FileGiven)]
#[serde(untagged, expecting = "a file is its text, or {\"file\": name, \"text\": text}")]
pub(crate) enum FileField {
    /// Its text.
    Text(String),
    /// With its name.
    Named(NamedFile),
}

/// A workflow file, and how messages call it.
#[derive(Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedFile {
    pub(crate) file: String,
    pub(crate) text: String,
}

impl NamedFile {
    /// # Errors
    /// The name is none that a message could show.
    pub(crate) fn checked(self) -> Result<Self, ApiError> {
        let length = self.file.chars().count();
        if (1..=FILE_CHARS_MAX).contains(&length) && !self.file.chars().any(char::is_control) {
            return Ok(self);
        }
        let detail = format!("the name of a file is 1 to {FILE_CHARS_MAX} printable characters");
        Err(ApiError::new(&codes::UNACCEPTABLE, detail))
    }

    /// A file that came without a name.
    pub(crate) fn unnamed(text: String) -> Self {
        Self { file: file_name(&text).to_owned(), text }
    }
}

impl FileField {
    /// # Errors
    /// The name is none that a message could show.
    pub(crate) fn meant(self) -> Result<NamedFile, ApiError> {
        match self {
            Self::Text(text) => Ok(NamedFile::unnamed(text)),
            Self::Named(named) => named.checked(),
        }
    }
}

/// A registered workflow.
#[derive(Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedWorkflow {
    pub(crate) name: String,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) version: Option<semver::Version>,
}

/// A workflow as a request means it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkflowMeant {
    /// A registered one.
    Named(NamedWorkflow),
    /// A file.
    Source(NamedFile),
}

impl WorkflowField {
    /// A text of nothing but the letters of names is a name, since no workflow file is so short;
    /// everything else is a file.
    ///
    /// # Errors
    /// What follows the `@` is no version.
    pub(crate) fn meant(self) -> Result<WorkflowMeant, ApiError> {
        let text = match self {
            Self::Named(named) => return Ok(WorkflowMeant::Named(named)),
            Self::File(file) => return file.checked().map(WorkflowMeant::Source),
            Self::Text(text) => text,
        };
        let of_name = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
        if !text.is_empty() && text.chars().all(of_name) {
            return named(&text).map(WorkflowMeant::Named);
        }
        Ok(WorkflowMeant::Source(NamedFile::unnamed(text)))
    }
}

/// How messages call the text of a workflow file.
fn file_name(text: &str) -> &'static str {
    if text.trim_start().starts_with('{') { "workflow.json" } else { "workflow.yaml" }
}

fn named(text: &str) -> Result<NamedWorkflow, ApiError> {
    let Some((name, version)) = text.split_once('@') else {
        return Ok(NamedWorkflow { name: text.to_owned(), version: None });
    };
    let version = version.parse().map_err(|error| {
        let detail = format!("\"{version}\" is no version such as 1.2.3: {error}");
        ApiError::new(&codes::UNACCEPTABLE, detail)
    })?;
    Ok(NamedWorkflow { name: name.to_owned(), version: Some(version) })
}

/// The body of `POST /v1/runs/{run}/resume`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RunResume)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeBody {
    #[serde(default)]
    answers: Vec<AnswerBody>,
    /// Takes up a blocked run whose task diverged from its record.
    #[serde(default)]
    pub(crate) discard_effects: bool,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = AnswerGiven)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    #[serde(default)]
    question: Option<QuestionId>,
    #[serde(default)]
    node: Option<NodeId>,
    answer: Value,
}

impl ResumeBody {
    /// # Errors
    /// An answer names its question twice, there are too many, or a blocked run is answered.
    pub(crate) fn meant(self) -> Result<Vec<AnswerGiven>, ApiError> {
        if self.discard_effects && !self.answers.is_empty() {
            let detail = "a blocked run asks nothing: send either answers or discard_effects";
            return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
        }
        if self.answers.len() > ANSWERS_MAX {
            let detail = format!("at most {ANSWERS_MAX} answers at once");
            return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
        }
        self.answers.into_iter().map(AnswerBody::meant).collect()
    }
}

impl AnswerBody {
    fn meant(self) -> Result<AnswerGiven, ApiError> {
        let to = match (self.question, self.node) {
            (None, None) => AnswerTo::Only,
            (Some(question), None) => AnswerTo::Question(question),
            (None, Some(node)) => AnswerTo::Node(node),
            (Some(_), Some(_)) => {
                let detail = "an answer names its question by question or by node, not by both";
                return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
            }
        };
        Ok(AnswerGiven { to, answer: self.answer })
    }
}

/// The body of `POST /v1/runs/{run}/cancel`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RunCancel)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBody {
    #[serde(default)]
    reason: Option<String>,
}

impl CancelBody {
    /// # Errors
    /// The reason is too long.
    pub(crate) fn meant(self) -> Result<String, ApiError> {
        reason_of(self.reason)
    }
}

/// Why a run is ended.
///
/// # Errors
/// The reason is too long.
pub(crate) fn reason_of(given: Option<String>) -> Result<String, ApiError> {
    let reason = given.unwrap_or_else(|| "no reason was given".to_owned());
    if reason.len() <= REASON_BYTES_MAX {
        return Ok(reason);
    }
    let detail = format!("a reason may have {REASON_BYTES_MAX} bytes");
    Err(ApiError::new(&codes::UNACCEPTABLE, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse;

    fn workflow(json: &str) -> String {
        let text = format!(r#"{{"workflow":{json}}}"#);
        let meant = parse::<StartBody>(text.as_bytes(), 64).and_then(|body| body.workflow.meant());
        match meant {
            Ok(WorkflowMeant::Named(NamedWorkflow { name, version: None })) => name,
            Ok(WorkflowMeant::Named(NamedWorkflow { name, version: Some(version) })) => {
                format!("{name} at {version}")
            }
            Ok(WorkflowMeant::Source(NamedFile { file, .. })) => file,
            Err(error) => format!("{}: {}", error.code.id, error.detail),
        }
    }

    #[test]
    fn a_workflow_is_a_name_a_name_with_a_version_or_a_file() {
        assert_eq!(workflow(r#""brief""#), "brief");
        assert_eq!(workflow(r#""brief@1.2.3""#), "brief at 1.2.3");
        assert_eq!(workflow(r#"{"name":"brief"}"#), "brief");
        assert_eq!(workflow(r#"{"name":"brief","version":"1.0.0"}"#), "brief at 1.0.0");
        assert_eq!(workflow(r#""name: brief\nnodes: {}""#), "workflow.yaml");
        assert_eq!(workflow(r#"" {\"name\": \"brief\"}""#), "workflow.json");
        assert_eq!(workflow(r#""""#), "workflow.yaml");
        assert_eq!(workflow(r#"{"file":"flows/a.yaml","text":""}"#), "flows/a.yaml");
        assert!(workflow(r#"{"file":"a\nb","text":""}"#).contains("printable characters"));
    }

    #[test]
    fn what_is_no_workflow_says_what_would_be_one() {
        for wrong in ["7", "null", r#"{"name":"brief","tenant":"x"}"#, r#"{"version":"1.0.0"}"#] {
            let answer = workflow(wrong);
            assert!(answer.starts_with("WF0422: "), "{answer}");
            assert!(answer.contains("workflow is a name, "), "{answer}");
        }
        assert!(workflow(r#""brief@latest""#).contains("is no version such as 1.2.3"));
    }

    #[test]
    fn a_body_cannot_name_a_tenant_or_who_asks() {
        for field in ["tenant", "by", "idempotency"] {
            let text = format!(r#"{{"workflow":"brief","{field}":"x"}}"#);
            let error = parse::<StartBody>(text.as_bytes(), 64).unwrap_err();
            assert!(error.detail.contains(&format!("unknown field `{field}`")), "{}", error.detail);
        }
    }

    fn answers(json: &str) -> Result<Vec<AnswerTo>, &'static str> {
        parse::<ResumeBody>(json.as_bytes(), 64)
            .and_then(ResumeBody::meant)
            .map(|answers| answers.into_iter().map(|answer| answer.to).collect())
            .map_err(|error| error.code.id)
    }

    #[test]
    fn an_answer_names_its_question_once_or_not_at_all() {
        let id = "ask_00000000000000000000000000000001";
        let node = "approve".parse().unwrap();
        assert_eq!(answers("{}"), Ok(vec![]));
        assert_eq!(answers(r#"{"answers":[{"answer":null}]}"#), Ok(vec![AnswerTo::Only]));
        assert_eq!(
            answers(r#"{"answers":[{"node":"approve","answer":1}]}"#),
            Ok(vec![AnswerTo::Node(node)])
        );
        let by_id = format!(r#"{{"answers":[{{"question":"{id}","answer":1}}]}}"#);
        assert_eq!(answers(&by_id), Ok(vec![AnswerTo::Question(id.parse().unwrap())]));
        let both = format!(r#"{{"answers":[{{"question":"{id}","node":"approve","answer":1}}]}}"#);
        assert_eq!(answers(&both), Err("WF0422"));
        assert_eq!(answers(r#"{"answers":[{}]}"#), Err("WF0422"));
        assert_eq!(answers(r#"{"discard_effects":true}"#), Ok(vec![]));
        let both = r#"{"answers":[{"answer":1}],"discard_effects":true}"#;
        assert_eq!(answers(both), Err("WF0422"));
    }
}
