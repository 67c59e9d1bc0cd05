//! One case: workflows, and what is done with the first of them on one thread.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wforge_model::workflow::WorkflowDraft;

/// What both sides are handed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// The workflows by name.
    pub workflows: BTreeMap<String, WorkflowDraft>,
    /// The one that is run.
    pub root: String,
    /// What is done, in order.
    pub actions: Vec<Action>,
}

/// Something that is done with a thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Starts a run with input.
    Invoke(Invoke),
    /// Answers questions.
    Resume(Resume),
    /// Lets go on what stands, failed, or was to be done at a checkpoint.
    Continue(Continue),
    /// Writes the state in the place of a node.
    Update(Update),
    /// Several super-steps of such updates.
    Bulk(Bulk),
    /// Makes a checkpoint once more.
    Copy(Copy),
}

/// How an action begins, and what of it is recorded beside the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The checkpoint, by its place in the history from the oldest; none: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    /// Super-steps after which the run pauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Which borders are history: sync, async, exit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durability: Option<String>,
    /// Records what the stream `values` shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// Records the waits before further attempts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// A run with input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invoke {
    /// The input.
    #[serde(default)]
    pub input: Map<String, Value>,
    /// The rest.
    #[serde(flatten)]
    pub options: Options,
}

/// Answers: one for the only question, or some by node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resume {
    /// The answer to the only question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Answers by node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The rest.
    #[serde(flatten)]
    pub options: Options,
}

/// The answer to a question of a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The node that asks.
    pub node: String,
    /// Which of its tasks, where several ask.
    #[serde(default)]
    pub ordinal: usize,
    /// The answer.
    pub value: Value,
}

/// Goes on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Continue {
    /// From where, and how.
    #[serde(flatten)]
    pub options: Options,
}

/// Writes in the place of a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Update {
    /// The node, or START; none: the one that wrote last.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What is written.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// What is written where a key is written twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<(String, Value)>,
    /// The rest.
    #[serde(flatten)]
    pub options: Options,
}

/// Several super-steps of updates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bulk {
    /// The updates of each.
    pub steps: Vec<Vec<Update>>,
    /// The rest.
    #[serde(flatten)]
    pub options: Options,
}

/// A checkpoint once more.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Copy {
    /// Which.
    #[serde(flatten)]
    pub options: Options,
}

impl Action {
    /// The name that records give it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invoke(_) => "invoke",
            Self::Resume(_) => "resume",
            Self::Continue(_) => "continue",
            Self::Update(_) => "update",
            Self::Bulk(_) => "bulk",
            Self::Copy(_) => "copy",
        }
    }

    /// How it begins, and what of it is recorded.
    #[must_use]
    pub fn options(&self) -> &Options {
        match self {
            Self::Invoke(action) => &action.options,
            Self::Resume(action) => &action.options,
            Self::Continue(action) => &action.options,
            Self::Update(action) => &action.options,
            Self::Bulk(action) => &action.options,
            Self::Copy(action) => &action.options,
        }
    }
}
