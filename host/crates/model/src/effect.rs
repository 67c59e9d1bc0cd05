//! What a guest asks of the host, and what a task may wait for.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::id::IdHasher;
use crate::{Digest, QuestionId, TaskId, Timestamp, Value};

/// The host functions that are recorded, by interface and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the function of the contract that bears its name")]
pub enum Operation {
    LlmComplete,
    HttpFetch,
    ToolsList,
    ToolsCall,
    KvGet,
    KvSet,
    KvDelete,
    KvList,
    KvCompareAndSwap,
    HumanAsk,
    TimerSleep,
    SecretsGet,
    SecretsReveal,
    BlobsCreate,
    BlobsRead,
}

impl Operation {
    /// `interface.function`, as the contract names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LlmComplete => "llm.complete",
            Self::HttpFetch => "http.fetch",
            Self::ToolsList => "tools.list",
            Self::ToolsCall => "tools.call",
            Self::KvGet => "kv.get",
            Self::KvSet => "kv.set",
            Self::KvDelete => "kv.delete",
            Self::KvList => "kv.list",
            Self::KvCompareAndSwap => "kv.compare-and-swap",
            Self::HumanAsk => "human.ask",
            Self::TimerSleep => "timer.sleep",
            Self::SecretsGet => "secrets.get",
            Self::SecretsReveal => "secrets.reveal",
            Self::BlobsCreate => "blobs.create",
            Self::BlobsRead => "blobs.read",
        }
    }

    /// Whether a request changes something that is still changed where its task fails: at a
    /// server, in a tool, in the memory of a thread or a plugin. The memory of a run goes the way
    /// of its run.
    #[must_use]
    pub fn writes(self, request: &Value) -> bool {
        let text = |field| request.get(field).and_then(Value::as_str).unwrap_or_default();
        match self {
            Self::HttpFetch => !matches!(text("method"), "GET" | "HEAD" | "OPTIONS"),
            Self::KvSet | Self::KvDelete | Self::KvCompareAndSwap => text("scope") != "run",
            Self::ToolsCall => true,
            Self::LlmComplete
            | Self::ToolsList
            | Self::KvGet
            | Self::KvList
            | Self::HumanAsk
            | Self::TimerSleep
            | Self::SecretsGet
            | Self::SecretsReveal
            | Self::BlobsCreate
            | Self::BlobsRead => false,
        }
    }
}

impl Operation {
    /// Whether it is one of `kv`.
    #[must_use]
    pub const fn is_of_memory(self) -> bool {
        matches!(
            self,
            Self::KvGet | Self::KvSet | Self::KvDelete | Self::KvList | Self::KvCompareAndSwap
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in a task's record an effect stands: attempt from 1, position from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: u32,
    /// The place among the attempt's effects.
    pub position: u32,
}

/// The hash of a guest's canonical request, without what the host adds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHash(pub [u8; 16]);

impl RequestHash {
    /// Hashes an operation and its request. Objects have their keys in order, so equal requests
    /// give equal text.
    #[must_use]
    pub fn of(operation: Operation, request: &Value) -> Self {
        let text = serde_json::to_vec(request).unwrap_or_default();
        let hasher = IdHasher::new("wforge.request.v1").field(operation.as_str().as_bytes());
        Self(hasher.field(&text).finish())
    }
}

impl fmt::Debug for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which task of a node asks, over runs: the same for one that is begun again with what was sent to
/// it, and to the tasks that run the workflows around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskerHash(pub [u8; 16]);

impl fmt::Debug for AskerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a suspended task waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// A person's answer.
    Question(Question),
    /// People's answers to several questions that were asked at once; those that are still open.
    Questions(Vec<Question>),
    /// A moment.
    Timer {
        /// When it goes on.
        until: Timestamp,
    },
    /// An operator, who has put the component away that it calls.
    Quarantine {
        /// The component.
        component: Digest,
        /// Why, in the operator's words.
        reason: String,
    },
}

impl Waiting {
    /// The wait for the answers to questions that are open.
    #[must_use]
    pub fn asking(mut open: Vec<Question>) -> Option<Self> {
        match open.len() {
            0 => None,
            1 => open.pop().map(Self::Question),
            _ => Some(Self::Questions(open)),
        }
    }

    /// The questions that are open.
    #[must_use]
    pub const fn questions(&self) -> &[Question] {
        match self {
            Self::Question(question) => core::slice::from_ref(question),
            Self::Questions(questions) => questions.as_slice(),
            Self::Timer { .. } | Self::Quarantine { .. } => &[],
        }
    }

    /// The same, to be changed.
    #[must_use]
    pub const fn questions_mut(&mut self) -> &mut [Question] {
        match self {
            Self::Question(question) => core::slice::from_mut(question),
            Self::Questions(questions) => questions.as_mut_slice(),
            Self::Timer { .. } | Self::Quarantine { .. } => &mut [],
        }
    }

    /// What is still waited for once one of the questions is answered.
    #[must_use]
    pub fn without(&self, question: QuestionId) -> Option<Self> {
        let open = self.questions().iter().filter(|open| open.id != question);
        Self::asking(open.cloned().collect())
    }
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    /// H(task, n) for the task's n-th question.
    pub id: QuestionId,
    /// The question as the person reads it.
    pub prompt: String,
    /// JSON Schema that the answer must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// When nobody needs to answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Who should answer; anybody may who may answer at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What was said to whoever should answer when it was put to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whose it becomes where nobody has answered for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Box<Escalation>>,
    /// Hash of the request that asked it; an answer counts for the same request only.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u8>))]
    pub request: RequestHash,
}

/// Whose a question becomes where nobody has answered by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Escalation {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub to: String,
    /// Whether it became theirs: that happens once.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub done: bool,
}

/// The id of a task's n-th question, from 0.
#[must_use]
pub fn question_id(task: TaskId, ordinal: u32) -> QuestionId {
    let hasher = IdHasher::new("wforge.question.v1").field(task.as_bytes());
    QuestionId::from_bytes(hasher.number(u64::from(ordinal)).finish())
}

/// The task of an agent that a task calls as a tool at a position of its record: the same over
/// attempts and reruns.
#[must_use]
pub fn child_task(task: TaskId, position: u32) -> TaskId {
    let hasher = IdHasher::new("wforge.child.v1").field(task.as_bytes());
    TaskId::from_bytes(hasher.number(u64::from(position)).finish())
}

/// Under which id it is written down at which positions a task has child tasks with effects of
/// their own, so that whoever removes a run finds their records.
#[must_use]
pub fn child_register(task: TaskId) -> TaskId {
    TaskId::from_bytes(IdHasher::new("wforge.children.v1").field(task.as_bytes()).finish())
}

/// The answer to a question, kept over all attempts of its task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The question.
    pub question: QuestionId,
    /// The request that asked it.
    pub request: RequestHash,
    /// What was answered; none where the deadline passed.
    #[serde(
        default,
        deserialize_with = "crate::workflow::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub answer: Option<Value>,
    /// When.
    pub at: Timestamp,
}
